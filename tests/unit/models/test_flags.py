"""One flag of vLLM in all its spellings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_control.models.flags import Family, family, find, last, replaced

LEN = Family((("--max-model-len", "--max-model"),))
PREFIX = family("--enable-prefix-caching", "--no-enable-prefix-caching", takes_value=False)


@pytest.mark.parametrize(
    ("args", "value"),
    [
        (("--max-model-len", "4096"), "4096"),
        (("--max-model-len=4096",), "4096"),
        (("--max_model_len", "4096"), "4096"),
        (("--max_model_len=4096",), "4096"),
        (("--max-model", "4096"), "4096"),
        (("--max-model-len", "-1"), "-1"),
        (("--max-model-len=",), ""),
        (("--max-model-len",), None),
        (("--max-model-len", "--enforce-eager"), None),
    ],
)
def test_every_spelling_is_found_with_its_value(args: tuple[str, ...], value: str | None) -> None:
    (found,) = find(args, LEN)
    assert (found.name, found.value) == ("--max-model-len", value)


@pytest.mark.parametrize(
    "word", ["--max-num-seqs", "--max-m", "--max-model-lenn", "max-model-len", "4096", "-1"]
)
def test_other_words_are_not_the_flag(word: str) -> None:
    assert find((word, "4096"), LEN) == []


def test_a_flag_without_value_leaves_the_next_word() -> None:
    (found,) = find(("--enable-prefix-caching", "x"), PREFIX)
    assert (found.stop, found.value) == (1, None)


def test_what_is_replaced_stays_in_its_place_and_doubles_go() -> None:
    args = ("-q", "fp8", "--max-model-len", "1", "--seed", "7", "--max_model_len=2")
    assert replaced(args, LEN, ("--max-model-len", "9")) == (
        "-q", "fp8", "--max-model-len", "9", "--seed", "7",
    )  # fmt: skip
    assert replaced(args, LEN, ()) == ("-q", "fp8", "--seed", "7")


def test_what_is_not_there_is_added_at_the_end() -> None:
    assert replaced(("--seed", "7"), LEN, ("--max-model-len", "9")) == (
        "--seed", "7", "--max-model-len", "9",
    )  # fmt: skip


WORDS = st.sampled_from(
    ["--max-model-len", "--max_model_len=5", "--max-model", "4096", "--seed", "7", "{}"]
)


@given(st.lists(WORDS).map(tuple))
def test_after_a_replacement_the_flag_is_there_once(args: tuple[str, ...]) -> None:
    after = replaced(args, LEN, ("--max-model-len", "9"))
    assert [use.value for use in find(after, LEN)] == ["9"]
    # Words that are none of the flag's own are all kept, in their order.
    used = {at for use in find(args, LEN) for at in range(use.start, use.stop)}
    kept = [word for at, word in enumerate(args) if at not in used]
    rest = list(after)
    at = rest.index("9", rest.index("--max-model-len"))
    assert rest[: at - 1] + rest[at + 1 :] == kept


def test_the_last_use_counts() -> None:
    length = family("--max-model-len")
    assert last(("--max-model-len", "1", "--max_model_len=2"), length) == "2"
    assert last(("--other",), length) is None
