"""The host keys we have seen, in a `known_hosts` file of our own."""

import logging
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import asyncssh

from spark_control.core.files import write_private
from spark_control.fleet.errors import HostKeyChanged, HostKeyNew, KeyFileTrouble

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
    first_use: bool = True
    """Whether an address that was never seen is taken as it shows itself."""

    @property
    def pinned(self) -> bool:
        """Tell whether the address was seen before."""
        return bool(self.keys or self.authorities)

    def accepts(self, key: asyncssh.SSHKey) -> bool:
        """Tell whether `key` may be the key of the address."""
        unseen = self.first_use and not self.pinned
        return key not in self.revoked and (key in self.keys or unseen)

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


class Trust(Protocol):
    """Which keys a connection takes, and what becomes of a new one."""

    def trusted(self, host: str, port: int) -> Trusted:
        """Return what is known of an address now."""

    def pin(self, host: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Trust `key` from now on and tell whether it was new."""


@dataclass(frozen=True, slots=True)
class OnlyKey:
    """Trusts one key, for a connection that leaves no trace."""

    key: asyncssh.SSHKey

    def trusted(self, host: str, port: int) -> Trusted:
        del host, port
        return Trusted(keys=(self.key,))

    def pin(self, host: str, port: int, key: asyncssh.SSHKey) -> bool:
        del host, port, key
        return False


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Trusts what is in the file and nothing at first sight: a person says yes before."""

    known: "KnownHosts"

    def trusted(self, host: str, port: int) -> Trusted:
        return replace(self.known.trusted(host, port), first_use=False)

    def pin(self, host: str, port: int, key: asyncssh.SSHKey) -> bool:
        return self.known.pin(host, port, key)


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

    def replace(self, host: str, port: int, key: asyncssh.SSHKey | None) -> None:
        """Trust `key` and no other for the address; None trusts none. Raises KeyFileTrouble."""
        name = entry_name(host, port)
        with self._lock:
            text = self._text()
            lines = [kept for line in text.splitlines() if (kept := _without(line, name))]
            if key is not None:
                lines.append(f"{name} {_line(key)}")
            try:
                write_private(self._path, "".join(f"{line}\n" for line in lines).encode())
            except OSError as error:
                raise self._unwritable(error) from error
        if key is not None:
            log.warning("trusted the host key of %s: %s", name, fingerprint(key))

    def _read(self) -> asyncssh.SSHKnownHosts:
        return self._parsed()[1]

    def _text(self) -> str:
        return self._parsed()[0]

    def _parsed(self) -> tuple[str, asyncssh.SSHKnownHosts]:
        try:
            text = self._path.read_text("utf-8")
            return text, asyncssh.import_known_hosts(text)
        except FileNotFoundError:
            return "", asyncssh.import_known_hosts("")
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
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> KeyFileTrouble:
        return KeyFileTrouble(
            f"{self._path} could not be written.",
            hint="Check the rights and the free space of the data directory.",
            detail={"reason": str(error)[:200]},
        )


def key_refused(
    trusted: Trusted, host: str, port: int, key: asyncssh.SSHKey
) -> HostKeyChanged | HostKeyNew:
    """Return the error for a key that `trusted` does not take: never seen, or another one."""
    if trusted.pinned or key in trusted.revoked:
        return key_changed(host, port, key)
    return HostKeyNew(
        f"{entry_name(host, port)} shows a host key that nobody has confirmed.",
        detail={"shown": fingerprint(key)},
    )


def key_changed(host: str, port: int, key: asyncssh.SSHKey) -> HostKeyChanged:
    """Return the error for a server that shows a key we do not trust."""
    return HostKeyChanged(
        f"{entry_name(host, port)} shows another host key than the pinned one.",
        detail={"shown": fingerprint(key)},
    )


def _line(key: asyncssh.SSHKey) -> str:
    return key.export_public_key("openssh").decode("ascii").strip()


def _without(line: str, name: str) -> str:
    """Return the line without that address; blank when nothing of it is left."""
    names, _, rest = line.strip().partition(" ")
    if not rest or names.startswith(("#", "@")):
        return line
    if "," in names or names == name:
        left = ",".join(one for one in names.split(",") if one != name)
        return f"{left} {rest}" if left else ""
    hashed = names.startswith("|")
    found = hashed and asyncssh.import_known_hosts(line).match(name, _NO_ADDRESS, None)[0]
    return "" if found else line
