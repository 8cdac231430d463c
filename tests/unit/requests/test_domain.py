"""What a record says by itself."""

from typing import Any

import msgspec
import pytest

from spark_control.requests.domain import Record, millis
from tests.unit.requests.samples import BASE, T0, record


@pytest.mark.parametrize(
    ("more", "failed"),
    [
        ({}, False),
        ({"status": 503}, True),
        ({"error": "engine_broke"}, True),
        ({"status": 499, "error": "client_left"}, False),
    ],
)
def test_failed(more: dict[str, Any], *, failed: bool) -> None:
    assert record(**more).failed is failed


@pytest.mark.parametrize(
    ("more", "speed"),
    [
        ({}, 50.0),
        ({"tokens_out": None}, None),
        ({"tokens_out": 0}, None),
        ({"streamed": False, "duration_ms": 1010, "queue_ms": 510.0}, 202.0),
        ({"tokens_out": 1, "duration_ms": 500}, 2.0),
        ({"ttft_ms": 2250.0}, None),
    ],
)
def test_speed(more: dict[str, Any], speed: float | None) -> None:
    assert record(**more).tokens_per_s == speed


def test_a_batch_goes_over_the_link_and_back() -> None:
    batch = [record(n) for n in range(3)]
    assert msgspec.json.decode(msgspec.json.encode(batch), type=list[Record]) == batch


def test_milliseconds() -> None:
    assert millis(T0) == 1767225600000 == millis(BASE.at)
