"""What a worker notes becomes a record, without any words."""

import msgspec

from spark_control.gateway.record import Trace, named
from spark_control.requests.domain import millis
from tests.unit.requests.samples import T0


def trace(**more: object) -> Trace:
    found = Trace("rq_1", T0.timestamp() - 100.0, 100.0, "/v1/chat/completions", "10.88.0.50")
    for name, value in {"ended": 101.0, "status": 200, **more}.items():
        setattr(found, name, value)
    return found


def test_times_are_counted_from_the_head() -> None:
    record = trace(
        granted=100.5, first=100.75, ended=102.0, streamed=True, bytes_out=9,
        tokens_in=3, tokens_out=4, estimated=True,
    ).record()  # fmt: skip
    assert (record.queue_ms, record.ttft_ms, record.duration_ms) == (500.0, 750.0, 2000.0)
    assert (record.tokens_in, record.tokens_out, record.estimated) == (3, 4, True)
    assert (record.id, record.at_ms, record.status, record.bytes_out) == (
        "rq_1", millis(T0), 200, 9,
    )  # fmt: skip
    assert record.at == T0


def test_a_plain_name_stays_as_it_is() -> None:
    record = trace(asked="default", model="qwen36").record()
    assert (record.asked, record.model) == ("default", "qwen36")


def test_what_is_not_known_is_none() -> None:
    record = trace(ended=99.0, status=404, error="model_not_found").record()
    assert (record.queue_ms, record.ttft_ms, record.duration_ms) == (0.0, None, 0.0)
    assert (record.tokens_in, record.asked, record.error) == (None, None, "model_not_found")


def test_what_came_from_outside_is_bounded() -> None:
    made = trace(
        path="/v1/x/" + "y" * 999, asked="a\nb\x00" + "c" * 999, client="d" * 999
    ).record()
    assert made.path == "other"
    assert made.asked is not None
    assert made.asked.startswith("a?b?c")
    assert len(made.asked) == len(made.client) == 200


def test_a_request_for_one_model_is_one_to_the_list() -> None:
    assert named("/v1/models/openai/gpt-oss-120b") == named("/v1/models") == "/v1/models"
    assert named("/rerank") == "/rerank"
    assert named("/v1/modelsx") == named("") == "other"


def test_it_goes_over_the_wire_as_it_is() -> None:
    sent = trace(asked="default", tokens_out=7)
    assert msgspec.json.decode(msgspec.json.encode(sent), type=Trace) == sent
