"""Option tables: what is read of them, and what a word may mean."""

import json
from importlib.resources import files

import pytest

from spark_control.lab.standins import vllm_parser
from spark_control.swap.options import Match, Option, Unreadable, read_table
from tests.unit.swap.tables import packaged

TABLE = packaged()
SMALL = {
    "version": "9",
    "options": [
        {"flags": ["--seed"], "values": "one", "type": "int?"},
        {"flags": ["--load-format", "-q"], "values": "one"},
        {"flags": ["--level"], "values": "one", "type": "json:Level?", "choices": [1, 2]},
        {"flags": ["--eager"], "values": "none", "repeats": True},
        {"flags": ["-x"], "values": "many", "type": "json|str", "known": ["a"]},
    ],
}


def test_what_a_row_says() -> None:
    seed, load, level, eager, x = read_table(SMALL).options
    assert seed == Option(("--seed",), kind="int", optional=True)
    assert (load.kind, load.name) == ("str", "--load-format")
    assert (level.kind, level.choices, level.optional) == ("json", ("1", "2"), True)
    assert (eager.values, eager.repeats) == ("none", True)
    assert (x.kind, x.known, x.name) == ("str", ("a",), "-x")


@pytest.mark.parametrize("value", [
    None, [], {}, {"options": []}, {"options": ["x"]},
    {"options": [{"flags": [], "values": "one"}]},
    {"options": [{"flags": ["--a"], "values": "two"}]},
    {"options": [{"flags": 3, "values": "one"}]},
])  # fmt: skip
def test_what_is_no_table(value: object) -> None:
    with pytest.raises(Unreadable):
        read_table(value)


@pytest.mark.parametrize(("word", "flags", "glued"), [
    ("--seed", ("--seed",), None), ("--seed=3", ("--seed",), "3"), ("--se", ("--seed",), None),
    ("--se=3", ("--seed",), "3"), ("--le", ("--level",), None),
    ("--l", ("--load-format", "--level"), None), ("--nope", (), None), ("-q8", ("-q",), "8"),
    ("-q=8", ("-q",), "8"), ("-z", (), None),
])  # fmt: skip
def test_what_a_word_means(word: str, flags: tuple[str, ...], glued: str | None) -> None:
    assert read_table(SMALL).match(word) == Match(flags, glued)


def test_names_that_are_near() -> None:
    assert TABLE.near("--Max_Model_Lenn=4")[0] == "--max-model-len"
    assert TABLE.near("--qqqqqqqq") == ()


def test_the_packaged_table_and_the_one_of_the_lab_are_the_same() -> None:
    """What the lab's engines take is what we check by."""
    played = vllm_parser.read_table()
    ours = {flag: option.values for flag, option in TABLE.by_flag.items()}
    theirs = {flag: row.values for row in played.options for flag in row.flags}
    assert {k: v for k, v in ours.items() if k not in {"-h", "--help"}} == theirs
    assert TABLE.version == played.version
    assert list(TABLE.tool_parsers) == played.parsers["tool_parsers"]
    assert list(TABLE.reasoning_parsers) == played.parsers["reasoning_parsers"]


def test_the_packaged_table_says_where_it_is_from() -> None:
    text = json.loads((files("spark_control.swap") / "vllm_options.json").read_bytes())
    assert "vLLM 0.33.0" in text["source"]
