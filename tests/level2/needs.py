"""What lab level 2 needs of this machine, and what of it is not there."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

IN_CI = os.environ.get("CI") == "true"  # noqa: TID251 - tells a machine that must have everything
_SBIN = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PROGRAMS = (
    "podman", "runc", "conmon", "sshd", "ip", "nsenter", "unshare", "setpriv", "busybox", "pkill",
)  # fmt: skip
_TOOLS = Path(__file__).parents[2] / ".tools" / "docker" / "usr" / "bin" / "docker"
_NAMESPACES = ("--mount", "--net", "--uts", "--pid", "--fork", "--mount-proc")


def docker_client() -> Path:
    """Return Docker's own client; podman may have put itself in its place."""
    found = [shutil.which("docker", path=_SBIN), _TOOLS]
    for path in (Path(one) for one in found if one):
        if path.is_file() and done(path, "--version").stdout.startswith("Docker version"):
            return path
    raise FileNotFoundError("docker")


def done(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command on this machine to its end; its status says how that was."""
    line = [str(word) for word in words]
    return subprocess.run(line, check=False, capture_output=True, text=True, timeout=30)  # noqa: S603 - words of ours


@cache
def lacking() -> str:
    """Return what is missing here, in words; empty when everything is there."""
    if os.geteuid() != 0:
        return "root"
    missing = [name for name in _PROGRAMS if shutil.which(name, path=_SBIN) is None]
    try:
        docker_client()
    except FileNotFoundError:
        missing.append("Docker's client")
    if missing:
        return ", ".join(missing)
    tried = done("unshare", *_NAMESPACES, "mount", "-t", "tmpfs", "tmpfs", "/mnt")
    return f"namespaces ({tried.stderr.strip()})" if tried.returncode else ""
