"""What is read of a body, and what stays of it when a name is changed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_control.gateway.envelope import Envelope, read, rename
from spark_control.gateway.errors import BodyUnreadable

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("body", "envelope"),
    [
        (b'{"model":"a","stream":true}', Envelope("a", stream=True)),
        (b'{"stream":"yes"}', Envelope(None, stream=False)),
        (b'{"model":""}', Envelope(None, stream=False)),
        (b'{"model":null}', Envelope(None, stream=False)),
    ],
)
def test_good_bodies(body: bytes, envelope: Envelope) -> None:
    assert read(body) == envelope


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"x"', b"\xff", b'{"model":1}', b'{"model":"\xff"}', b"[" * 99999]
)
def test_bad_bodies(body: bytes) -> None:
    with pytest.raises(BodyUnreadable):
        read(body)


@given(st.dictionaries(st.text(), JSON))
def test_only_the_name_changes(body: dict[str, object]) -> None:
    renamed = json.loads(rename(json.dumps(body).encode(), "key"))
    assert renamed == {**body, "model": "key"}


@pytest.mark.parametrize("body", [b"{", b'{"\xff":1}'])
def test_renaming_what_cannot_be_read(body: bytes) -> None:
    with pytest.raises(BodyUnreadable):
        rename(body, "key")
