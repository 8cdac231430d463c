"""Reading the words of a launch; held against real argparse over the same table."""

import argparse
from typing import NoReturn

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from typing_extensions import override

from spark_control.lab.standins.vllm_parser import FlexibleArgumentParser, read_table
from spark_control.swap.argv import scan
from tests.unit.swap.tables import packaged

TABLE = packaged()


def faults(*words: str) -> list[tuple[str, str]]:
    return [(fault.code, fault.word) for fault in scan(TABLE, words).faults]


@pytest.mark.parametrize("line", [
    "M", "M --host 0.0.0.0 --port 8000", "M --max-model-len=-1", "M --max-model-len -1",
    "M --max_model_len 4096", "M --gpu-memory-utilization=0.80 --tensor-parallel-size=2",
    "M -tp 2 -pp 1", "M -O3", "M -O=3", "M --no-enable-prefix-caching",
    "M --disable-prefix-caching", "M --served-model-name a b", "M -q fp8", "M --hf-token",
    "M --hf-token x", "M --speculative-config.method ngram --speculative-config.tokens=3",
    "M --compilation-config.cudagraph_capture_sizes+ 1,2,4", "M --seed -1.5", "M --api-key -",
    "--max-model-len 4096 M", "M --gpu-memory-util 0.8", "M --moe_backend b12x",
])  # fmt: skip
def test_words_that_vllm_takes(line: str) -> None:
    found = scan(TABLE, line.split())
    assert (found.model, found.faults) == ("M", [])


@pytest.mark.parametrize(("line", "wanted"), [
    ("M --foo 1", [("unknown_option", "--foo")]),
    ("M --foo=1", [("unknown_option", "--foo=1")]),
    ("M --foo 1 2", [("unknown_option", "--foo"), ("stray_word", "2")]),
    ("M --foo", [("unknown_option", "--foo")]),
    ("M --max-num 8", [("ambiguous_option", "--max-num")]),
    ("M --max-model-len", [("value_missing", "--max-model-len")]),
    ("M --max-model-len --enforce-eager", [("value_missing", "--max-model-len")]),
    ("M --served-model-name --enforce-eager", [("value_missing", "--served-model-name")]),
    ("M --speculative-config.method", [("value_missing", "--speculative-config.method")]),
    ("M other", [("stray_word", "other")]),
    ("M --enforce-eager true", [("stray_word", "true")]),
    ("M --enforce-eager=true", [("value_not_taken", "--enforce-eager=true")]),
    ("M \u2013-max-model-len 4", [("stray_word", "\u2013-max-model-len"), ("stray_word", "4")]),
    ("M --no-max-model-len", [("unknown_option", "--no-max-model-len")]),
    ("M --Max-Model-Len 4", [("unknown_option", "--Max-Model-Len")]),
    ("M --foo 1 --bar 2", [("unknown_option", "--foo"), ("unknown_option", "--bar")]),
])  # fmt: skip
def test_words_that_vllm_refuses(line: str, wanted: list[tuple[str, str]]) -> None:
    assert faults(*line.split()) == wanted


def test_one_word_that_should_be_two() -> None:
    (fault,) = scan(TABLE, ["M", "--port 8000"]).faults
    assert fault.code == "stray_word"
    assert "its value another word" in fault.message


def test_faults_say_what_to_do() -> None:
    words = ["M", "--max-model-lenn", "4", "--zzzz", "--max-num", "--enforce-eager", "true"]
    found = scan(TABLE, [*words, "--max-model-len"])
    said = {fault.code: fault.message for fault in found.faults}
    assert "Near it: `--max-model-len`" in str(
        scan(TABLE, ["M", "--max-model-lenn", "4"]).faults[0].message
    )
    assert said["unknown_option"] == "vLLM 0.33.0 has no option `--zzzz`."
    assert "write it out" in said["ambiguous_option"]
    assert "`--enforce-eager` takes no value" in said["stray_word"]
    assert said["value_missing"] == "`--max-model-len` needs a value."
    assert "belongs to no option" in scan(TABLE, ["M", "x"]).faults[0].message


def test_without_a_model_the_first_word_is_it() -> None:
    assert scan(TABLE, ["--foo", "M"]).model == "M"
    assert scan(TABLE, []).model is None


def test_the_value_that_counts_is_the_last() -> None:
    found = scan(TABLE, ["M", "--max-model-len", "1", "--max_model_len=2", "--enforce-eager"])
    assert found.last("--max-model-len") == "2"
    assert found.last("--enforce-eager") is None
    assert found.last("--port") is None
    assert len(found.of("--max-model-len")) == 2


def test_shortened_and_dotted_words_are_known_as_such() -> None:
    use, other, dotted = scan(
        TABLE,
        ["M", "--gpu-memory-util=0.8", "--max_model_len", "1", "--speculative-config.a_b", "1"],
    ).uses
    assert (use.shortened, use.flag) == (True, "--gpu-memory-utilization")
    assert not other.shortened
    assert (dotted.dotted, dotted.shortened) == (True, False)
    assert dotted.values == ('{"a_b": "1"}',)


class _Parser(FlexibleArgumentParser):
    @override
    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def _grammar() -> _Parser:
    """Return real argparse over the lab's table; values of any kind, since words are judged."""
    parser = _Parser(add_help=False)
    parser.add_argument("model_tag", nargs="?")
    for row in read_table().options:
        count: dict[str, object] = {"many": {"nargs": "+"}, "maybe": {"nargs": "?"}}
        if row.values == "none":
            parser.add_argument(*row.flags, action="store_true")
        else:
            parser.add_argument(*row.flags, **count.get(row.values, {}))  # type: ignore[arg-type]
    parser.add_argument("-h", "--help", action="store_true")
    return parser


REAL = _grammar()
FLAGS = sorted(TABLE.by_flag)
FLAG = st.sampled_from(FLAGS)
LONG = st.sampled_from([flag for flag in FLAGS if flag.startswith("--")])
WORDS = st.lists(
    st.one_of(
        FLAG,
        LONG.map(lambda flag: flag.replace("-", "_").replace("__", "--", 1)),
        LONG.flatmap(lambda flag: st.integers(3, len(flag)).map(lambda n: flag[:n])),
        st.builds(lambda flag, value: f"{flag}={value}", LONG, st.sampled_from(["1", "a b", ""])),
        LONG.map(lambda flag: f"{flag}x"),
        st.sampled_from(
            ["4096", "-1", "-0.5", "a", "{}", "--nope", "--no-such=1", "-O3", "--port 8"]
        ),
        LONG.map(lambda flag: f"{flag}.key"),
    ),
    max_size=6,
)


@given(WORDS)
@settings(max_examples=300, deadline=None)
@example(["--max-model-len.x", "--seed"])
def test_it_agrees_with_argparse(words: list[str]) -> None:
    found = scan(TABLE, ["M", *words])
    try:
        extras = REAL.parse_known_args(["M", *words])[1]
    except (ValueError, IndexError, argparse.ArgumentError):
        assert found.faults, words
        return
    assert bool(extras) == bool(found.faults), (words, extras, found.faults)
    unknown = [word for word in extras if word.startswith("--") and " " not in word]
    ours = [fault.word for fault in found.faults if fault.code == "unknown_option"]
    assert [word.replace("_", "-") for word in unknown] == [
        word.replace("_", "-") for word in ours if word.startswith("--")
    ]
