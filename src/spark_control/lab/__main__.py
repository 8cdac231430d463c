"""`python -m spark_control.lab`: runs a lab until it is told to stop or its parent is gone."""

import argparse
import asyncio
import json
import os
import signal
import sys
import threading
from pathlib import Path

from spark_control.core.errors import AppError
from spark_control.core.libraries import none_searched
from spark_control.lab import faults
from spark_control.lab.real import EngineMode

with none_searched():
    from spark_control.lab.world import Lab

_NO_BATCH = 4096


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m spark_control.lab", description=__doc__)
    parser.add_argument("--state-dir", type=Path, help="folder the lab keeps its Sparks in")
    parser.add_argument("--sparks", type=int, default=2, metavar="N", help="number of Sparks (2)")
    parser.add_argument("--engine", choices=[mode.value for mode in EngineMode], default="auto")
    parser.add_argument("--authorized-key", type=Path, action="append", default=[], metavar="FILE")
    parser.add_argument("--fault", action="append", default=[], metavar="NAME[=PARAM]@SPARK|help")
    parser.add_argument("--pace", type=float, default=0.1, help="cost of a loading second (0.1)")
    parser.add_argument("--port", type=int, default=0, help="SSH port of every Spark (2222)")
    parser.add_argument(
        "--only-models", metavar="A,B", help="put only these models on the disks; '' for none"
    )
    parser.add_argument(
        "--services", action="store_true", help="play speech and embedding services on Spark 2"
    )
    parser.add_argument("--user", default="spark", help="name of the home directory (spark)")
    parser.add_argument(
        "--with-parent", action="store_true", help="end when the standard input closes"
    )
    return parser.parse_args()


def _until_parent_goes(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    while os.read(sys.stdin.fileno(), _NO_BATCH):
        pass
    loop.call_soon_threadsafe(stop.set)


def _say(lab: Lab) -> None:
    rows = [
        {
            "name": spark.name,
            "host": spark.host,
            "port": spark.port,
            "user": spark.user,
            "home": str(spark.home),
            "host_key": spark.host_key,
            "faults": str(spark.faults),
        }
        for spark in lab.sparks
    ]
    engine = "real" if lab.really else "scripted"
    ready = {"sparks": rows, "engine": engine, "real_models": lab.really, "notes": lab.notes}
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()


async def _run(given: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    if given.with_parent:
        watch = threading.Thread(target=_until_parent_goes, args=(loop, stop), daemon=True)
        watch.start()
    lab = Lab(
        given.state_dir,
        sparks=given.sparks,
        engine=given.engine,
        authorized_keys=[path.read_text() for path in given.authorized_key],
        pace=given.pace,
        port=given.port,
        models=None if given.only_models is None else _names(given.only_models),
        user=given.user,
        faults=[faults.parse(text) for text in given.fault],
        services=given.services,
    )
    async with lab:
        _say(lab)
        await stop.wait()


def _names(text: str) -> list[str]:
    """Return the names in a list with commas; an empty text names none."""
    return [name for name in text.split(",") if name]


def main() -> int:
    """Run the lab; 0 when it was told to stop, 1 when it could not start."""
    given = _arguments()
    if "help" in given.fault:
        sys.stdout.write(faults.help_text() + "\n")
        return 0
    if not given.state_dir or not given.authorized_key:
        sys.stderr.write("The lab needs --state-dir and --authorized-key.\n")
        return 2
    try:
        asyncio.run(_run(given))
    except (AppError, OSError) as error:
        advice = f" {error.advice}" if isinstance(error, AppError) else ""
        sys.stderr.write(f"{error}{advice}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
