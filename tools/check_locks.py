"""Check that the lock files hold what pyproject.toml asks for, hashed, and name no index."""

import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ENTRY = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)")
ADDRESS = re.compile(
    r"://|^\s*(?:-i|-f|-e|--index-url|--extra-index-url|--find-links)\b|^\s*#.*\s/"
)


def pins(lock: str) -> dict[str, str]:
    """Return package name to version."""
    found = (ENTRY.match(line) for line in lock.splitlines())
    return {canonicalize_name(match[1]): match[2] for match in found if match}


def unhashed(lock: str) -> list[str]:
    """Return the entries without a hash."""
    entries = re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE)
    return [e.split("==")[0] for e in entries if ENTRY.match(e) and "--hash=sha256:" not in e]


def addresses(lock: str) -> list[str]:
    """Return the lines that name an index, a download address or a path of some machine."""
    return [line.strip() for line in lock.splitlines() if ADDRESS.search(line)]


def stale(lock: str, wanted: Iterable[str]) -> list[str]:
    """Return the requirements that the lock does not meet."""
    locked = pins(lock)
    requirements = [Requirement(text) for text in wanted]
    return [
        str(requirement)
        for requirement in requirements
        if not requirement.specifier.contains(locked.get(canonicalize_name(requirement.name), "0"))
    ]


def wishes(project: Mapping[str, Any], build: Iterable[str]) -> dict[str, list[str]]:
    """Return what each lock must hold by the words of pyproject.toml."""
    extras = project["optional-dependencies"]
    base = list(project["dependencies"])
    demo = [*base, *extras["demo"]]
    return {"build": list(build), "base": base, "demo": demo, "dev": [*demo, *extras["dev"]]}


def main() -> int:
    """Name what is wrong; 0 when nothing is."""
    pyproject = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    wanted = wishes(pyproject["project"], pyproject["build-system"]["requires"])
    wrong = []
    for name, items in wanted.items():
        lock = Path(f"requirements/{name}.lock").read_text(encoding="utf-8")
        wrong += [f"{name}.lock: not as in pyproject.toml: {item}" for item in stale(lock, items)]
        wrong += [f"{name}.lock: no hash: {item}" for item in unhashed(lock)]
        wrong += [f"{name}.lock: an address: {line}" for line in addresses(lock)]
    for line in wrong:
        print(line)
    if wrong:
        print("Run `make lock`.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
