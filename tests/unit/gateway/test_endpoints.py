"""Every endpoint, for machines."""

from datetime import UTC, datetime

from spark_control.engines.domain import Address, Engine, EngineState, Look
from spark_control.gateway import endpoints
from spark_control.gateway.outside import Said, Server
from spark_control.gateway.services import Seen, configured, rows, with_looks
from spark_control.settings.domain import merge

NOW = merge({
    "SPARK1_HOST": "10.88.0.11", "SPARK2_HOST": "10.88.0.12", "DISABLED_SERVICES": "magpie,vllm",
}, {})  # fmt: skip


def test_engines() -> None:
    slots = [("spark1", Address("10.88.0.11", 8888)), ("spark2", Address("10.88.0.12", 8888))]
    look = Look(EngineState.SERVING, ("qwen", "Q/qwen"))
    seen = [Engine("spark1", slots[0][1], look, datetime(2026, 1, 1, tzinfo=UTC))]
    first, second = endpoints.engines(slots, seen, NOW)
    assert (first.models, first.up, first.disabled) == (("qwen", "Q/qwen"), True, True)
    assert first.base_url == "http://10.88.0.11:8888/v1"
    assert (second.models, second.up) == ((), None)


def test_services() -> None:
    plain = configured(NOW, ())
    url = plain[0].base_url
    seen = with_looks(plain, {url: Seen(up=True, models=("p",))})
    found = {one.name: one for one in endpoints.services(rows(NOW), seen, frozenset({url}), NOW)}
    assert list(found) == ["parakeet", "magpie", "kokoro", "embed", "qdrant"]
    assert (found["parakeet"].models, found["parakeet"].up) == (("p",), True)
    assert (found["magpie"].disabled, found["magpie"].up) == (True, None)
    assert (found["kokoro"].disabled, found["kokoro"].up) == (False, None)
    assert (found["qdrant"].capability, found["qdrant"].port) == ("vectors", 6333)


def test_what_has_no_host_is_left_out() -> None:
    empty = merge({}, {})
    assert endpoints.services(rows(empty), (), frozenset(), empty) == []


def test_outside_servers_show_no_password() -> None:
    servers = (
        Server(name="a", base_url="https://user:pass@example.org/v1/", models=("m",)),
        Server(name="b", base_url="http://example.org:81", redact=True),
        Server(name="c", base_url="http://example.org:port"),
        Server(name="d", base_url="http://example.org"),
    )
    said = {
        "http://example.org:81": Said(up=True, models=("x",)),
        "https://user:pass@example.org/v1/": Said(up=False),
    }
    a, b, d = endpoints.outside(servers, said)
    assert (a.up, b.up, d.up) == (False, True, None)
    assert (a.base_url, a.port, a.models) == ("https://example.org/v1", 443, ("m",))
    assert (b.port, b.models, b.disabled) == (81, ("x",), True)
    assert d.port == 80
