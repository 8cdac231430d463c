"""Frames of server-sent events."""

from spark_control.core.sse import event


def test_a_frame() -> None:
    assert event("log", '{"a":1}', event_id="7") == 'event: log\nid: 7\ndata: {"a":1}\n\n'


def test_line_breaks_make_more_data_lines() -> None:
    assert event("x", "a\nb") == "event: x\ndata: a\ndata: b\n\n"
