"""`vllm` in the image of lab level 2: the lab's scripted engine, in a container that is real."""

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, "/opt/spark-control")

from spark_control.lab.standins import box as boxes
from spark_control.lab.standins.containers import Container
from spark_control.lab.standins.vllm import Engine, Gone
from spark_control.lab.standins.vllm_args import Refusal, parse


def main(words: list[str]) -> int:
    """Do what `vllm WORDS` does; in here a path is what it says."""
    box = boxes.here()
    one = Container(box, Path("/"), {"name": "real", "mounts": [["", "/"]]})
    try:
        return asyncio.run(Engine(box, one, parse(words[1:])).run())
    except Refusal as refusal:
        boxes.complain(str(refusal))
        return refusal.status
    except Gone as gone:
        return gone.status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
