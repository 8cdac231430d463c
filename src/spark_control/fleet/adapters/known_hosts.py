"""The host keys we have seen, in a `known_hosts` file of our own."""

import logging
import threading
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from spark_control.fleet.errors import HostKeyChanged, KeyFileTrouble

log = logging.getLogger(__name__)

# Plain keys only: a server that prefers its certificate would otherwise show what nobody pinned.
_PLAIN = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
# We go by name alone; without an address, asyncssh would ask for the one of the name.
_NO_ADDRESS = "255.255.255.255"


@dataclass(frozen=True, slots=True)
class Trusted:
    """What the file says of one address."""

    keys: tuple[asyncssh.SSHKey, ...] = ()
    authorities: tuple[asyncssh.SSHKey, ...] = ()
    revoked: tuple[asyncssh.SSHKey, ...] = ()

    @property
    def pinned(self) -> bool:
        """Tell whether the address was seen before."""
        return bool(self.keys or self.authorities)

    def accepts(self, key: asyncssh.SSHKey) -> bool:
        """Tell whether `key` may be the key of the address."""
        return key not in self.revoked and (key in self.keys or not self.pinned)

    @property
    def algorithms(self) -> tuple[str, ...]:
        """Return what to ask the server for: the kinds of the pinned keys first."""
        if self.authorities:
            return ()
        pinned = [name.decode("ascii") for key in self.keys for name in key.sig_algorithms]
        return tuple(dict.fromkeys([*pinned, *_PLAIN]))


def fingerprint(key: asyncssh.SSHKey) -> str:
    """Return `SHA256:…` as `ssh-keygen -l` shows it."""
    return key.get_fingerprint()


def entry_name(host: str, port: int) -> str:
    """Return how `known_hosts` names an address."""
    return host if port == 22 else f"[{host}]:{port}"


class KnownHosts:
    """Reads and extends the file; meant for a thread, as it waits for the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def trusted(self, host: str, port: int) -> Trusted:
        """Return what is known of an address now. Raises KeyFileTrouble."""
        # The name as the file has it, port and all: given a port, asyncssh would take the key of
        # port 22 for the key of every port.
        found = self._read().match(entry_name(host, port), _NO_ADDRESS, None)
        return Trusted(tuple(found[0]), tuple(found[1]), tuple(found[2]))

    def pin(self, host: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Trust `key` from now on and tell whether it was new.

        Raises HostKeyChanged when another key was pinned meanwhile, KeyFileTrouble when the file
        can't be written.
        """
        with self._lock:
            trusted = self.trusted(host, port)
            if not trusted.accepts(key):
                raise key_changed(host, port, key)
            if key in trusted.keys:
                return False
            self._append(f"{entry_name(host, port)} {_line(key)}")
        log.warning("pinned the host key of %s: %s", entry_name(host, port), fingerprint(key))
        return True

    def _read(self) -> asyncssh.SSHKnownHosts:
        try:
            return asyncssh.import_known_hosts(self._path.read_text("utf-8"))
        except FileNotFoundError:
            return asyncssh.import_known_hosts("")
        except (OSError, ValueError) as error:
            raise KeyFileTrouble(
                f"{self._path} could not be read.",
                hint="Check its rights, or remove the line that is no `known_hosts` entry.",
                detail={"reason": str(error)[:200]},
            ) from error

    def _append(self, line: str) -> None:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._path.open("ab+") as file:
                file.seek(0)
                whole = file.read()
                start = b"" if not whole or whole.endswith(b"\n") else b"\n"
                file.write(start + line.encode() + b"\n")
        except OSError as error:
            raise KeyFileTrouble(
                f"{self._path} could not be written.",
                hint="Check the rights and the free space of the data directory.",
                detail={"reason": str(error)[:200]},
            ) from error


def key_changed(host: str, port: int, key: asyncssh.SSHKey) -> HostKeyChanged:
    """Return the error for a server that shows a key we do not trust."""
    return HostKeyChanged(
        f"{entry_name(host, port)} shows another host key than the pinned one.",
        detail={"shown": fingerprint(key)},
    )


def _line(key: asyncssh.SSHKey) -> str:
    return key.export_public_key("openssh").decode("ascii").strip()
