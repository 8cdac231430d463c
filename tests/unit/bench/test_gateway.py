"""The gateway's bench: what it reads, what it makes of it, what it promises."""

import json

import pytest

from bench.gateway import plot, promises, tables
from bench.gateway.loads import Whole, body, read_load, read_wrk, script
from bench.gateway.promises import Promise
from bench.gateway.samples import Sample, Samples, added, ratio, worst_delay_ms
from bench.gateway.way import Way
from bench.serving import DidNotAnswer

WRK = """\
Running 2s test @ http://127.0.0.1:8080/v1/chat/completions
  1 threads and 32 connections
  Latency Distribution
     50%  820.00us
     90%    1.10ms
     99%    2.50ms
  75194 requests in 2.00s, 92.10MB read
  Socket errors: connect 0, read 1, write 0, timeout 2
  Non-2xx or 3xx responses: 4
Requests/sec:  37597.10
Transfer/sec:     46.05MB
"""


def test_what_wrk_prints_is_read() -> None:
    assert read_wrk(WRK) == Whole(37597.1, 75194, 820, 2500, 7)
    slow = WRK.replace("2.50ms", "1.01s ")  # wrk pads units of one letter
    assert read_wrk(slow).p99_us == 1_010_000
    for nothing in ("unable to connect", WRK.replace("75194 requests", "0 requests")):
        with pytest.raises(DidNotAnswer):
            read_wrk(nothing)


@pytest.mark.parametrize("size", [1000, 100_000])
def test_a_request_has_the_size_that_was_asked_for(size: int) -> None:
    assert len(body(size)) == size
    assert body(size) in script(Way("x", 1, key="secret"), size)
    assert 'wrk.headers["Authorization"] = "Bearer secret"' in script(Way("x", 1, "secret"), 10)


def test_what_our_load_prints_is_read() -> None:
    times = {"p50": 1.5, "p99": 2.5, "max": 9.0}
    said = {
        "ok": 2, "bad": 1, "unfinished": 2, "disorder": 3, "chunks": 10, "elapsed_s": 0.5,
        "first_us": times, "delay_us": times, "left_at": [5, 6],
    }  # fmt: skip
    found = read_load(json.loads(json.dumps(said)))
    assert (found.ok, found.wrong, found.chunks, found.left_at) == (2, 6, 10, (5, 6))
    assert (found.delay_p50_us, found.delay_p99_us, found.first_p50_us) == (1.5, 2.5, 1.5)


def test_disturbed_samples_are_left_out_while_there_are_others() -> None:
    def seen(*pairs: tuple[float, float]) -> Samples:
        return Samples(tuple(Sample("many", "ours", {"per_s": v}, f) for v, f in pairs))

    assert seen((10, 0.1), (20, 0.2), (99, 1.5)).get("many", "ours", "per_s") == 15
    assert seen((10, 1.1), (20, 1.2), (99, 1.5)).get("many", "ours", "per_s") == 10
    assert seen((10, 0.1)).get("many", "nginx", "per_s") is None
    assert seen((10, 0.1)).get("many", "ours", "cpu_us") is None
    assert "above 0.3 in 1 of them" in seen((10, 0.1), (99, 1.5)).noise()


def test_what_is_missing_makes_no_number() -> None:
    assert (ratio(4, 2), ratio(None, 2), ratio(4, None), ratio(4, 0)) == (2, None, None, None)
    assert (added(4, 1), added(1, 4), added(None, 1)) == (3, 0, None)


def test_the_worst_delay_pairs_in_order() -> None:
    assert worst_delay_ms([1_000_000, 3_000_000], [5_000_000, 1_500_000]) == 2
    assert worst_delay_ms([], []) == 0


@pytest.mark.parametrize(
    ("value", "at_least", "verdict"),
    [
        (None, False, "not measured"), (5.0, False, "aim"), (20.0, False, "must"),
        (51.0, False, "MISSED"), (60.0, True, "must"), (40.0, True, "MISSED"),
    ],
)  # fmt: skip
def test_verdicts(value: float | None, verdict: str, at_least: bool) -> None:  # noqa: FBT001
    aim = 100.0 if at_least else 5.0
    assert Promise("x", "ms", value, 50, aim, at_least=at_least).verdict == verdict


def test_who_is_better_than_a_slow_neighbour_must_still_hold_the_promise() -> None:
    assert Promise("x", "ms", 60, must=50, aim=100).verdict == "MISSED"


def run() -> Samples:
    """Return a run of all tests in which ours is twice as good as the others."""
    rows = []
    for way, factor in (("direct", 10.0), ("ours", 2.0), ("nginx", 1.0), ("vllm-router", 1.0)):
        fast = {"per_s": 1000 * factor, "p50_us": 9.0, "p99_us": 9.0, "cpu_us": 20 / factor}
        rows += [Sample(test, way, {**fast, "wrong": 0}, 0.1) for test in ("one", "many", "big")]
        late = {"delay_p50_us": 40 / factor, "delay_p99_us": 400 / factor, "cpu_us": 20 / factor}
        rows += [
            Sample("burst", way, {"per_s": 5000 * factor}, 0.1),
            Sample("rate", way, {**late, "pss_mb": 20, "first_p50_us": 5, "wrong": 1}, 0.1),
            Sample("abort", way, {"seen": 20, "late_ms": 4}, 0.1),
        ]
    own = {"page_added_ms": 0.2, "api_added_ms": 0.4}
    rows += [Sample("relay", "ours", own, 0.1), Sample("saturated", "ours", {"p99_ms": 10}, 0.1)]
    return Samples(tuple(rows))


def test_each_promise_is_judged() -> None:
    verdicts = [row[-1] for row in promises.table(run()).rows]
    assert verdicts == [
        "must", "aim", "not measured", "aim", "aim", "aim", "aim", "aim", "aim", "aim", "must",
        "MISSED", "aim",
    ]  # fmt: skip


def test_the_raw_numbers_stand_beside() -> None:
    whole, streams = tables.whole(run()), tables.streams(run())
    assert [row[0] for row in whole.rows] == ["direct", "ours", "nginx", "vllm-router"]
    assert whole.rows[1][1:4] == ("2000", "0 / 0", "2000")
    assert streams.rows[1][1:] == (
        "10000", "16.00 / 160", "5.00", "10.00", "20.00", "20.00", "4.00", "1",
    )  # fmt: skip


def test_the_picture_has_a_bar_for_each_way() -> None:
    text = plot.picture(run())
    assert text.startswith("<svg ")
    assert text.count("<rect") == 1 + 2 * 3
    assert ">vllm-router</text>" in text
