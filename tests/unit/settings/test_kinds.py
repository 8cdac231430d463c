"""Each kind of value takes what it should and says why not."""

import pytest

from spark_control.settings import kinds
from spark_control.settings.kinds import Reader

SERVERS = '[{"name": "a", "base_url": "http://b", "models": ["c"]}]'

GOOD: list[tuple[Reader, str, str]] = [
    (kinds.host, "10.88.0.11", "10.88.0.11"),
    (kinds.host, "fe80::1%eth0", "fe80::1%eth0"),
    (kinds.host, "::1", "::1"),
    (kinds.host, "spark1.example.org", "spark1.example.org"),
    (kinds.user, "spark-user", "spark-user"),
    (kinds.container, "vllm_node", "vllm_node"),
    (kinds.text, "any thing", "any thing"),
    (kinds.path, "$HOME/a b", "$HOME/a b"),
    (kinds.path, "~", "~"),
    (kinds.flag, "Yes", "on"),
    (kinds.flag, "0", "off"),
    (kinds.port, "0080", "80"),
    (kinds.url, "https://example.org/x", "https://example.org/x"),
    (kinds.choice("a", "b"), "A", "a"),
    (kinds.words, "a, b  c", "a,b,c"),
    (kinds.words, "", ""),
    (kinds.origins, "https://a.example.org/ http://b", "https://a.example.org,http://b"),
    (kinds.json_list, '[{"a": 1}]', '[{"a": 1}]'),
    (kinds.json_object, '{"a": "b"}', '{"a": "b"}'),
    (kinds.upstreams, SERVERS, SERVERS),
]
BAD: list[tuple[Reader, str]] = [
    (kinds.upstreams, "{}"),
    (kinds.upstreams, '[{"base_url": "http://b"}]'),
    (kinds.upstreams, '[{"name": "", "base_url": "http://b"}]'),
    (kinds.upstreams, '[{"name": "a", "base_url": "ftp://b"}]'),
    (kinds.upstreams, '[{"name": "a", "base_url": "http://b", "api_key": 1}]'),
    (kinds.upstreams, '[{"name": "a", "base_url": "http://b", "models": "c"}]'),
    (kinds.upstreams, '[{"name": "a", "base_url": "http://b", "models": [1]}]'),
    (kinds.host, "-oProxyCommand=x"),
    (kinds.host, "a b"),
    (kinds.host, "a;b"),
    (kinds.host, "10.88.0.11:22"),
    (kinds.host, "spark1.example.org:22"),
    (kinds.host, "1:2%eth0"),
    (kinds.host, "%00"),
    (kinds.user, "a b"),
    (kinds.container, "$(id)"),
    (kinds.text, "a\nb"),
    (kinds.path, "relative"),
    (kinds.path, "~other"),
    (kinds.flag, "maybe"),
    (kinds.port, "0"),
    (kinds.port, "65536"),
    (kinds.port, "8o80"),
    (kinds.port, "-1"),
    (kinds.url, "ftp://example.org"),
    (kinds.url, "http://"),
    (kinds.url, "http://["),
    (kinds.url, "http://a\nb"),
    (kinds.choice("a"), "c"),
    (kinds.words, "a,B c"),
    (kinds.origins, "example.org"),
    (kinds.json_list, "{"),
    (kinds.json_list, "{}"),
    (kinds.json_list, "[1]"),
    (kinds.json_object, "[]"),
    (kinds.json_object, '{"a": 1}'),
]


@pytest.mark.parametrize(("read", "text", "value"), GOOD)
def test_good_values(read: Reader, text: str, value: str) -> None:
    assert read(text) == value


@pytest.mark.parametrize(("read", "text"), BAD)
def test_bad_values_say_why(read: Reader, text: str) -> None:
    with pytest.raises(ValueError, match=r"^(is|holds) "):
        read(text)
