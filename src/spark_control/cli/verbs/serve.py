"""`spark-control serve`: becomes the server."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

HostOption = Annotated[
    str | None, typer.Option("--host", metavar="ADDRESS", help="Address to listen on.")
]
PortOption = Annotated[
    int | None, typer.Option("--port", metavar="PORT", min=0, max=65535, help="Port to listen on.")
]
DataDirOption = Annotated[
    Path | None,
    typer.Option("--data-dir", metavar="FOLDER", file_okay=False, help="Folder of all files."),
]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        "--workers", metavar="N", min=1, max=32, help="Processes that take requests; 1 by default."
    ),
]


def serve(
    host: HostOption = None,
    port: PortOption = None,
    data_dir: DataDirOption = None,
    workers: WorkersOption = None,
) -> None:
    """Start Spark Control here; what is not given comes from the settings."""
    more = [] if workers is None else ["--workers", str(workers)]
    become("serve", [*options(host, port, data_dir), *more])


def options(host: str | None, port: int | None, data_dir: Path | None) -> list[str]:
    """Return the words for what was given."""
    given = {"--host": host, "--port": port, "--data-dir": data_dir}
    return [
        word for name, value in given.items() if value is not None for word in (name, str(value))
    ]


def become(verb: str, words: list[str]) -> None:
    """Replace this process by the server, which then holds nothing of the command line.

    `-P`: what lies in the folder the user stands in must not pass for a module of ours.
    """
    sys.stdout.flush()
    os.execv(  # noqa: S606 - our own interpreter, words that were checked
        sys.executable, [sys.executable, "-P", "-m", "spark_control.app", verb, *words]
    )
