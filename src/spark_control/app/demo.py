"""`demo`: a fleet that is played, in a process of its own, and a real Spark Control over it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from spark_control import __version__
from spark_control.app import boot as boots
from spark_control.app import serve
from spark_control.app.boot import Demo
from spark_control.app.compose import Parts
from spark_control.core.errors import Unavailable
from spark_control.fleet.adapters.ssh_key import ensure_key
from spark_control.settings.adapters.data_dir import prepare
from spark_control.settings.load import default_data_dir, environment, process_environment

LAB_ENDS_S = 20.0


class LabFailed(Unavailable):
    """The fleet of the demo could not be started."""

    code = "lab_failed"
    hint = "Its own words are above."


@dataclass(frozen=True, slots=True)
class Wish:
    """What the demo shall be: how many Sparks, how engines are played, what is broken."""

    sparks: int
    engine: str
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fleet:
    """What the lab said once it was up."""

    environment: dict[str, str]
    home: str
    notes: tuple[str, ...]


def run(given: serve.Given, wish: Wish) -> int:
    """Serve the demo until stopped; nothing of it outlives this process."""
    if "help" in wish.faults:
        return subprocess.run([*_words(wish), "--fault", "help"], check=False).returncode  # noqa: S603
    given.over({})  # what does not fit is said before anything starts
    before = os.umask(serve.PRIVATE)
    root = given.folder or _default_dir().absolute()
    prepare(root)
    key = root / "ssh" / "id_ed25519"
    public = key.with_suffix(".pub")
    public_line = ensure_key(key)
    public.write_text(f"{public_line}\n", encoding="utf-8")
    with _lab(wish, root / "lab", public, before) as fleet:
        _write_overrides(root / "models-overrides.yaml", fleet.home)
        variables = serve.Given(given.host, given.port, str(root), given.workers).over(_own(fleet))
        return serve.start(boots.read(variables, demo=Demo(fleet.notes)), greet)


def _default_dir() -> Path:
    base = default_data_dir(process_environment(), Path.home())
    return base.with_name("spark-control-demo")


def _own(fleet: Fleet) -> dict[str, str]:
    """Return the variables of the demo: those of the played fleet and none of a real one."""
    kept = ("BIND", "PORT", "AUTH", "AUTH_TOKEN", "ALLOWED_ORIGINS")
    mine = {name: text for name, text in environment().items() if name in kept}
    return {**mine, **fleet.environment}


def _write_overrides(path: Path, home: str) -> None:
    """Give the demo the recipes of its own models; a file that is there stays as it is."""
    if not path.exists():
        text = (files("spark_control.app") / "demo-models.yaml").read_text(encoding="utf-8")
        path.write_text(text.replace("@HOME@", home), encoding="utf-8")


def _words(wish: Wish) -> list[str]:
    return [sys.executable, "-P", "-m", "spark_control.lab", "--sparks", str(wish.sparks),
            "--engine", wish.engine]  # fmt: skip


@contextmanager
def _lab(wish: Wish, state: Path, public_key: Path, umask: int) -> Iterator[Fleet]:
    """Run the lab beside us. It ends when its standard input does, however we end."""
    words = [*_words(wish), "--state-dir", str(state), "--authorized-key", str(public_key),
             "--services"]  # fmt: skip
    words += [word for fault in wish.faults for word in ("--fault", fault)]
    with subprocess.Popen(  # noqa: S603 - our own interpreter and words
        [*words, "--with-parent"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, umask=umask
    ) as lab:
        try:
            line = lab.stdout.readline() if lab.stdout else b""
            if not line:
                raise LabFailed("The fleet of the demo did not start.")
            yield _read(json.loads(line))
        finally:
            end(lab)


def end(lab: "subprocess.Popen[bytes]", *, within_s: float = LAB_ENDS_S) -> None:
    """End a lab by closing its input; one that hangs is killed, and its engines go with it."""
    if lab.stdin:
        lab.stdin.close()
    try:
        lab.wait(timeout=within_s)
    except subprocess.TimeoutExpired:
        lab.kill()
        lab.wait()


def _read(said: dict[str, object]) -> Fleet:
    variables: dict[str, str] = {}
    sparks = said["sparks"]
    if not isinstance(sparks, list):
        raise LabFailed("The fleet of the demo said nothing of its Sparks.")
    for n, spark in enumerate(sparks, 1):
        variables |= {
            f"SPARK{n}_HOST": spark["host"], f"SPARK{n}_PORT": str(spark["port"]),
            f"SPARK{n}_USER": spark["user"], f"SPARK{n}_NAME": spark["name"],
        }  # fmt: skip
    return Fleet(variables, str(sparks[0]["home"]), _notes(said))


def _notes(said: dict[str, object]) -> tuple[str, ...]:
    """Return what a person should know: which models are real, and what the lab could not do."""
    real, notes = said.get("real_models"), said.get("notes")
    told = [str(note) for note in notes] if isinstance(notes, list) else []
    if isinstance(real, list) and real:
        told.append(f"Really served, by llama.cpp, and tiny: {', '.join(map(str, real))}.")
    return tuple(told)


def _program(url: str) -> str:
    """Return how to call the command line from where the user stands."""
    path = Path(sys.executable).with_name("spark-control")
    here = Path.cwd()
    shown = path.relative_to(here) if path.is_relative_to(here) else path
    name = str(shown) if path.exists() else "spark-control"
    return name if url.endswith(":9999") else f"{name} --url {url}"


def greet(parts: Parts, url: str) -> None:
    """Say where the page is, what is played, and what to try first."""
    count = len(parts.configuration.current.sparks)
    program = _program(url)
    lines = [
        f"Spark Control {__version__}, demo with {count} simulated Sparks",
        *(f"  {note}" for note in (parts.boot.demo.notes if parts.boot.demo else ())),
        "",
        f"Page    {url}",
        f"API     {url}/v1",
        "",
        "Try it in another terminal:",
        f"  {program} models",
        f"  {program} swap smollm2 --follow",
        f"  curl -N {url}/v1/chat/completions -H 'Content-Type: application/json' \\",
        """    -d '{"model": "smollm2", "stream": true, """
        """"messages": [{"role": "user", "content": "Say hello."}]}'""",
        "",
        "Break something (and mend it with rm):",
        f"  touch {parts.boot.data.root}/lab/spark1/faults/offline",
        "Ctrl-C ends everything.",
    ]
    if (fresh := parts.owner.fresh) is not None:
        lines += ["", "Owner token, shown only now:", f"  {fresh.reveal()}"]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
