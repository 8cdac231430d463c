"""The programs that tell what holds a port and that end a process, run as they are sent."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from importlib.resources import files
from pathlib import Path

import pytest

from spark_control.swap.foreign import Holder, Kind, read_holder

REMOTE = files("spark_control.swap") / "remote"
LISTENER = """
import signal, socket, sys
if "stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
held = socket.socket()
held.bind((sys.argv[1], 0))
held.listen()
print(held.getsockname()[1], flush=True)
signal.pause()
"""
CONTAINER = {
    "Id": "d" * 64, "Name": "/my-llm", "Path": "vllm", "Args": ["serve"],
    "Config": {"Image": "vllm-node", "Labels": {}},
    "State": {"StartedAt": "2026-01-01T00:00:00Z"},
    "HostConfig": {"NetworkMode": "host", "RestartPolicy": {"Name": "always"}},
    "NetworkSettings": {"Ports": {}},
}  # fmt: skip

NOBODY, SYSTEM = 65534, "/usr/bin/python3"
"""Another user, and a Python that every user may run."""
Running = tuple["subprocess.Popen[str]", int]


def run(name: str, wish: object, path: str = "", user: int | None = None) -> dict[str, object]:
    done = subprocess.run(  # noqa: S603 - a program of ours
        [sys.executable if user is None else SYSTEM, "-I", "-S", "-", json.dumps(wish)],
        input=(REMOTE / name).read_text(), capture_output=True, text=True, timeout=30, check=True,
        env={"PATH": path}, user=user, cwd="/",
    )  # fmt: skip
    found: dict[str, object] = json.loads(done.stdout)
    return found


def holder(host: str, port: int, path: str = "") -> Holder | None:
    return read_holder(json.dumps(run("holder.py", {"host": host, "port": port}, path)))


def start(*words: str) -> Running:
    process = subprocess.Popen(  # noqa: S603 - a program of ours
        [sys.executable, "-c", LISTENER, *words], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


@pytest.fixture
def listener() -> Iterator[Running]:
    process, port = start("127.0.0.1", "--api-key", "s3cret")
    with process:
        yield process, port
        process.kill()


@pytest.fixture
def docker(tmp_path: Path) -> Path:
    """Lay down a docker that says what the files beside it hold."""
    there = tmp_path / "docker"
    there.write_text('#!/bin/sh\nexec /bin/cat "${0%/*}/$1"\n')
    there.chmod(0o755)
    (tmp_path / "ps").write_text("d" * 12)
    (tmp_path / "top").write_text("UID  PID  PPID  CMD\n")
    (tmp_path / "exec").write_text("")
    (tmp_path / "inspect").write_text(json.dumps([CONTAINER]))
    return tmp_path


def test_a_process_is_found_with_its_words(listener: Running) -> None:
    process, port = listener
    found = holder("127.0.0.1", port)
    assert found is not None
    assert (found.kind, found.pid, found.endable) == (Kind.PROCESS, process.pid, True)
    assert "--api-key" in found.words
    assert "s3cret" not in found.words
    assert found.since is not None
    assert found.problems  # there is no docker to ask
    assert found.problems[0].startswith("docker could not be asked")


def test_nothing_listens_there(listener: Running) -> None:
    _, port = listener
    assert holder("127.0.0.9", port) is None
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        assert holder("127.0.0.1", free.getsockname()[1]) is None


def test_a_listener_for_all_addresses_is_meant_too() -> None:
    process, port = start("0.0.0.0")
    with process:
        for host in ("127.0.0.1", "10.88.0.11", "spark1.example.org"):
            found = holder(host, port)
            assert found is not None
            assert found.pid == process.pid
        process.kill()


def test_a_name_may_mean_the_machine_itself(listener: Running) -> None:
    process, port = listener
    found = holder("localhost", port)
    assert found is not None
    assert found.pid == process.pid
    assert holder("10.88.0.11", port) is None


def test_a_container_by_its_processes(listener: Running, docker: Path) -> None:
    process, port = listener
    (docker / "top").write_text(f"UID  PID  PPID  CMD\nroot  {process.pid}  1  vllm serve\n")
    found = holder("127.0.0.1", port, str(docker))
    assert found is not None
    assert (found.kind, found.name, found.restarts) == (Kind.CONTAINER, "my-llm", True)
    assert (found.pid, found.problems) == (process.pid, ())


def test_a_process_beside_containers_is_none(listener: Running, docker: Path) -> None:
    process, port = listener
    found = holder("127.0.0.1", port, str(docker))
    assert found is not None
    assert (found.kind, found.pid, found.problems) == (Kind.PROCESS, process.pid, ())


def test_no_containers(listener: Running, docker: Path) -> None:
    (docker / "ps").write_text("")
    found = holder("127.0.0.1", listener[1], str(docker))
    assert found is not None
    assert found.kind is Kind.PROCESS


def unseen(listener: Running, docker: Path, **more: str) -> Holder:
    """Look as a user who may not see whose socket it is: /proc tells no descriptors."""
    program = (REMOTE / "holder.py").read_text().replace('f"/proc/{pid}/fd"', '"/proc/0/fd"')
    wish = json.dumps({"host": "127.0.0.1", "port": listener[1]})
    done = subprocess.run(  # noqa: S603 - a program of ours
        [sys.executable, "-I", "-S", "-", wish], input=program, capture_output=True, text=True,
        timeout=30, check=True, env={"PATH": str(docker), **more},
    )  # fmt: skip
    found = read_holder(done.stdout)
    assert found is not None
    return found


def test_of_another_user_a_container_that_publishes_the_port(
    listener: Running, docker: Path
) -> None:
    row = CONTAINER | {
        "HostConfig": {"NetworkMode": "bridge"},
        "NetworkSettings": {
            "Ports": {"8000/tcp": [{"HostPort": str(listener[1])}], "9/tcp": None}
        },
    }
    (docker / "inspect").write_text(json.dumps([row]))
    found = unseen(listener, docker)
    assert (found.kind, found.name, found.pid) == (Kind.CONTAINER, "my-llm", None)
    assert "may not be looked at" in found.problems[0]


def test_of_another_user_a_container_with_the_socket_inside(
    listener: Running, docker: Path
) -> None:
    rows = Path("/proc/net/tcp").read_text().splitlines()[1:]
    inode = next(row.split()[9] for row in rows if row.split()[1].endswith(f":{listener[1]:04X}"))
    (docker / "exec").write_text(f"lrwx------ 1 root root 64 Jan 1 00:00 7 -> socket:[{inode}]\n")
    assert unseen(listener, docker).name == "my-llm"
    (docker / "exec").write_text("nothing of it\n")
    assert unseen(listener, docker).kind is Kind.UNKNOWN


def test_of_another_user_and_no_docker(listener: Running, tmp_path: Path) -> None:
    found = unseen(listener, tmp_path)
    assert (found.kind, len(found.problems)) == (Kind.UNKNOWN, 2)


def end(found: Holder, **more: object) -> dict[str, object]:
    wish = {"pid": found.pid, "ticks": found.ticks, "boot": found.boot, "grace": 5, **more}
    return run("end_process.py", wish)


def test_a_process_is_asked_to_end(listener: Running) -> None:
    process, port = listener
    found = holder("127.0.0.1", port)
    assert found is not None
    assert end(found) == {"ended": True, "how": "asked"}
    assert process.wait(5) == -15
    assert end(found) == {"ended": True, "how": "gone"}


def test_one_that_does_not_listen_is_killed() -> None:
    process, port = start("127.0.0.1", "stubborn")
    with process:
        found = holder("127.0.0.1", port)
        assert found is not None
        assert end(found, grace=0.1) == {"ended": True, "how": "killed"}
        assert process.wait(5) == -9


@pytest.mark.parametrize("other", [{"ticks": 1}, {"boot": "another"}])
def test_another_process_with_that_number_is_left_alone(
    listener: Running, other: dict[str, object]
) -> None:
    process, port = listener
    found = holder("127.0.0.1", port)
    assert found is not None
    assert end(found, **other) == {"ended": True, "how": "gone"}
    assert process.poll() is None


@pytest.mark.skipif(
    os.getuid() != 0 or not Path(SYSTEM).exists(), reason="only root can be somebody else"
)
def test_a_process_of_another_user(listener: Running) -> None:
    process, port = listener
    mine = holder("127.0.0.1", port)
    assert mine is not None
    wish = {"pid": mine.pid, "ticks": mine.ticks, "boot": mine.boot, "grace": 1}
    assert run("end_process.py", wish, user=NOBODY) == {"ended": False, "how": "refused"}
    assert process.poll() is None
    looked = run("holder.py", {"host": "127.0.0.1", "port": port}, user=NOBODY)
    found = read_holder(json.dumps(looked))
    assert found is not None
    assert found.kind is Kind.UNKNOWN
    assert "belongs to user 0" in found.problems[0]


@pytest.mark.skipif(os.getuid() == 0, reason="root may end everything")
def test_a_process_of_root_is_refused() -> None:
    stat = Path("/proc/1/stat").read_text().rpartition(")")[2].split()
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    wish = {"pid": 1, "ticks": int(stat[19]), "boot": boot, "grace": 1}
    assert run("end_process.py", wish) == {"ended": False, "how": "refused"}
