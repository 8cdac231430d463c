"""The shapes of `/api/hosts`: Sparks as they are configured, their keys, and how tests went."""

import shlex

from pydantic import BaseModel, ConfigDict, Field

from spark_control.fleet.checks import Check, Line, Mark
from spark_control.fleet.domain import HostKey, KeyState
from spark_control.fleet.hosts import Entry
from spark_control.fleet.shapes import ErrorShape


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class HostShape(_Asked):
    """A Spark to look at. A blank user is the SSH client's default."""

    host: str = Field(max_length=253)
    user: str = Field(default="", max_length=64)
    port: int = Field(default=22, ge=1, le=65535)


class NewHostShape(HostShape):
    """A Spark to add; `fingerprint` is the one that somebody saw and confirmed."""

    name: str = Field(default="", max_length=128)
    fingerprint: str = Field(default="", max_length=200)


class TestShape(_Asked):
    """Which Spark to test: one of the fleet by `name`, or another by `host`."""

    name: str = Field(default="", max_length=128)
    host: str = Field(default="", max_length=253)
    user: str = Field(default="", max_length=64)
    port: int = Field(default=22, ge=1, le=65535)


class TrustShape(_Asked):
    """The fingerprint that somebody compared, as `ssh-keygen -l` shows it."""

    fingerprint: str = Field(min_length=1, max_length=200)


class KeyShape(BaseModel):
    """A host key: its kind and its fingerprint. `state` is new, known or changed."""

    kind: str
    fingerprint: str
    state: KeyState


class EntryShape(BaseModel):
    """A Spark of the fleet. `source` is where `SPARKn_HOST` comes from: environment or file."""

    name: str
    number: int
    host: str
    user: str
    port: int
    here: bool
    source: str
    reachable: bool | None
    error: ErrorShape | None
    keys: list[KeyShape]


class HostsAnswer(BaseModel):
    """The answer of `GET /api/hosts`."""

    hosts: list[EntryShape]


class LineShape(BaseModel):
    """One check: ok, attention, failed or skipped, in a sentence, and what to do."""

    check: Check
    state: Mark
    message: str
    hint: str | None
    key: KeyShape | None


class TestAnswer(BaseModel):
    """How a test went; `ok` when nothing failed. `key` is the one that the Spark shows."""

    ok: bool
    key: KeyShape | None
    lines: list[LineShape]


class PublicKeyShape(BaseModel):
    """Our public key, and the line that lets it in when it is run on the Spark."""

    public_key: str
    command: str


def render_key(key: HostKey) -> KeyShape:
    """Return a key as the API shows it."""
    return KeyShape(kind=key.kind, fingerprint=key.fingerprint, state=key.state)


def render_entry(entry: Entry) -> EntryShape:
    """Return a Spark as the API shows it."""
    card, spark = entry.card, entry.card.spark
    return EntryShape(
        name=spark.name, number=entry.number, host=spark.host, user=spark.user, port=spark.port,
        here=spark.here, source="environment" if entry.from_environment else "file",
        reachable=card.reachable,
        error=ErrorShape.model_validate(card.error.as_dict()) if card.error else None,
        keys=[render_key(key) for key in entry.keys],
    )  # fmt: skip


def render_line(line: Line) -> LineShape:
    """Return a check as the API shows it."""
    key = render_key(line.key) if line.key else None
    return LineShape(check=line.check, state=line.mark, message=line.message,
                     hint=line.hint or None, key=key)  # fmt: skip


def render_test(lines: list[LineShape]) -> TestAnswer:
    """Return a whole test."""
    ok = all(line.state is not Mark.FAILED for line in lines)
    return TestAnswer(ok=ok, key=next((line.key for line in lines if line.key), None), lines=lines)


def render_public(line: str) -> PublicKeyShape:
    """Return our key with the command that lets it in; run twice, it does no harm."""
    # A list that does not end in a line feed would swallow the first line put behind it.
    command = (
        "(umask 077; mkdir -p ~/.ssh; "
        f"printf '\\n%s\\n' {shlex.quote(line)} >> ~/.ssh/authorized_keys)"
    )
    return PublicKeyShape(public_key=line, command=command)
