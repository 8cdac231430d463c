"""Secrets do not show."""

from spark_control.core.secret import Secret, digest, same


def test_it_prints_as_stars() -> None:
    secret = Secret("hunter2")
    assert f"{secret} {secret!r}" == "*** Secret(***)"
    assert secret.reveal() == "hunter2"


def test_it_compares_by_value() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1
    assert Secret("x")
    assert not Secret("")


def test_digests() -> None:
    assert same(digest("a"), digest("a"))
    assert not same(digest("a"), digest("b"))
