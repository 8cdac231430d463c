"""What a worker notes becomes a record, without any words."""

from spark_control.gateway.record import Trace
from spark_control.gateway.usage import Usage
from tests.unit.requests.samples import T0


def trace(**more: object) -> Trace:
    found = Trace(id="rq_1", at=T0, began=100.0, path="/v1/chat/completions", client="10.88.0.50")
    for name, value in more.items():
        setattr(found, name, value)
    return found


def test_times_are_counted_from_the_head() -> None:
    record = trace(granted=100.5, first=100.75, streamed=True, bytes_out=9).record(
        102.0, status=200, usage=Usage(3, 4, estimated=True)
    )
    assert (record.queue_ms, record.ttft_ms, record.duration_ms) == (500.0, 750.0, 2000.0)
    assert (record.tokens_in, record.tokens_out, record.estimated) == (3, 4, True)
    assert (record.id, record.at, record.status, record.bytes_out) == ("rq_1", T0, 200, 9)


def test_a_plain_name_stays_as_it_is() -> None:
    record = trace(asked="default", model="qwen36").record(101.0, status=200)
    assert (record.asked, record.model) == ("default", "qwen36")


def test_what_is_not_known_is_none() -> None:
    record = trace().record(99.0, status=404, error="model_not_found")
    assert (record.queue_ms, record.ttft_ms, record.duration_ms) == (0.0, None, 0.0)
    assert (record.tokens_in, record.asked, record.error) == (None, None, "model_not_found")


def test_what_came_from_outside_is_bounded() -> None:
    record = trace(path="/v1/x/" + "y" * 999, asked="a\nb\x00" + "c" * 999, client="d" * 999)
    made = record.record(101.0, status=200)
    assert made.path == "other"
    assert made.asked is not None
    assert made.asked.startswith("a?b?c")
    assert len(made.asked) == len(made.client) == 200
