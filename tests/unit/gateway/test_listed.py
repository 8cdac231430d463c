"""Lists of models and voices."""

import pytest

from spark_control.gateway import listed


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (b'{"data": [{"id": "a"}, {"name": "b"}, {"id": ""}, {"id": 3}, 4]}', ("a", "b")),
        (b'{"data": 1}', ()),
        (b"[]", ()),
        (b"no json", ()),
        (b'{"data": ["a\\u0000b"]}', ()),
    ],
)
def test_models(body: bytes, names: tuple[str, ...]) -> None:
    assert listed.models(body) == names


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (b'{"voices": ["af_heart", "af_heart"]}', ("af_heart",)),
        (b'{"voices": [{"id": "af_heart", "name": "Heart"}]}', ("af_heart",)),
        (b'{"en-US": {"voices": ["M.EN-US.Mia"]}, "x": 1}', ("M.EN-US.Mia",)),
        (b"[" * 5000, ()),
        (b"[1]", ()),
    ],
)
def test_voices(body: bytes, names: tuple[str, ...]) -> None:
    assert listed.voices(body) == names
