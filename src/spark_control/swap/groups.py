"""Which Sparks run one engine together, as the labels of their containers say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spark_control.swap.domain import UnitStatus


@dataclass(frozen=True, slots=True)
class Group:
    """One engine over several Sparks, the head first. `missing` lost their part of it.

    `unseen` are those that did not answer: nothing can be said of their part.
    """

    job: str
    model: str
    ranks: tuple[str, ...]
    missing: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()


def groups_of(seen: Mapping[str, UnitStatus]) -> tuple[Group, ...]:
    """Return the groups that the containers of `seen` Sparks belong to, each once."""
    found: dict[str, Group] = {}
    for status in seen.values():
        if status.job is not None and len(status.ranks) > 1 and status.job not in found:
            found[status.job] = _group(status.job, status, seen)
    return tuple(found.values())


def _group(job: str, one: UnitStatus, seen: Mapping[str, UnitStatus]) -> Group:
    there = {spark for spark, status in seen.items() if status.job == job and status.engine}
    unseen = tuple(spark for spark in one.ranks if spark not in seen)
    missing = tuple(spark for spark in one.ranks if spark in seen and spark not in there)
    return Group(job, one.model, one.ranks, missing, unseen)


def with_partners(groups: Sequence[Group], sparks: Sequence[str]) -> tuple[str, ...]:
    """Return the Sparks beside `sparks` whose engine cannot go on without the one on those."""
    touched = [group for group in groups if set(group.ranks) & set(sparks)]
    beside = dict.fromkeys(spark for group in touched for spark in group.ranks)
    return tuple(spark for spark in beside if spark not in sparks)


def occupied(groups: Sequence[Group], spark: str) -> list[str]:
    """Return the Sparks that the engine which answers on `spark` runs on, itself first."""
    group = group_of(groups, spark)
    return [spark] if group is None or group.ranks[0] != spark else list(group.ranks)


def group_of(groups: Sequence[Group], spark: str) -> Group | None:
    """Return the group that `spark` has a part in, or None."""
    return next((group for group in groups if spark in group.ranks), None)
