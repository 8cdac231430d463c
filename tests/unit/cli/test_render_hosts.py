"""How the Sparks of the settings look, and how a test of one looks."""

from spark_control.cli.answer import Answer
from spark_control.cli.render import hosts as view
from tests.unit.cli.look import look


def shown(*hosts: object) -> str:
    return look(view.render(Answer({"hosts": list(hosts)})), width=120)


def test_a_fleet() -> None:
    row = {"name": "spark1", "host": "10.88.0.11", "user": "ubuntu", "port": 22, "here": False,
           "source": "file", "keys": [{"fingerprint": "SHA256:a"}]}  # fmt: skip
    assert shown().startswith("There is no Spark yet.")
    assert shown(row).splitlines()[1] == "spark1  10.88.0.11  ubuntu  file    SHA256:a"
    assert "10.88.0.11 port 2222" in shown(row | {"port": 2222})
    assert "this machine" in shown(row | {"here": True})
    assert "changed" in shown(row | {"error": {"code": "host_key_changed"}})
    assert shown({"name": "a\x1b[31m"}).splitlines()[1].split() == ["a", "-", "-", "-", "-"]


def test_a_test_says_what_to_do_below_each_line() -> None:
    lines = [
        {"check": "port", "state": "ok", "message": "Port 22 takes connections."},
        {"check": "docker", "state": "failed", "message": "No.", "hint": "Install it."},
        {"check": "new", "state": "odd", "message": "a\nb"},
    ]
    assert look(view.tested(Answer({"lines": lines}))).splitlines() == [
        "✓ Port     Port 22 takes connections.", "✗ Docker   No.", "           Install it.",
        "? new      a b",
    ]  # fmt: skip


def test_a_key_that_can_be_copied_whole() -> None:
    page = look(view.key(Answer({"public_key": "ssh-ed25519 A", "command": "printf x"})))
    assert page.splitlines()[0] == "ssh-ed25519 A"
    assert page.splitlines()[-1] == "printf x"
