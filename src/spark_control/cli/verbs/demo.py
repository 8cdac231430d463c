"""`spark-control demo`: becomes a server with a fleet that is played."""

import re
from enum import StrEnum
from typing import Annotated

import typer

from spark_control.cli.verbs.serve import DataDirOption, HostOption, PortOption, become, options

_FAULT = re.compile(r"[a-z][a-z-]*@\S+")


class Engine(StrEnum):
    """How the engines of the demo are made."""

    AUTO = "auto"
    REAL = "real"
    SCRIPTED = "scripted"


def _fault(text: str) -> str:
    if text != "help" and not _FAULT.fullmatch(text):
        raise typer.BadParameter(f"{text!r} is not NAME@SPARK; `--fault help` lists the names.")
    return text


FaultOption = Annotated[
    list[str] | None,
    typer.Option(
        "--fault",
        metavar="NAME@SPARK",
        parser=_fault,
        help="Break something; may be given again. `--fault help` lists what.",
    ),
]
SparksOption = Annotated[
    int | None, typer.Option("--sparks", metavar="N", min=1, max=64, help="How many.")
]
EngineOption = Annotated[
    Engine | None,
    typer.Option("--engine", help="Small real models, or scripted answers."),
]


def demo(
    host: HostOption = None,
    port: PortOption = None,
    data_dir: DataDirOption = None,
    sparks: SparksOption = None,
    engine: EngineOption = None,
    fault: FaultOption = None,
) -> None:
    """Start Spark Control with simulated Sparks."""
    words = options(host, port, data_dir)
    if sparks is not None:
        words += ["--sparks", str(sparks)]
    if engine is not None:
        words += ["--engine", engine.value]
    for one in fault or []:
        words += ["--fault", one]
    become("demo", words)
