"""Reads the log of a container, also while it grows."""

import time
from collections.abc import Iterator

from spark_control.lab.standins import containers
from spark_control.lab.standins.box import say
from spark_control.lab.standins.containers import Container
from spark_control.lab.standins.docker_args import Refused, Taken

_LOOK_S = 0.03


def _ended(one: Container) -> bool:
    now = containers.load(one.box, one.folder)
    return now is None or not now.running


def follow(one: Container, *, wait: bool) -> Iterator[str]:
    """Yield whole lines with their times; with `wait` go on until the container ends."""
    rest = ""
    with one.log.open(newline="\n", errors="replace") as log:
        while True:
            last_look = not wait or _ended(one)
            rest += log.read()
            *whole, rest = rest.split("\n")
            yield from (f"{line}\n" for line in whole)
            if last_look:
                return
            time.sleep(_LOOK_S)


def main(one: Container, taken: Taken) -> int:
    """Do `docker logs`. Raises Refused."""
    stamps = taken.on("timestamps")
    tail = taken.last("tail") or "all"
    if tail != "all" and not tail.lstrip("-").isdecimal():
        raise Refused(f'Error response from daemon: invalid value for "tail": {tail}\n')
    count = one.log.read_bytes().count(b"\n")
    skip = 0 if tail == "all" or tail.startswith("-") else max(count - int(tail), 0)
    since = taken.last("since")
    for number, line in enumerate(follow(one, wait=taken.on("follow"))):
        if number < skip or (since[:1].isdecimal() and "T" in since and line < since):
            continue
        say(line if stamps else line.partition(" ")[2])
    return 0
