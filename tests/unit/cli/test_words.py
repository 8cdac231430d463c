"""Numbers and texts as a person reads them."""

from datetime import UTC, datetime

import pytest

from spark_control.cli import words

NOW = datetime(2026, 1, 2, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://example.org\x1b\\link", "link"),
        ("a\x1b", "a"),
        ("\x9b31mred", "31mred"),
        ("bell\a\b\r\x7f", "bell"),
        ("tab\tkept\n", "tab    kept\n"),
        ("turned \u202eround", "turned round"),
        ("größe ✓ 模型", "größe ✓ 模型"),
    ],
)
def test_nothing_steers_the_terminal(text: str, shown: str) -> None:
    assert words.clean(text) == shown


def test_one_line_is_one_line() -> None:
    assert words.one_line(" a\r\nb\n\n\x1b[1m c ") == "a b c"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "-"), (-1, "0.0 s"), (0, "0.0 s"), (0.44, "0.4 s"), (9.96, "10 s"), (12.4, "12 s"),
        (59.6, "1 min 0 s"), (89, "1 min 29 s"), (3599.7, "1 h 0 min"), (7500, "2 h 5 min"),
    ],
)  # fmt: skip
def test_duration(seconds: float | None, shown: str) -> None:
    assert words.duration(seconds) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.2, "1 s"), (6.6, "7 s"), (59.6, "1 min 0 s"), (95, "1 min 35 s")]
)
def test_an_estimate_is_not_exact(seconds: float, shown: str) -> None:
    assert words.roughly(seconds) == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (None, "-"), (0, "0 B"), (999, "999 B"), (1500, "2 kB"), (270_000_000, "270 MB"),
        (1_200_000_000, "1.2 GB"), (65_300_000_000, "65 GB"), (3_700_000_000_000, "3.7 TB"),
    ],
)  # fmt: skip
def test_size(count: float | None, shown: str) -> None:
    assert words.size(count) == shown


def test_a_dash_is_not_a_zero() -> None:
    assert words.of_memory(None, None) == "-"
    assert words.of_memory(0, 1 << 30) == "0.0 of 1.0 GiB"
    assert words.of_memory(None, 1 << 30) == "- of 1.0 GiB"
    assert words.of_disk(5e9, None) == "5.0 of - GB"
    assert words.of_disk(1.9e12, 3.7e12) == "1.9 of 3.7 TB"
    assert words.measure(None, "%") == "-"
    assert words.measure(0.0, "%") == "0 %"


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        (None, "-"), ("soon", "-"), ("2026-01-02T12:00:00", "-"),
        ("2026-01-02T12:00:01.000Z", "just now"), ("2026-01-02T11:59:30.000Z", "30 s ago"),
        ("2026-01-02T11:01:00.000Z", "59 min ago"), ("2026-01-01T13:00:00.000Z", "23 h ago"),
        ("2025-12-30T12:00:00.000Z", "3 days ago"),
    ],
)  # fmt: skip
def test_ago(moment: str | None, shown: str) -> None:
    assert words.ago(moment, NOW) == shown


def test_listed() -> None:
    shown = [words.listed(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])]
    assert shown == ["-", "a", "a and b", "a, b and c"]
