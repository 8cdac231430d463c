"""Words become one line of `sh` and come back as the same words through the real shell."""

import shlex
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_control.core.shell import BadWord, Command, RemotePath, render

WORDS = st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8")), min_size=1)


@given(WORDS)
@settings(max_examples=60, deadline=None)
def test_any_words_arrive_as_they_are(words: list[str]) -> None:
    line = render(Command.of("printf", "%s\\0", *words))
    said = subprocess.run(["sh", "-c", line], capture_output=True, check=True)  # noqa: S603, S607
    assert said.stdout.decode().split("\0")[:-1] == words


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("~/a b", "\"$HOME\"/'a b'"),
        ("$HOME/it's", "\"$HOME\"/'it'\"'\"'s'"),
        ("${HOME}/x", '"$HOME"/x'),
        ("~", '"$HOME"'),
        ("/srv/a b", "'/srv/a b'"),
        ("~/$(id);x", "\"$HOME\"/'$(id);x'"),
    ],
)
def test_home_is_the_home_over_there(text: str, word: str) -> None:
    assert RemotePath.parse(text).quoted() == word
    assert len(shlex.split(word)) == 1


@pytest.mark.parametrize("text", ["", "x/y", "~other/x", "$HOMER/x", "/a\nb", "/a\0b", "a~"])
def test_other_texts_are_no_paths(text: str) -> None:
    with pytest.raises(BadWord):
        RemotePath.parse(text)


def test_paths_are_put_together() -> None:
    home = RemotePath.parse("~")
    assert str(home / "a" / "b") == "~/a/b"
    assert str((home / "a").parent) == "~/"
    assert str((home / "a" / "b").parent) == "~/a"
    assert str(RemotePath.parse("/a").parent) == "/"
    assert str(RemotePath.parse("/a/b").parent) == "/a"


def test_the_whole_line() -> None:
    command = Command.of(
        "./x.sh", "--flag", RemotePath.parse("~/s.sh"), cwd=RemotePath.parse("~/a b"),
        env={"LABELS": "--label a=b"},
    )  # fmt: skip
    assert render(command, limit_s=2.5) == (
        "cd \"$HOME\"/'a b' && exec timeout -k 2 2.5 env 'LABELS=--label a=b' "
        './x.sh --flag "$HOME"/s.sh'
    )
    assert str(command) == "./x.sh --flag ~/s.sh"


def test_what_no_argv_can_carry_is_refused() -> None:
    with pytest.raises(BadWord):
        Command.of("echo", "a\0b")
    with pytest.raises(BadWord):
        Command.of("echo", env={"A=B": "x"})
    with pytest.raises(BadWord):
        Command.of("echo", env={"A": "x\0"})
