"""The verdict: vLLM's parser has the last word on grammar, and a broken one refuses nothing."""

from dataclasses import replace

from spark_control.swap.domain import Unit
from spark_control.swap.said import Said
from spark_control.swap.traps import Finding
from spark_control.swap.verdict import Gathered, Trouble, decide

UNIT = Unit(job="j", key="one", source="org/one", container="c", image="img", port=1,
            launch_dir="/x")  # fmt: skip
GRAMMAR = Finding("unknown_option", "no option --new", error=True, grammar=True)
TRAP = Finding("batch_below_item", "2496 > 2048", error=True)
ODD = Finding("twice", "given twice")
PASS = Said(checked=True, ok=True, stage="done", version="0.33.0", warnings=("duplicate",))
NO = Said(checked=True, stage="parse", error="unrecognized arguments: --new", version="0.33.0")
BROKEN = Said(checked=False, stage="build", error="RuntimeError: no device")


def gathered(*findings: Finding, said: Said | None = None, **more: object) -> Gathered:
    return replace(
        Gathered(UNIT, "0.33.0", findings=findings, said=said),
        **more,  # type: ignore[arg-type]  # fields of it
    )


def test_a_pass() -> None:
    found = decide(gathered(ODD, said=PASS))
    assert (found.ok, found.stage, found.errors) == (True, "done", ())
    assert found.warnings == ("given twice", "duplicate")
    assert found.parser == "vLLM 0.33.0 in img"
    assert "Checked by the parser of vLLM 0.33.0 in img." in found.note
    assert "no promise" in found.note


def test_a_parser_that_passes_knows_the_grammar_better() -> None:
    assert decide(gathered(GRAMMAR, said=PASS)).ok


def test_a_parser_that_passes_knows_no_traps() -> None:
    found = decide(gathered(TRAP, said=PASS))
    assert (found.ok, found.stage, found.errors) == (False, "arguments", ("2496 > 2048",))


def test_a_refusal_comes_first_and_the_rest_behind_it() -> None:
    found = decide(gathered(GRAMMAR, TRAP, said=NO))
    assert (found.ok, found.stage) == (False, "parse")
    assert found.errors == ("unrecognized arguments: --new", "no option --new", "2496 > 2048")
    assert decide(gathered(said=replace(NO, error=None))).errors == (
        "vLLM does not take these arguments.",
    )


def test_without_the_mods_a_refusal_is_only_a_warning() -> None:
    unit = replace(UNIT, mods=("mods/new",))
    found = decide(gathered(GRAMMAR, TRAP, said=NO, unit=unit))
    assert found.errors == ("2496 > 2048",)
    assert found.warnings == (
        "vLLM without the mods of the recipe says: unrecognized arguments: --new",
        "no option --new",
    )


def test_a_broken_parser_refuses_nothing() -> None:
    found = decide(gathered(ODD, said=BROKEN))
    assert (found.ok, found.parser) == (True, None)
    assert "Could not check with vLLM's own parser (RuntimeError: no device)." in found.note
    assert "option table of vLLM 0.33.0 only" in found.note
    assert not decide(gathered(GRAMMAR, said=BROKEN)).ok


def test_a_parser_nobody_asked() -> None:
    assert "(spark1 is off)" in decide(gathered(why_not="spark1 is off")).note
    assert "(it was not asked)" in decide(gathered()).note


def test_troubles_of_the_spark_come_before_all() -> None:
    found = decide(gathered(TRAP, said=NO, troubles=[Trouble("port", "taken")]))
    assert (found.stage, found.errors[0]) == ("port", "taken")


def test_limits_that_could_not_be_tried_are_told() -> None:
    found = decide(gathered(said=replace(PASS, unchecked="ranges: x")))
    assert found.ok
    assert "could not be tried: ranges: x." in found.note
