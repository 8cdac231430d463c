"""The program as a process: terminals, Ctrl-C, pipes, and becoming the server.

Slower than calling the verbs: what is covered here exists only between processes.
"""

import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.cli.server import HOLD, Canned, swap_frame
from tests.unit.cli import samples

SOURCE = Path(__file__).parents[3] / "src"
LIMIT_S = 30


def environment(canned: Canned | None = None, **more: str) -> dict[str, str]:
    given = {"PATH": os.defpath, "PYTHONPATH": str(SOURCE), "LANG": "C.UTF-8", "TERM": "xterm"}
    url = canned.url if canned else "http://127.0.0.1:1"
    return {**given, "SPARK_CONTROL_URL": url, **more}


def words(*given: str) -> list[str]:
    return [sys.executable, "-m", "spark_control", *given]


def run(*given: str, env: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603 - our own program
        words(*given),
        env=env or environment(),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Return both ends of a terminal of 80 by 24."""
    ours, theirs = pty.openpty()
    yield ours, theirs
    os.close(ours)


def read_all(ours: int) -> str:
    """Return what the terminal showed until the program let go of it."""
    shown = b""
    while select.select([ours], [], [], LIMIT_S)[0]:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # how a terminal says that its other end is closed
            break
        shown += piece
    return shown.decode()


def test_no_server() -> None:
    result = run("status")
    assert (result.returncode, result.stdout) == (3, "")
    assert result.stderr == (
        "No answer from http://127.0.0.1:1 (nothing listens there).\n"
        "Start it with `spark-control serve` or `make demo`, or name another with --url.\n"
    )


def test_a_proxy_of_the_shell_is_not_asked(canned: Canned) -> None:
    canned.on("GET /api/jobs", samples.jobs())
    proxy = environment(canned, HTTP_PROXY="http://127.0.0.1:1", ALL_PROXY="http://127.0.0.1:1")
    assert run("jobs", env=proxy).returncode == 0


def test_a_terminal_without_utf8(canned: Canned) -> None:
    canned.on("GET /api/jobs", samples.jobs(samples.job(target="größe ✓")))
    result = run("jobs", env=environment(canned, PYTHONIOENCODING="ascii", PYTHONUTF8="0"))
    assert result.returncode == 0, result.stderr
    assert "gr??e ?" in result.stdout


@pytest.mark.parametrize(
    ("given", "passed"),
    [
        ("serve", "serve"),
        ("serve --port 9 --host ::1", "serve --host ::1 --port 9"),
        ("demo --fault help", "demo --fault help"),
        ("demo --sparks 3 --engine scripted --data-dir a/b --fault cut@spark1 --fault x@spark2",
         "demo --data-dir a/b --sparks 3 --engine scripted --fault cut@spark1 --fault x@spark2"),
    ],
)  # fmt: skip
def test_serve_and_demo_become_the_server(tmp_path: Path, given: str, passed: str) -> None:
    """The stand-in for the server says how it was called and what it has loaded."""
    room = tmp_path / "spark_control"
    room.mkdir()
    (room / "__init__.py").write_text(f"__path__.append({str(SOURCE / 'spark_control')!r})\n"
                                      "__version__ = '0'\n")  # fmt: skip
    (room / "app.py").write_text(
        "import sys\nprint(*sys.argv[1:], *{'typer', 'rich', 'httpx'} & set(sys.modules))\n"
    )
    result = run(*given.split(), env=environment(PYTHONPATH=str(tmp_path)))
    assert (result.stdout, result.stderr, result.returncode) == (f"{passed}\n", "", 0)


def test_ctrl_c_ends_the_watching_and_not_the_swap(canned: Canned) -> None:
    canned.on("POST /api/swap", samples.swap(), status=202)
    canned.streams = [[swap_frame(samples.swap()), HOLD]]
    with subprocess.Popen(  # noqa: S603 - our own program
        words("swap", "smollm2", "--host", "spark1", "--follow"),
        env=environment(canned), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as program:  # fmt: skip
        assert canned.held.wait(LIMIT_S)
        assert program.stdout is not None
        while "Loading" not in program.stdout.readline():  # until then it is not listening
            assert program.poll() is None
        program.send_signal(signal.SIGINT)
        _, err = program.communicate(timeout=LIMIT_S)
    assert program.returncode == 130
    assert err.splitlines() == [
        "Stopped watching; the swap goes on.",
        "  spark-control swap smollm2 --host spark1 --follow  watches again",
        "  spark-control swap --cancel                        cancels it",
    ]
    assert [seen.method for seen in canned.seen] == ["POST", "GET"]


def test_in_a_terminal_a_swap_is_followed_and_drawn(
    canned: Canned, terminal: tuple[int, int]
) -> None:
    ours, theirs = terminal
    canned.on("POST /api/swap", samples.swap(), status=202)
    canned.on("GET /api/status", samples.status())
    canned.streams = [[swap_frame(samples.swap()), swap_frame(samples.ready())]]
    with subprocess.Popen(  # noqa: S603 - our own program
        words("swap", "smollm2"),
        env=environment(canned, COLUMNS="80", LINES="24"),
        stdin=theirs, stdout=theirs, stderr=theirs,
    ) as program:  # fmt: skip
        os.close(theirs)
        shown = read_all(ours)
        assert program.wait(LIMIT_S) == 0
    assert "\x1b[?25l" in shown  # the cursor was hidden …
    assert "\x1b[?25h" in shown  # … and is back
    assert "Verifying" in shown
    assert "Ready: " in shown
    assert "\x1b[1;32m" in shown


def test_no_colour_on_wish(canned: Canned, terminal: tuple[int, int]) -> None:
    ours, theirs = terminal
    canned.on("GET /api/models", samples.menu())
    with subprocess.Popen(  # noqa: S603 - our own program
        words("models", "--no-color"),
        env=environment(canned), stdin=theirs, stdout=theirs, stderr=theirs,
    ) as program:  # fmt: skip
        os.close(theirs)
        shown = read_all(ours)
        assert program.wait(LIMIT_S) == 0
    assert "Loaded on spark1" in shown
    assert "\x1b[32m" not in shown


def test_a_reader_that_leaves_gets_no_traceback(canned: Canned) -> None:
    canned.on("GET /api/jobs/sw_1/log", "a line of the log\n" * 20000)
    with subprocess.Popen(  # noqa: S603 - our own program
        words("logs", "sw_1"), env=environment(canned),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as program:  # fmt: skip
        assert program.stdout is not None
        assert program.stderr is not None
        assert program.stdout.readline() == "a line of the log\n"
        program.stdout.close()
        assert "Traceback" not in program.stderr.read()
        assert program.wait(LIMIT_S) == 1
