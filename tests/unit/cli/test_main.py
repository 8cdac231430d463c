"""How the words of the command line are read."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from spark_control import __version__
from spark_control.cli.failure import Exit
from spark_control.cli.main import app, globals_first


@pytest.mark.parametrize(
    ("words", "read"),
    [
        ("models", "models"),
        ("models --json", "--json models"),
        ("swap m --url http://h --follow", "--url http://h swap m --follow"),
        ("swap m --url=http://h --no-color", "--url=http://h --no-color swap m"),
        ("--json status --token t", "--json --token t status"),
        ("settings -- --json", "settings -- --json"),
        ("status --url", "--url status"),
        ("swap --host spark1", "swap --host spark1"),
    ],
)
def test_global_options_may_stand_behind_the_verb(words: str, read: str) -> None:
    assert globals_first(words.split()) == read.split()


@pytest.mark.parametrize(
    "words",
    [
        "nonsense",
        "swap",
        "--url ftp://h status",
        "--url h:9999 status",
        "--url http:// status",
        "--url http://h:99999 status",
        "--url http://me:pass@h status",
        "--url http://h?x status",
        "--url http://[::1 status",
        "--token ü status",
        "logs ../x",
        "logs --tail 0",
        "jobs --limit 0",
        "settings A=1 a=2",
        "settings A=- B=-",
        "serve --port 70000",
        "demo --sparks 0",
        "demo --engine magic",
        "demo --fault offline",
    ],
)
def test_wrong_use(words: str) -> None:
    result = CliRunner().invoke(app, words.split())
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Usage: " in result.stderr


def test_help_tells_the_exit_codes() -> None:
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    assert "3 server not reachable" in result.stdout


@pytest.mark.parametrize("words", [["version"], ["--version"]])
def test_version(words: list[str]) -> None:
    assert CliRunner().invoke(app, words).stdout == f"spark-control {__version__}\n"


def test_a_token_is_never_shown() -> None:
    secret = "sc_nobody_sees_this"
    for words in (["--help"], ["--url", "ftp://h", "status"], ["status"]):
        url = {"SPARK_CONTROL_TOKEN": secret, "SPARK_CONTROL_URL": "http://127.0.0.1:1"}
        result = CliRunner().invoke(app, words, env=url)
        assert secret not in result.output


def test_the_page_of_the_command_line_is_whole() -> None:
    page = (Path(__file__).parents[3] / "docs" / "cli.md").read_text(encoding="utf-8")
    assert all(f"| `{verb.callback.__name__}" in page for verb in app.registered_commands
               if verb.callback is not None)  # fmt: skip
    assert all(f"\n| {code.value} |" in page for code in Exit)
    assert len(page.splitlines()) <= 120
