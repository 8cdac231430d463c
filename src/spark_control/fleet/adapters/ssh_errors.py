"""The one place where asyncssh's errors become ours."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncssh

from spark_control.core.errors import AppError, HostTrouble
from spark_control.fleet.errors import (
    ConnectionLost,
    HostKeyChanged,
    HostRefusedKey,
    HostUnreachable,
    KeyFileTrouble,
)

_NO_SESSION = "Close other sessions of that user, or raise `MaxSessions` in its `sshd_config`."

# What asyncssh says of a channel that could not open because the connection went away.
_GONE = "SSH connection closed"

# A name that no resolver takes is a UnicodeError.
_THEIRS = (
    asyncssh.Error,
    asyncssh.ConfigParseError,
    asyncssh.KeyImportError,
    OSError,
    UnicodeError,
)


@contextmanager
def ssh_errors(spark: str, *, lost: type[HostTrouble] = ConnectionLost) -> Iterator[None]:
    """Translate what asyncssh and the network raise; `lost` is what a broken connection is.

    While we connect nothing has run yet, so there a broken connection is HostUnreachable.
    """
    try:
        yield
    except AppError:
        raise
    except _THEIRS as error:
        raise _translated(spark, error, lost) from error


_KINDS: tuple[tuple[type[Exception], type[AppError], str, str | None], ...] = (
    (asyncssh.PermissionDenied, HostRefusedKey, "{} does not accept our SSH key.", None),
    (
        asyncssh.HostKeyNotVerifiable,
        HostKeyChanged,
        "{} shows another host key than the pinned one.",
        None,
    ),
    (
        asyncssh.ConfigParseError,
        KeyFileTrouble,
        "The SSH client's configuration for {} could not be read.",
        "Correct the line of `~/.ssh/config` that the detail names.",
    ),
    (
        asyncssh.KeyImportError,
        KeyFileTrouble,
        "An SSH key of this user could not be read to reach {}.",
        "Look at the keys in `~/.ssh`; the detail says what is wrong.",
    ),
)


def _translated(spark: str, error: Exception, lost: type[HostTrouble]) -> AppError:
    reason = {"reason": (str(error) or type(error).__name__)[:200]}
    for kind, ours, message, hint in _KINDS:
        if isinstance(error, kind):
            return ours(message.format(spark), hint=hint, detail=reason)
    if isinstance(error, asyncssh.ChannelOpenError) and error.reason != _GONE:
        return HostTrouble(f"{spark} opens no further session.", hint=_NO_SESSION, detail=reason)
    if lost is HostUnreachable:
        return lost(f"{spark} cannot be reached.", detail=reason)
    return lost(f"The connection to {spark} was lost.", detail=reason)
