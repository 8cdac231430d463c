"""Who must show a token, decided at the start."""

import pytest

from spark_control.access.errors import TokenTooShort
from spark_control.access.owner import Owner, decide, is_loopback
from spark_control.access.ports import Keys
from spark_control.core.secret import Secret, digest

KEPT = Keys(digest("sc_old"), "key")


def decided(
    auth: str = "", bind: str = "127.0.0.1", given: str = "", kept: Keys | None = None
) -> Owner:
    return decide(auth=auth, bind=bind, given=Secret(given), kept=kept, taken_over=True)


@pytest.mark.parametrize(
    ("bind", "loopback"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True),
     ("0.0.0.0", False), ("::", False), ("10.88.0.1", False), ("spark.example.org", False)],
)  # fmt: skip
def test_loopback(bind: str, loopback: bool) -> None:  # noqa: FBT001 - a column of the table
    assert is_loopback(bind) is loopback
    assert decided(bind=bind).required is not loopback


def test_off_is_off_and_token_is_token() -> None:
    assert not decided("off", "0.0.0.0").required
    assert decided("token").required
    assert decided(given="mine").required


def test_a_made_token_is_told_once() -> None:
    owner = decided("token")
    assert owner.fresh is not None
    assert owner.keys.owner_sha256 == digest(owner.fresh.reveal())
    assert owner.keys.keyless_outside
    again = decided("token", kept=owner.keys)
    assert (again.fresh, again.keys) == (None, owner.keys)
    assert (owner.save, again.save) == (owner.keys, None)


def test_a_given_token_wins_and_is_not_made() -> None:
    owner = decided("token", given="mine", kept=KEPT)
    assert (owner.fresh, owner.keys.owner_sha256) == (None, digest("mine"))
    assert owner.save is None
    new = decided(given="mine")
    assert new.save is not None
    assert (new.save.owner_sha256, new.save.session_key) == ("", new.keys.session_key)


def test_beyond_loopback_a_given_token_is_long() -> None:
    assert decided(bind="0.0.0.0", given="t" * 16).required
    assert not decided("off", "0.0.0.0", given="mine").required
    with pytest.raises(TokenTooShort):
        decided(bind="0.0.0.0", given="t" * 15)


def test_without_a_need_none_is_made() -> None:
    assert decided().fresh is None
    assert decided().keys.owner_sha256 == ""
