"""What the words of the fault ask for."""

import pytest

from spark_control.lab.stranger import Wish


@pytest.mark.parametrize(
    ("param", "wish"),
    [
        ("", Wish()),
        ("9000", Wish(9000)),
        ("process", Wish()),
        ("container", Wish(8888, container=True)),
        ("container stubborn 9001", Wish(9001, container=True, stubborn=True)),
    ],
)
def test_words(param: str, wish: Wish) -> None:
    assert Wish.of(param) == wish


def test_what_the_program_gets() -> None:
    assert Wish(9000).words == ("9000",)
    assert Wish(stubborn=True).words == ("8888", "stubborn")


def test_another_word_is_no_port() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        Wish.of("gremlins")
