"""`spark-control hosts` against a real HTTP server: a key is shown before it is trusted."""

import json

import pytest
from typer.testing import CliRunner, Result

from spark_control.cli.main import app, globals_first
from tests.contract.cli.server import Canned, error

SHOWN = "SHA256:AYVqqmNqzKDFKWen6H/O49a3ZjHEAcpPe3vktFivJGw"
HOST: dict[str, object] = {
    "name": "spark1", "number": 1, "host": "10.88.0.11", "user": "ubuntu", "port": 22,
    "here": False, "source": "file", "reachable": True, "error": None,
    "keys": [{"kind": "ssh-ed25519", "fingerprint": SHOWN, "state": "known"}],
}  # fmt: skip
TEST = {
    "ok": True, "key": {"kind": "ssh-ed25519", "fingerprint": SHOWN, "state": "new"},
    "lines": [
        {"check": "port", "state": "ok", "message": "Port 22 takes connections.", "hint": None},
        {"check": "host_key", "state": "attention", "message": f"It shows a new key: {SHOWN}",
         "hint": "Compare it there."},
    ],
}  # fmt: skip
BAD = {**TEST, "ok": False, "key": None}


def run(canned: Canned, words: str, *, stdin: str | None = None) -> Result:
    return CliRunner().invoke(
        app, globals_first(words.split()), input=stdin, env={"SPARK_CONTROL_URL": canned.url}
    )


def test_the_list(canned: Canned) -> None:
    canned.on("GET /api/hosts", {"hosts": [HOST]})
    for words in ("hosts", "hosts list"):
        result = run(canned, words)
        assert (result.exit_code, result.stderr) == (0, "")
        assert SHOWN in result.stdout
        assert json.loads(run(canned, f"{words} --json").stdout) == {"hosts": [HOST]}


@pytest.mark.parametrize(
    ("words", "body"),
    [
        ("spark1", {"name": "spark1"}),
        ("10.88.0.12", {"host": "10.88.0.12", "user": "", "port": 22}),
        ("spark1 --user me", {"host": "spark1", "user": "me", "port": 22}),
    ],
)
def test_a_test(canned: Canned, words: str, body: object) -> None:
    canned.on("GET /api/hosts", {"hosts": [HOST]}).on("POST /api/hosts/test", TEST)
    result = run(canned, f"hosts test {words}")
    assert (result.exit_code, "✓ Port" in result.stdout) == (0, True)
    assert canned.asked("POST /api/hosts/test")[0].body == body
    canned.on("POST /api/hosts/test", BAD)
    assert run(canned, f"hosts test {words} --json").exit_code == 1


def test_a_key_is_confirmed_before_it_is_added(canned: Canned) -> None:
    canned.on("POST /api/hosts/test", TEST).on("POST /api/hosts", HOST, status=201)
    words = "hosts add 10.88.0.11 --user ubuntu --name spark1"
    no = run(canned, words, stdin="n\n")
    assert (no.exit_code, canned.asked("POST /api/hosts")) == (1, [])
    assert f"Fingerprint: {SHOWN}" in no.stderr
    yes = run(canned, words, stdin="y\n")
    assert yes.exit_code == 0
    assert yes.stdout.endswith("spark1 is in the fleet.\n")
    wish = {"host": "10.88.0.11", "user": "ubuntu", "port": 22, "name": "spark1",
            "fingerprint": SHOWN}  # fmt: skip
    assert canned.asked("POST /api/hosts")[0].body == wish
    given = run(canned, f"{words} --yes {SHOWN} --json")
    assert json.loads(given.stdout) == HOST
    assert canned.asked("POST /api/hosts")[1].body == wish
    assert len(canned.asked("POST /api/hosts/test")) == 2


def test_without_a_key_there_is_nothing_to_confirm(canned: Canned) -> None:
    canned.on("POST /api/hosts/test", BAD)
    result = run(canned, "hosts add 10.88.0.11")
    assert (result.exit_code, "no host key" in result.stderr) == (1, True)
    canned.on("POST /api/hosts/test", {**TEST, "key": None})
    canned.on("POST /api/hosts", HOST, status=201)
    assert run(canned, "hosts add localhost", stdin="y\n").exit_code == 0


def test_a_program_is_refused_with_the_fingerprint(canned: Canned) -> None:
    refused = error("host_key_unconfirmed", "A new key.", "Compare it.", shown=SHOWN)
    canned.on("POST /api/hosts", refused, status=409)
    result = run(canned, "hosts add 10.88.0.11 --json")
    assert result.exit_code == 6
    assert json.loads(result.stdout)["error"]["detail"] == {"shown": SHOWN}


def test_a_key_is_trusted_anew(canned: Canned) -> None:
    canned.on("POST /api/hosts/test", TEST).on("POST /api/hosts/spark1/trust", HOST)
    assert run(canned, "hosts trust spark1", stdin="n\n").exit_code == 1
    result = run(canned, "hosts trust spark1", stdin="y\n")
    assert result.exit_code == 0
    assert result.stdout.endswith(f"spark1 is trusted with {SHOWN}.\n")
    assert run(canned, f"hosts trust spark1 --yes {SHOWN}").exit_code == 0
    assert [seen.body for seen in canned.asked("POST /api/hosts/spark1/trust")] == [
        {"fingerprint": SHOWN}, {"fingerprint": SHOWN},
    ]  # fmt: skip
    assert run(canned, "hosts trust spark1 --json").exit_code == 2


def test_a_spark_is_removed_after_a_yes(canned: Canned) -> None:
    canned.on("DELETE /api/hosts/spark1", "", status=204)
    assert run(canned, "hosts remove spark1", stdin="n\n").exit_code == 1
    assert canned.asked("DELETE /api/hosts/spark1") == []
    yes = run(canned, "hosts remove spark1", stdin="y\n")
    assert yes.stdout.endswith("spark1 was removed.\n")
    assert run(canned, "hosts remove spark1 --yes").exit_code == 0
    assert json.loads(run(canned, "hosts remove spark1 --json").stdout) == {"removed": "spark1"}


def test_our_key(canned: Canned) -> None:
    key = {"public_key": "ssh-ed25519 AAAA", "command": "printf x >> ~/.ssh/authorized_keys"}
    canned.on("GET /api/ssh-key", key)
    assert "printf x >> ~/.ssh/authorized_keys\n" in run(canned, "hosts key").stdout
    assert json.loads(run(canned, "hosts key --json").stdout) == key
