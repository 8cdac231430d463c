"""Where each name goes, for a person."""

from datetime import UTC, datetime, timedelta

import pytest

from spark_control.engines.domain import Address, Engine, EngineState, Look
from spark_control.gateway.endpoints import Endpoint
from spark_control.gateway.overview import Alias, Kind, Place, Since, Standing, aliases, running
from spark_control.gateway.overview import places as places_of
from spark_control.gateway.route import Routes, Scene, Target

T0 = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def endpoint(name: str, service: str, *, up: bool | None = None, off: bool = False) -> Endpoint:
    return Endpoint(
        name=name, service=service, capability="chat", host="10.88.0.11", port=8888,
        base_url="http://10.88.0.11:8888/v1", models=("m",), up=up, disabled=off,
    )  # fmt: skip


def engine(state: EngineState) -> Engine:
    return Engine("spark1", Address("10.88.0.11", 8888), Look(state), T0)


@pytest.mark.parametrize(
    ("state", "leaving", "standing"),
    [
        (EngineState.SERVING, (), Standing.SERVING),
        (EngineState.SERVING, ("spark1",), Standing.LEAVING),
        (EngineState.LOADING, ("spark1",), Standing.LOADING),
        (EngineState.ABSENT, (), Standing.IDLE),
        (EngineState.SILENT, (), Standing.SILENT),
        (EngineState.UNKNOWN, (), Standing.SILENT),
    ],
)
def test_engines(state: EngineState, leaving: tuple[str, ...], standing: Standing) -> None:
    [found] = places_of([endpoint("spark1", "vllm")], [engine(state)], frozenset(leaving))
    assert (found.kind, found.standing, found.models) == (Kind.ENGINE, standing, ("m",))


def test_an_engine_knows_itself_since_when_it_is_in_trouble() -> None:
    stuck = Engine("spark1", Address("10.88.0.11", 8888), Look(EngineState.SERVING), T0, wedged=T0)
    found = places_of([endpoint("spark1", "vllm")], [stuck], frozenset())
    [noted] = Since().note(found, T0 + SECOND)
    assert (noted.standing, noted.since) == (Standing.WEDGED, T0)


def test_one_that_nobody_looked_at() -> None:
    [found] = places_of([endpoint("spark2", "vllm")], [], frozenset())
    assert found.standing is Standing.UNKNOWN


def test_services_and_servers_but_no_vector_store() -> None:
    rows = [
        endpoint("kokoro", "kokoro", up=True), endpoint("embed", "embed", up=False, off=True),
        endpoint("qdrant", "qdrant"), endpoint("big", "big", up=False), endpoint("b", "b"),
    ]  # fmt: skip
    found = [(one.name, one.kind, one.standing) for one in places_of(rows, [], frozenset())]
    assert found == [
        ("kokoro", Kind.SERVICE, Standing.SERVING), ("embed", Kind.SERVICE, Standing.OFF),
        ("big", Kind.OUTSIDE, Standing.SILENT), ("b", Kind.OUTSIDE, Standing.UNKNOWN),
    ]  # fmt: skip


def place(base_url: str, standing: Standing = Standing.SERVING) -> Place:
    return Place(
        name="a", kind=Kind.OUTSIDE, capability="chat", base_url=base_url, models=(),
        standing=standing,
    )  # fmt: skip


def test_requests_are_counted_with_and_without_the_path() -> None:
    found = running([place("http://x/v1"), place("http://y/v1"), place("http://z")],
                    {"http://x": 2, "http://y/v1": 3})  # fmt: skip
    assert [one.running for one in found] == [2, 3, 0]


def test_aliases_lead_somewhere_or_not() -> None:
    scene = Scene(
        [Target(name="spark1", base_url="http://x", served=("qwen", "Q/qwen"))],
        {"fast": "qwen", "lost": "gone", "qwen": "other", "disk": "qwen", "any": "default"},
        {"disk": "disk"},
    )
    assert aliases(Routes(scene)) == [
        Alias(name="fast", model="qwen", to=("spark1",), shadowed=False),
        Alias(name="lost", model="gone", to=(), shadowed=False),
        Alias(name="qwen", model="other", to=(), shadowed=True),
        Alias(name="disk", model="qwen", to=(), shadowed=True),
        Alias(name="any", model="default", to=("spark1",), shadowed=False),
    ]


def test_since_when_a_place_is_as_it_is() -> None:
    since = Since()
    [first] = since.note([place("http://x")], T0)
    [same] = since.note([place("http://x")], T0 + SECOND)
    [down] = since.note([place("http://x", Standing.SILENT)], T0 + 2 * SECOND)
    assert (first.since, same.since, down.since) == (T0, T0, T0 + 2 * SECOND)
    assert since.note([], T0) == []
    [again] = since.note([place("http://x")], T0 + 3 * SECOND)
    assert again.since == T0 + 3 * SECOND
