"""The SSH key that Spark Control makes for itself."""

import os
from pathlib import Path

import asyncssh

from spark_control.fleet.errors import KeyFileTrouble

COMMENT = "spark-control"


def ensure_key(path: Path) -> str:
    """Make an ed25519 key at `path` unless there is one, and return its public line.

    Waits for the disk. Raises KeyFileTrouble.
    """
    try:
        if not path.exists():
            _make(path)
        return _public_line(path)
    except OSError as error:
        raise KeyFileTrouble(
            f"The SSH key {path} could not be read or written.",
            hint="Check the rights of the file and its folder, or set `SSH_KEY_PATH`.",
            detail={"reason": error.strerror or str(error)},
        ) from error


def load_key(path: Path) -> asyncssh.SSHKey:
    """Return the private key at `path`. Waits for the disk. Raises KeyFileTrouble."""
    try:
        return asyncssh.read_private_key(path)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        raise KeyFileTrouble(
            f"The SSH key {path} cannot be used.",
            hint=(
                "It must be a private key without a passphrase. Correct `SSH_KEY_PATH`, or remove "
                "the file and a new key is made."
            ),
            detail={"reason": str(error)[:200]},
        ) from error
    except OSError as error:
        raise KeyFileTrouble(
            f"The SSH key {path} could not be read.",
            hint="Check the rights of the file, or set `SSH_KEY_PATH`.",
            detail={"reason": error.strerror or str(error)},
        ) from error


def _make(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = asyncssh.generate_private_key("ssh-ed25519", comment=COMMENT)
    # Linked into place: two starts at once agree on one key, and half a key is never seen.
    part = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(key.export_private_key("openssh"))
        path.hardlink_to(part)
        # Beside it, where `ssh-copy-id -i` looks.
        path.with_name(f"{path.name}.pub").write_bytes(key.export_public_key("openssh"))
    except FileExistsError:
        pass
    finally:
        part.unlink()


def _public_line(path: Path) -> str:
    key = load_key(path)
    key.set_comment(key.get_comment() or COMMENT)
    return key.export_public_key("openssh").decode("utf-8").strip()
