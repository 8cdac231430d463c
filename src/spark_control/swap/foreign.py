"""Who holds the port of an engine, and whether that is ours, somebody's, or was taken over."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from spark_control.swap.script import LABEL_JOB

WORDS, LONGEST = 60, 300
_NAMES = r"(?:key|token|secret|password|passwd|credential)s?"
_SECRET_FLAG = re.compile(rf"-(?!-?(?:max|num)[-_]).*{_NAMES}", re.IGNORECASE)
_SECRET_PAIR = re.compile(rf"(?is)^((?:-+)?[\w.-]*{_NAMES}=).+")
# A whole command line, or JSON, may be one word: `sh -c "vllm serve … --api-key s3cret"`.
_INSIDE = (
    re.compile(rf"(?i)(\b[\w.-]*{_NAMES}=)(?:'[^']*'|\"[^\"]*\"|[^\s'\"]+)"),
    re.compile(
        rf"(?i)(--(?!(?:max|num)[-_])[\w.-]*{_NAMES}\s+)(?:'[^']*'|\"[^\"]*\"|[^\s'\"-]\S*)"
    ),
    re.compile(rf"(?i)(\"[\w.-]*{_NAMES}\"\s*:\s*)\"[^\"]*\""),
    re.compile(r"(?i)(\b(?:bearer|basic)\s+)[^\s'\"]+"),
)
_USER_IN_URL = re.compile(r"(://)[^/@\s]+@")
_FRACTION = re.compile(r"(\.\d{6})\d+")


class Kind(StrEnum):
    """What listens."""

    CONTAINER = "container"
    PROCESS = "process"
    UNKNOWN = "unknown"
    """Something does, and what it is cannot be seen."""


class Ours(StrEnum):
    """Whose engine it is."""

    YES = "yes"
    NO = "no"
    ADOPTED = "adopted"
    """Somebody else started it, and the operator has handed it over."""


@dataclass(frozen=True, slots=True)
class Holder:
    """What holds a port. `id` names this run of it for good: another one never has the same.

    `unit` is the service of systemd that runs it, `restarts` that docker starts it again.
    """

    kind: Kind
    id: str = ""
    name: str = ""
    container: str = ""
    pid: int | None = None
    ticks: int = 0
    boot: str = ""
    since: datetime | None = None
    image: str = ""
    words: tuple[str, ...] = ()
    job: str | None = None
    unit: str = ""
    restarts: bool = False
    endable: bool = True
    problems: tuple[str, ...] = ()

    @property
    def mark(self) -> str:
        """Return what somebody types to confirm that this one is meant."""
        return self.container_name or ("" if self.pid is None else str(self.pid))

    @property
    def container_name(self) -> str:
        """Return the name of the container, nothing for a process."""
        return self.name if self.kind is Kind.CONTAINER else ""

    def by_hand(self, spark: str) -> str:
        """Return how a person with more rights ends the process."""
        how = f"sudo systemctl stop {self.unit}" if self.unit else f"sudo kill {self.pid}"
        return f"Run `{how}` on {spark}."

    @property
    def title(self) -> str:
        """Return it in words."""
        if self.kind is Kind.UNKNOWN:
            return "something that cannot be told"
        name = f"the container {self.name}"
        return name if self.kind is Kind.CONTAINER else f"the process {self.pid} ({self.name})"


def judge(holder: Holder, container: str, adopted: str | None) -> Ours:
    """Tell whose it is; `container` is the name that the settings give to ours."""
    named = bool(container) and holder.container_name == container
    if holder.kind is Kind.CONTAINER and (holder.job is not None or named):
        return Ours.YES
    return Ours.ADOPTED if holder.id and holder.id == adopted else Ours.NO


class Unreadable(ValueError):
    """What came back is not what the program prints."""


def read_holder(text: str) -> Holder | None:
    """Read what the program on the Spark printed; None when nothing listens. Raises Unreadable."""
    try:
        found = json.loads(text)
        if found["listener"] is None and not found.get("container"):
            return None
        problems = tuple(str(one)[:LONGEST] for one in found["problems"])
        process, container = found.get("process"), found.get("container")
        if container:
            return _container(container, process, problems)
        if process and not _stands_for_another(process):
            return _process(process, int(found["uid"]), problems)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise Unreadable("the answer is not what was asked for") from error
    if process:
        problems = (*problems, "the process that listens only stands for another one")
    return Holder(Kind.UNKNOWN, problems=problems, endable=False)


def _container(
    row: Mapping[str, object], process: Mapping[str, object] | None, problems: tuple[str, ...]
) -> Holder:
    labels = row.get("labels")
    job = labels.get(LABEL_JOB) if isinstance(labels, Mapping) else None
    started = str(row.get("started") or "")
    return Holder(
        Kind.CONTAINER,
        id=f"container {row['id']} {started}",
        name=str(row["name"]),
        container=str(row["id"]),
        pid=None if process is None else int(str(process["pid"])),
        since=_moment(started),
        image=str(row.get("image") or ""),
        words=shown_words(_texts((process or row).get("words"))),
        job=None if job is None else str(job),
        restarts=row.get("restart") not in {None, "", "no"},
        problems=problems,
    )


def _stands_for_another(process: Mapping[str, object]) -> bool:
    """Tell whether the engine is not this process: docker would know which container it is in.

    Ending the process would end something else than what is shown: docker's own, or init.
    """
    in_container = bool(process.get("container"))
    return in_container or process.get("name") == "docker-proxy" or int(str(process["pid"])) <= 1


def _process(row: Mapping[str, object], me: int, problems: tuple[str, ...]) -> Holder:
    pid, ticks, boot = int(str(row["pid"])), int(str(row["ticks"])), str(row["boot"])
    started = row.get("started")
    return Holder(
        Kind.PROCESS,
        id=f"process {boot} {pid} {ticks}",
        name=str(row["name"]),
        pid=pid,
        ticks=ticks,
        boot=boot,
        since=datetime.fromtimestamp(float(str(started)), UTC) if started else None,
        words=shown_words(_texts(row.get("words"))),
        unit=str(row.get("unit") or ""),
        endable=me in {0, int(str(row["uid"]))},
        problems=problems,
    )


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def _moment(text: str) -> datetime | None:
    """Read a time of docker's, which has nanoseconds."""
    try:
        return datetime.fromisoformat(_FRACTION.sub(r"\1", text.replace("Z", "+00:00")))
    except ValueError:
        return None


def shown_words(words: Sequence[str]) -> tuple[str, ...]:
    """Return the words of a command line for a person: no secrets, and not without end."""
    shown, hide = [], False
    for word in words[:WORDS]:
        value = not word.startswith("-")
        # A flag may have several values: all of them up to the next flag.
        shown.append("***" if hide and value else _plain(word)[:LONGEST])
        hide = hide if value else bool(_SECRET_FLAG.fullmatch(word))
    return tuple(shown)


def _plain(word: str) -> str:
    word = _USER_IN_URL.sub(r"\1***@", _SECRET_PAIR.sub(r"\1***", word))
    for pattern in _INSIDE:
        word = pattern.sub(r"\1***", word)
    return word
