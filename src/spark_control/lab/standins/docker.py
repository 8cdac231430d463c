"""Plays `docker`: containers are processes of this machine with a folder to themselves."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from spark_control.lab.standins import box as boxes
from spark_control.lab.standins import (
    container_run,
    containers,
    docker_format,
    docker_logs,
    docker_rows,
    memory,
    procs,
)
from spark_control.lab.standins.box import Box, Json, complain, say
from spark_control.lab.standins.docker_args import Refused, Taken, take

_GRACE_S = 10.0
_TERM_BIT = 1 << 14


def _now() -> datetime:
    return datetime.now(UTC)


def _needs(taken: Taken, command: str, least: int = 1) -> list[str]:
    if len(taken.words) < least:
        raise Refused(f'docker: "docker {command}" requires at least {least} argument(s).\n')
    return taken.words


def _each(
    taken: Taken, command: str, work: Callable[[str], None], *, lenient: bool = False
) -> int:
    status = 0
    for wanted in _needs(taken, command):
        try:
            work(wanted)
            say(f"{wanted}\n")
        except Refused as refused:
            complain(str(refused))
            status = status if lenient else 1
    return status


def _run(box: Box, taken: Taken) -> int:
    return container_run.run(box, taken)


def _exec(box: Box, taken: Taken) -> int:
    words = _needs(taken, "exec", 2)
    return container_run.execute(containers.find_running(box, words[0]), taken, words[1:])


def _ps(box: Box, taken: Taken) -> int:
    shown = [one for one in containers.every(box) if taken.on("all") or one.running]
    shown = [one for one in shown if docker_rows.passes(one, taken.all("filter"))]
    rows = [docker_rows.ps_row(one, _now(), whole=taken.on("no-trunc")) for one in shown]
    template = "{{.ID}}" if taken.on("quiet") else taken.last("format")
    say(docker_format.lines(template, rows, docker_rows.PS_COLUMNS))
    return 0


def _images(box: Box, taken: Taken) -> int:
    rows = [docker_rows.image_row(image, _now()) for image in container_run.images(box)]
    rows = [row for row in rows if not taken.words or row["Repository"] == taken.words[0]]
    template = "{{.ID}}" if taken.on("quiet") else taken.last("format")
    say(docker_format.lines(template, rows, docker_rows.IMAGE_COLUMNS))
    return 0


def _inspect_one(box: Box, wanted: str, kind: str) -> Json:
    if kind != "image":
        try:
            return docker_rows.inspected(containers.find(box, wanted))
        except Refused:
            pass
    if kind != "container" and (image := container_run.find_image(box, wanted)):
        return docker_rows.image_inspected(image)
    raise Refused(
        f"Error response from daemon: No such {kind}: {wanted}\n"
        if kind
        else f"error: no such object: {wanted}\n"
    )


def _inspect(box: Box, taken: Taken) -> int:
    template, found, status = taken.last("format"), [], 0
    for wanted in _needs(taken, "inspect"):
        try:
            found.append(_inspect_one(box, wanted, taken.last("type")))
        except Refused as refused:
            complain(str(refused))
            status = 1
    if template and template != "json":
        say("".join(docker_format.render(template, one) + "\n" for one in found))
    elif not template or found:
        say(json.dumps(found, indent=4) + "\n")
    return status


def _logs(box: Box, taken: Taken) -> int:
    return docker_logs.main(containers.find(box, _needs(taken, "logs")[0]), taken)


def _stubborn(box: Box, wanted: str, what: str) -> None:
    if box.use_up("stop-fails"):
        raise Refused(
            f"Error response from daemon: cannot {what} container: {wanted}: tried to kill "
            "container, but did not receive an exit event\n"
        )


def _listens(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    caught = next((row for row in status.splitlines() if row.startswith("SigCgt")), "SigCgt: 0")
    return bool(int(caught.split()[1], 16) & _TERM_BIT)


def _stop(box: Box, taken: Taken) -> int:
    grace = float(taken.last("time") or taken.last("timeout") or _GRACE_S)

    def stop(wanted: str) -> None:
        one = containers.find(box, wanted)
        _stubborn(box, wanted, "stop")
        if not one.running:
            return
        # Process 1 of a container gets TERM only when it asked for it; `sleep infinity` did not.
        if _listens(int(str(one.meta["pid"]))):
            containers.end(one, number=15)
            containers.wait(one, limit_s=grace)
        else:
            time.sleep(grace * box.pace())
        containers.end(one)

    status = _each(taken, "stop", stop)
    memory.refresh(box)
    return status


def _kill(box: Box, taken: Taken) -> int:
    name = (taken.last("signal") or "KILL").upper().removeprefix("SIG")
    number = int(name) if name.isdecimal() else {"KILL": 9, "TERM": 15, "INT": 2, "HUP": 1}[name]

    def kill(wanted: str) -> None:
        one = containers.find_running(box, wanted)
        if number == 9 or _listens(int(str(one.meta["pid"]))):
            containers.end(one, number=number)

    return _each(taken, "kill", kill)


def _rm(box: Box, taken: Taken) -> int:
    def remove(wanted: str) -> None:
        one = containers.find(box, wanted)
        _stubborn(box, wanted, "remove")
        if one.running and not taken.on("force"):
            raise Refused(
                f'Error response from daemon: cannot remove container "/{one.name}": container is '
                "running: stop the container before removing or force remove\n"
            )
        if one.running:
            (one.folder / "remove").touch()
            containers.end(one)
        containers.drop(one)

    missing_is_fine = taken.on("force") and box.fault("stop-fails") is None
    status = _each(taken, "rm", remove, lenient=missing_is_fine)
    memory.refresh(box)
    return status


def _top(box: Box, taken: Taken) -> int:
    one = containers.find_running(box, _needs(taken, "top")[0])
    rows = ["UID                 PID                 PPID                CMD"]
    rows += [
        f"{'root':<20}{pid:<20}{1:<20}{procs.command_line(pid)}" for pid in procs.marked(one.mark)
    ]
    say("\n".join(rows) + "\n")
    return 0


def _cp(box: Box, taken: Taken) -> int:
    import shutil

    source, target = _needs(taken, "cp", 2)[:2]
    into, out = ":" in target, ":" in source
    if into == out:
        raise Refused("copying between containers is not supported\n")
    name, _, inner = (target if into else source).partition(":")
    one = containers.find(box, name)
    inside = one.on_spark(inner) or one.files / inner.lstrip("/")
    here, there = (Path(source), inside) if into else (inside, Path(target))
    if not here.exists():
        raise Refused(f"lstat {here}: no such file or directory\n")
    there.parent.mkdir(parents=True, exist_ok=True)
    if here.is_dir():
        shutil.copytree(here, there, dirs_exist_ok=True)
    else:
        shutil.copy(here, there / here.name if there.is_dir() else there)
    return 0


def _version(_box: Box, taken: Taken) -> int:
    facts = {"Version": "28.5.1", "ApiVersion": "1.51", "Os": "linux", "Arch": "arm64"}
    row: Json = {"Client": facts, "Server": facts, "ServerVersion": "28.5.1", "Name": "spark"}
    template = taken.last("format") or "Client: {{.Client.Version}}\nServer: {{.Server.Version}}"
    say(docker_format.render(template, row) + "\n")
    return 0


_COMMANDS: dict[str, Callable[[Box, Taken], int]] = {
    "run": _run,
    "exec": _exec,
    "ps": _ps,
    "images": _images,
    "inspect": _inspect,
    "logs": _logs,
    "stop": _stop,
    "kill": _kill,
    "rm": _rm,
    "top": _top,
    "cp": _cp,
    "version": _version,
    "info": _version,
}
_LONG_FORMS = {
    ("container", "ls"): ["ps"],
    ("container", "list"): ["ps"],
    ("image", "ls"): ["images"],
    ("image", "list"): ["images"],
    ("image", "inspect"): ["inspect", "--type", "image"],
    ("container", "inspect"): ["inspect", "--type", "container"],
}


def main(_name: str, words: list[str]) -> int:
    """Do what `docker WORDS` does."""
    box = boxes.here()
    if tuple(words[:2]) in _LONG_FORMS:
        words = [*_LONG_FORMS[words[0], words[1]], *words[2:]]
    elif words[:1] == ["container"]:
        words = words[1:]
    if not words or words[0] not in _COMMANDS:
        complain(
            f"docker: '{' '.join(words[:1])}' is not a docker command.\nSee 'docker --help'\n"
        )
        return 1
    try:
        return _COMMANDS[words[0]](box, take(words[0], words[1:]))
    except Refused as refused:
        complain(str(refused))
        return refused.status
    except BrokenPipeError:
        return 141
