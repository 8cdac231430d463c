"""Bring together what was found before a launch: by us, by vLLM's own parser, on the Spark."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from spark_control.swap.domain import Unit
from spark_control.swap.preflight import NO_PROMISE
from spark_control.swap.said import Said
from spark_control.swap.traps import Finding

DONE = "done"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something a launch would fail on: at which stage, and what."""

    stage: str
    text: str


@dataclass(frozen=True, slots=True)
class Gathered:
    """What was found. `said` is None where vLLM's parser was not asked, and `why_not` says why."""

    unit: Unit
    version: str
    troubles: Sequence[Trouble] = ()
    findings: Sequence[Finding] = ()
    said: Said | None = None
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a launch may work, as far as that can be known without one."""

    ok: bool
    stage: str
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    note: str = ""
    parser: str | None = None
    findings: tuple[Finding, ...] = field(default=())


def decide(all_of_it: Gathered) -> Verdict:
    """Return the verdict. vLLM's parser has the last word on grammar, and on nothing else.

    A parser that could not be asked refuses nothing: then the verdict is that of our checks.
    """
    unit, said = all_of_it.unit, all_of_it.said
    checked = said is not None and said.checked
    passed = said is not None and said.ok
    findings = [one for one in all_of_it.findings if not (one.grammar and passed)]
    troubles = list(all_of_it.troubles)
    warnings = [one.message for one in findings if not one.error]
    if said is not None and said.checked and not said.ok:
        told = said.error or "vLLM does not take these arguments."
        if unit.mods:
            # What the recipe's mods add to vLLM is not there where the check ran.
            warnings.append(f"vLLM without the mods of the recipe says: {told}")
            grammar = [one for one in findings if one.grammar]
            warnings += [one.message for one in grammar]
            findings = [one for one in findings if not one.grammar]
        else:
            troubles.append(Trouble(said.stage, told))
    troubles += [Trouble("arguments", one.message) for one in findings if one.error]
    if said is not None:
        warnings += said.warnings
    return Verdict(
        ok=not troubles,
        stage=troubles[0].stage if troubles else DONE,
        errors=tuple(dict.fromkeys(trouble.text for trouble in troubles)),
        warnings=tuple(dict.fromkeys(warnings)),
        note=_note(all_of_it),
        parser=f"vLLM {said.version} in {unit.image}" if checked and said is not None else None,
        findings=tuple(findings),
    )


def _note(all_of_it: Gathered) -> str:
    said, unit = all_of_it.said, all_of_it.unit
    if said is not None and said.checked:
        open_ = (
            f" The limits of values could not be tried: {said.unchecked}."
            if said.unchecked
            else ""
        )
        how = f"Checked by the parser of vLLM {said.version} in {unit.image}.{open_}"
    else:
        why = (said.error if said is not None else all_of_it.why_not) or "it was not asked"
        how = (
            f"Could not check with vLLM's own parser ({why}). "
            f"Checked by the option table of vLLM {all_of_it.version} only."
        )
    return f"{how} {NO_PROMISE}"
