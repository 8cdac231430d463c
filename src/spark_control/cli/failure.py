"""What can go wrong for the command line, and the exit code that says so.

These never cross HTTP: they are what an answer said, or that there was none. That is why they
are not in the error tree of core, whose families decide an HTTP status.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum


class Exit(IntEnum):
    """How a verb ended, for scripts."""

    OK = 0
    FAILED = 1
    WRONG_USE = 2
    NOT_REACHABLE = 3
    NOT_SIGNED_IN = 4
    NOT_FOUND = 5
    CONFLICT = 6
    STOPPED = 130
    """Ctrl-C, as every shell knows it."""


OF_STATUS = {400: 2, 401: 4, 404: 5, 409: 6, 413: 2, 415: 2, 422: 2, 423: 6}


def exit_of(status: int) -> Exit:
    """Return the exit code for an HTTP status that is an error."""
    return Exit(OF_STATUS.get(status, Exit.FAILED))


@dataclass(kw_only=True, eq=False)
class Failure(Exception):
    """A verb cannot go on: what happened, what to do, and how to exit."""

    code: str
    message: str
    hint: str = ""
    exit: Exit = Exit.FAILED
    detail: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__(self.message)

    def as_dict(self) -> dict[str, object]:
        """Return the shape that the API has for errors."""
        body: dict[str, object] = {"code": self.code, "message": self.message}
        if self.hint:
            body["hint"] = self.hint
        if self.detail:
            body["detail"] = dict(self.detail)
        return body
