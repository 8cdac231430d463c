"""The program: global options, the verbs, and how a failure leaves it."""

import sys
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from typer.core import TyperGroup
from typing_extensions import override

from spark_control import __version__
from spark_control.cli.failure import Failure
from spark_control.cli.render import failure as failure_view
from spark_control.cli.session import Session, console
from spark_control.cli.verbs.backup import backup, restore
from spark_control.cli.verbs.demo import demo
from spark_control.cli.verbs.engines import engines
from spark_control.cli.verbs.gateway import gateway
from spark_control.cli.verbs.hosts import hosts
from spark_control.cli.verbs.jobs import jobs
from spark_control.cli.verbs.lock import lock
from spark_control.cli.verbs.logs import logs
from spark_control.cli.verbs.models import models
from spark_control.cli.verbs.requests import requests
from spark_control.cli.verbs.serve import serve
from spark_control.cli.verbs.settings import settings
from spark_control.cli.verbs.status import status
from spark_control.cli.verbs.swap import swap
from spark_control.cli.verbs.validate import validate
from spark_control.cli.verbs.version import version
from spark_control.core.secret import Secret

EPILOG = """\b
--url, --token, --json and --no-color may also stand behind the command.

\b
Exit codes: 0 done, 1 the thing failed, 2 wrong use, 3 server not reachable,
4 not signed in, 5 not found, 6 conflict, 130 stopped with Ctrl-C."""
FLAGS = frozenset({"--json", "--no-color"})
VALUED = frozenset({"--url", "--token"})


class Verbs(TyperGroup):
    """The verbs; a Failure of any of them is shown and becomes the exit code."""

    @override
    def invoke(self, ctx: Any) -> object:
        try:
            return super().invoke(ctx)
        except Failure as failure:
            session = ctx.find_object(Session)
            if session.as_json:
                session.show_json({"error": failure.as_dict()})
            else:
                session.err.print(failure_view.render(failure), soft_wrap=True)
            raise typer.Exit(failure.exit) from failure


app = typer.Typer(
    cls=Verbs,
    help="Control a small fleet of DGX Sparks.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not text.isprintable() or "@" in text or "?" in text or "#" in text:
        raise typer.BadParameter("it must look like http://127.0.0.1:9999")
    return text.rstrip("/")


def _token(text: str) -> str:
    token = text.strip()
    if not token.isascii() or not token.isprintable():
        raise typer.BadParameter("it holds characters that no token has")
    return token


def _version(wanted: bool) -> None:
    if wanted:
        print(f"spark-control {__version__}")
        raise typer.Exit


@app.callback()
def options(
    ctx: typer.Context,
    url: Annotated[
        str,
        typer.Option(
            "--url",
            metavar="URL",
            envvar="SPARK_CONTROL_URL",
            callback=_url,
            help="Where Spark Control listens.",
        ),
    ] = "http://127.0.0.1:9999",
    token: Annotated[
        str,
        typer.Option(
            "--token",
            metavar="TOKEN",
            envvar="SPARK_CONTROL_TOKEN",
            callback=_token,
            show_default=False,
            help="The owner token. The variable is better: others can see arguments.",
        ),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="Print without colours.")] = False,
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    session = Session(
        url=url,
        token=Secret(token),
        as_json=as_json,
        out=console(stderr=False, colour=not no_color),
        err=console(stderr=True, colour=not no_color),
    )
    ctx.obj = session
    ctx.call_on_close(session.close)


app.add_typer(models, name="models")
app.add_typer(lock, name="lock")
app.add_typer(engines, name="engines")
app.add_typer(hosts, name="hosts")
app.add_typer(requests, name="requests")
for verb in (
    status, swap, validate, logs, jobs, gateway, settings, serve, demo, version, backup, restore,
):  # fmt: skip
    app.command()(verb)


def globals_first(words: list[str]) -> list[str]:
    """Return the words with the global options in front, wherever they stood."""
    front: list[str] = []
    rest: list[str] = []
    waiting = iter(words)
    for word in waiting:
        if word == "--":
            return [*front, *rest, word, *waiting]
        if word in FLAGS or word.partition("=")[0] in VALUED:
            front.append(word)
            if word in VALUED:
                front += [value for value in [next(waiting, None)] if value is not None]
        else:
            rest.append(word)
    return [*front, *rest]


def main() -> None:
    """Run the program with the words of the command line."""
    app(args=globals_first(sys.argv[1:]), prog_name="spark-control")
