"""The bus: numbers, latest wins, resuming."""

from spark_control.core.bus import Bus


async def test_latest_of_a_key_wins_and_order_stays() -> None:
    bus = Bus(boot="b")
    reader = bus.subscribe("a")
    for topic, key, n in [("a", "x", 1), ("a", "y", 2), ("b", "x", 3), ("a", "x", 4)]:
        bus.publish(topic, key, {"n": n})
    bus.unsubscribe(reader)
    assert [event.data["n"] async for event in reader] == [2, 4]


async def test_a_reader_without_topics_hears_all() -> None:
    bus = Bus(boot="b")
    reader = bus.subscribe()
    bus.publish("a", "x", {})
    bus.publish("b", "x", {})
    bus.close()
    assert [event.topic async for event in reader] == ["a", "b"]


def test_who_listens() -> None:
    bus = Bus(boot="b")
    assert not bus.heard("a")
    some = bus.subscribe("a")
    assert (bus.heard("a"), bus.heard("b")) == (True, False)
    bus.unsubscribe(some)
    bus.subscribe()
    assert bus.heard("b")


def test_resuming() -> None:
    bus = Bus(boot="b1", history=3)
    events = [bus.publish("a", str(n), {}) for n in range(5)]
    assert bus.last_id == bus.event_id(events[-1]) == "b1-5"
    assert bus.since("b1-3") == events[3:]
    assert bus.since("b1-5") == []
    assert bus.since("b1-1") is None
    assert bus.since("b1-9") is None
    assert bus.since("old-3") is None
    assert bus.since("nonsense") is None
