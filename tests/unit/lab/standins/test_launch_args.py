"""The words and the `.env` of the launcher, bad manners included."""

import pytest

from spark_control.lab.standins.launch_args import Wrong, parse, parse_env


def test_options_come_before_the_action_and_the_command_is_left_alone() -> None:
    words = "--solo -t img --name n -e A=1 -e B=2 -v /a:/b -d exec vllm serve m --solo -d"
    asked = parse(words.split())
    assert (asked.action, asked.command) == ("exec", ["vllm", "serve", "m", "--solo", "-d"])
    assert (asked.one("image"), asked.one("name"), asked.all("env")) == (
        "img",
        "n",
        ["A=1", "B=2"],
    )
    assert asked.switches == {"solo", "daemon"}
    assert (asked.one("config"), asked.one("config", "x"), asked.all("mod")) == ("", "x", [])


def test_a_script_stands_for_exec() -> None:
    assert parse(["--solo", "--launch-script", "/x.sh"]).action == "exec"
    assert parse(["--check-config"]).action == "check"
    assert parse(["--setup"]).action == "setup"
    assert parse(["--nccl-debug", "INFO", "start"]).one("nccl_debug") == "INFO"
    assert parse(["--nccl-debug", "stop"]).action == "stop"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--help"], "Usage: "),
        ([], "No action specified"),
        (["dance"], "Unknown action 'dance'"),
        (["--wrong", "start"], "Unknown option: --wrong"),
        (["-t"], "-t requires a value"),
        (["--launch-script", "x", "start"], "cannot be combined"),
        (["--ray", "--no-ray", "start"], "mutually exclusive"),
        (["--solo", "--ray", "start"], "cannot be used in solo mode"),
        (["exec"], "exec requires a command"),
        (["stop", "now"], "Unexpected argument 'now'"),
    ],
)
def test_refusals(words: list[str], text: str) -> None:
    with pytest.raises(Wrong, match=text):
        parse(words)


def test_env_files() -> None:
    assert parse_env("# a\n\nA=1\nB='two words'\n C=\n") == {"A": "1", "B": "two words", "C": ""}
    with pytest.raises(Wrong, match=r"Invalid syntax in \.env at line 2"):
        parse_env("A=1\nnonsense\n")
    with pytest.raises(Wrong, match=r"Duplicate key in \.env at line 2: A"):
        parse_env("A=1\nA=2\n")
