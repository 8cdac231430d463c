"""A remote command is a tuple of words until the last moment; quoting happens here and once.

`RemotePath` is a path on a Spark. `~` and `$HOME` at its start mean the home of the user there,
also when the rest of the path holds spaces or quotes.
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from typing_extensions import override

from spark_control.core.errors import BadInput

_HOME = re.compile(r"^(?:~|\$HOME|\$\{HOME\})(?:/|$)")
_ENV_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")


class BadWord(BadInput):
    """A value that must reach a shell holds a character no word can carry."""

    code = "bad_word"
    hint = "Remove the NUL or line break from the value."


@dataclass(frozen=True, slots=True)
class RemotePath:
    """A path on a Spark: `parts` below the home directory when `in_home`, else absolute."""

    tail: str
    in_home: bool

    @classmethod
    def parse(cls, text: str) -> "RemotePath":
        """Read `~/x`, `$HOME/x`, `${HOME}/x` or `/x`. Raises BadWord for anything else."""
        if not text or any(char in text for char in "\0\n\r"):
            raise BadWord(f"{text!r} is not a path on a Spark.")
        if found := _HOME.match(text):
            return cls(text[found.end() :].strip("/"), in_home=True)
        if text.startswith("/"):
            return cls(text, in_home=False)
        raise BadWord(
            f"{text!r} is not a path on a Spark.", hint="Start it with `/`, `~/` or `$HOME/`."
        )

    def __truediv__(self, name: str) -> "RemotePath":
        tail = f"{self.tail.rstrip('/')}/{name}" if self.tail else name
        return RemotePath(tail, self.in_home)

    @property
    def parent(self) -> "RemotePath":
        """Return the folder that holds this path."""
        head = self.tail.rpartition("/")[0]
        return RemotePath(head or ("" if self.in_home else "/"), self.in_home)

    @override
    def __str__(self) -> str:
        return f"~/{self.tail}" if self.in_home else self.tail

    def quoted(self) -> str:
        """Return exactly one shell word that names this path on the Spark."""
        if not self.in_home:
            return shlex.quote(self.tail)
        return f'"$HOME"/{shlex.quote(self.tail)}' if self.tail else '"$HOME"'


Word = str | RemotePath


@dataclass(frozen=True, slots=True)
class Command:
    """What to run: words, a folder, variables (never secrets: they show in `ps`)."""

    words: tuple[Word, ...]
    cwd: RemotePath | None = None
    env: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, *words: Word, cwd: RemotePath | None = None, env: Mapping[str, str] | None = None
    ) -> "Command":
        """Build a command from its words. Raises BadWord for a word no argv can carry."""
        for word in words:
            if isinstance(word, str) and "\0" in word:
                raise BadWord("A word of a command holds a NUL character.")
        for name, value in (env or {}).items():
            if not _ENV_NAME.match(name) or "\0" in value:
                raise BadWord(f"{name!r} is not a variable that can be set.", param=name)
        return cls(tuple(words), cwd, dict(env or {}))

    @override
    def __str__(self) -> str:
        return " ".join(shlex.quote(w) if isinstance(w, str) else str(w) for w in self.words)


def quote(word: Word) -> str:
    """Return `word` as exactly one word of `sh`."""
    return word.quoted() if isinstance(word, RemotePath) else shlex.quote(word)


def render(command: Command, *, limit_s: float | None = None) -> str:
    """Return the one line of `sh` that runs `command`.

    With `limit_s` the far side ends the command itself (coreutils `timeout`, TERM then KILL),
    so nothing outlives a connection that was cut.
    """
    words = [quote(word) for word in command.words]
    if command.env:
        words = ["env", *(shlex.quote(f"{k}={v}") for k, v in command.env.items()), *words]
    if limit_s is not None:
        words = ["timeout", "-k", "2", f"{limit_s:g}", *words]
    line = "exec " + " ".join(words)
    return f"cd {quote(command.cwd)} && {line}" if command.cwd else line
