"""Plays `ssh` between the Sparks of the lab, as the launcher uses it."""

from spark_control.lab.standins import box as boxes
from spark_control.lab.standins import peers
from spark_control.lab.standins.box import complain

_WITH_VALUE = ["-o", "-p", "-i", "-l", "-F", "-E"]


def main(_name: str, words: list[str]) -> int:
    """Do what `ssh WORDS` does."""
    box = boxes.here()
    queue = list(words)
    while queue and queue[0].startswith("-"):
        word = queue.pop(0)
        if word in _WITH_VALUE and queue:
            queue.pop(0)
    if len(queue) < 2:
        complain("usage: ssh [options] destination command\n")
        return 255
    address = queue[0].rpartition("@")[2]
    if said := peers.trouble(box, address):
        complain(said)
        return 255
    return peers.run(box, address, " ".join(queue[1:]))[0]
