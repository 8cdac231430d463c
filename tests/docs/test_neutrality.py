"""The repository names no real host, person or place: placeholders only."""

import ipaddress
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BINARY = {".png", ".ico", ".woff2", ".gz", ".gguf", ".wav"}
# Written with brackets, so that this file does not hold what it looks for.
PLACES = re.compile(
    r"/home/(?!user\b)\w|/User[s]/\w|/wor[k]/|C:\\User[s]"
    r"|pypi[.]org|pythonhosted[.]org|registry[.]npmjs|deb[.]debian|/etc/xdg/pi[p]|/op[t]/wheels"
)
ADDRESS = re.compile(r"(?<![\w.])(\d{1,3}(?:\.\d{1,3}){3})(?!\.?\w)")
NETWORKS = [
    ipaddress.ip_network(text)
    for text in (
        "127.0.0.0/8",  # loopback
        "10.88.0.0/16",  # the lab
        "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24",  # documentation
        "169.254.0.0/16", "224.0.0.0/4",  # link-local and multicast
    )
]  # fmt: skip
# Names of whole ranges, masks and "any"; none is a host.
RANGES = {
    "0.0.0.0", "255.255.255.255", "255.255.255.0", "255.255.0.0",
    "10.0.0.0", "172.16.0.0", "192.168.0.0", "100.64.0.0",
}  # fmt: skip


def listed() -> list[Path]:
    """Return the files of the repository, those not yet committed too."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - a fixed list
    if found.returncode:
        pytest.skip("not a git work tree")
    paths = [ROOT / name for name in found.stdout.split("\0") if name]
    return [path for path in paths if path.is_file() and path.suffix not in BINARY]


@cache
def texts() -> dict[str, str]:
    return {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8", errors="replace")
        for path in listed()
    }


def is_placeholder(text: str) -> bool:
    """Tell whether an address stands for nobody; a version such as 1.2.3.400 is no address."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return True
    return text in RANGES or any(address in network for network in NETWORKS)


def test_no_place_of_a_real_machine() -> None:
    found = [(name, hit[0]) for name, text in texts().items() for hit in PLACES.finditer(text)]
    assert not found


def test_no_address_of_a_real_machine() -> None:
    found = [
        (name, hit[1])
        for name, text in texts().items()
        if not name.endswith(".lock")
        for hit in ADDRESS.finditer(text)
        if not is_placeholder(hit[1])
    ]
    assert not found


@pytest.mark.parametrize(
    "text", ["cd /ho" + "me/someone", "see https" + "://pypi" + ".org/x", "/wo" + "rk/x"]
)
def test_places_are_seen(text: str) -> None:
    assert PLACES.search(text)


@pytest.mark.parametrize("text", ["/home/user/x", "homework/x", "a /network/ b"])
def test_placeholders_pass(text: str) -> None:
    assert not PLACES.search(text)


def test_addresses_are_told_apart() -> None:
    assert not is_placeholder("8.8" + ".8.8")
    assert is_placeholder("10.88.0.11")
    assert is_placeholder("580.95.05.1")
    assert not ADDRESS.search("version 1.2.3.4.5 and v1.2.3.4-rc")
