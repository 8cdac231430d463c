"""Plays `pkill` and `pgrep`: they see the processes of this container or this Spark only.

The real ones would reach every process of the machine the lab runs on.
"""

import re
import signal
from typing import NamedTuple

from spark_control.lab.standins import box as boxes
from spark_control.lab.standins import procs
from spark_control.lab.standins.box import CONTAINER, complain, say


class Hunt(NamedTuple):
    """What to look for, and the signal to send."""

    pattern: str = ""
    number: int = signal.SIGTERM
    whole: bool = False
    exact: bool = False
    counted: bool = False

    def meets(self, pid: int) -> bool:
        """Tell whether a process is meant."""
        text = procs.command_line(pid) if self.whole else procs.name(pid)
        if self.exact:
            return re.fullmatch(self.pattern, text) is not None
        return re.search(self.pattern, text) is not None


def signal_number(word: str) -> int:
    """Return the number of `-9`, `TERM` or `-SIGTERM`; 0 when it is none."""
    name = word.lstrip("-").upper().removeprefix("SIG")
    return int(name) if name.isdecimal() else int(getattr(signal, f"SIG{name}", 0))


def parse(words: list[str]) -> Hunt:
    """Read the words."""
    hunt = Hunt()
    queue = list(words)
    while queue:
        word = queue.pop(0)
        if word in {"--signal", "-s"} and queue:
            hunt = hunt._replace(number=signal_number(queue.pop(0)))
        elif not word.startswith("-"):
            hunt = hunt._replace(pattern=word)
        elif number := signal_number(word):
            hunt = hunt._replace(number=number)
        else:
            hunt = hunt._replace(
                whole=hunt.whole or "f" in word,
                exact=hunt.exact or "x" in word,
                counted=hunt.counted or "c" in word,
            )
    return hunt


def main(name: str, words: list[str]) -> int:
    """Do what `pkill WORDS` or `pgrep WORDS` does."""
    box, inside = boxes.here(), boxes.inside()
    hunt = parse(words)
    if not hunt.pattern:
        complain(f"{name}: no matching criteria specified\n")
        return 2
    mark = f"{CONTAINER}={inside}" if inside else box.mark
    found = [pid for pid in sorted(procs.marked(mark)) if hunt.meets(pid)]
    if name == "pkill":
        for pid in found:
            procs.send(pid, mark, hunt.number)
    if hunt.counted:
        say(f"{len(found)}\n")
    elif name == "pgrep":
        say("".join(f"{pid}\n" for pid in found))
    return 0 if found else 1
