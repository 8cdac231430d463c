"""What an engine's log says of its memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_control.models.domain import Measured
from spark_control.models.measured import load_key, with_line

GIB = 1 << 30


@pytest.mark.parametrize(
    ("line", "known"),
    [
        ("Model loading took 34.5 GiB memory and 99.2 seconds", Measured(int(34.5 * GIB))),
        (
            "(EngineCore pid=7) INFO Model loading took 34.5000 GB and 9 s",
            Measured(int(34.5 * GIB)),
        ),
        ("Available KV cache memory: 45.25 GiB", Measured(kv_bytes=int(45.25 * GIB))),
        ("GPU KV cache size: 1,234,567 tokens", Measured(kv_tokens=1_234_567)),
        ("Loading weights took 90 seconds", Measured()),
        ("Available KV cache memory: -1.2 GiB", Measured()),
    ],
)
def test_lines(line: str, known: Measured) -> None:
    assert with_line(Measured(), line) == known


def test_a_draft_comes_on_top() -> None:
    one = with_line(Measured(), "Model loading took 30.0 GiB")
    assert with_line(one, "Model loading took 2.0 GiB").weight_bytes == 32 * GIB


def test_other_words_are_another_load() -> None:
    keys = {
        load_key("a", None, ()), load_key("a", None, ("--x",)), load_key("a", "i", ("--x",)),
        load_key("b", None, ()), load_key("a", None, ("--x", "1")),
        load_key("a", None, ("--x 1",)),
    }  # fmt: skip
    assert len(keys) == 6
    assert load_key("a", None, ()) == load_key("a", "", ())


@given(st.text())
def test_no_line_breaks_it(line: str) -> None:
    assert isinstance(with_line(Measured(), line), Measured)
