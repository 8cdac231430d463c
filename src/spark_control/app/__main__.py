"""`python -m spark_control.app serve|demo|restore`: what runs beside the data; no CLI in it."""

import argparse
import sys
from pathlib import Path

from spark_control.core.clock import RealClock
from spark_control.core.errors import AppError
from spark_control.core.libraries import none_searched
from spark_control.settings.domain import merge
from spark_control.settings.load import environment

with none_searched():
    from spark_control.app import boot, demo, restore, serve


def options() -> argparse.ArgumentParser:
    """Return the reader of the command line; the CLI has checked the words before."""
    parser = argparse.ArgumentParser(prog="spark-control")
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name in ("serve", "demo"):
        verb = verbs.add_parser(name)
        verb.add_argument("--host")
        verb.add_argument("--port", type=int)
        verb.add_argument("--data-dir")
        verb.add_argument("--workers", type=int)
        if name == "demo":
            verb.add_argument("--sparks", type=int, default=2)
            verb.add_argument("--engine", choices=("auto", "real", "scripted"), default="auto")
            verb.add_argument("--fault", action="append", default=[])
    verb = verbs.add_parser("restore")
    verb.add_argument("file", type=Path)
    verb.add_argument("--data-dir")
    verb.add_argument("--replace", action="store_true")
    return parser


def _restore(given: argparse.Namespace) -> int:
    variables = serve.Given(data_dir=given.data_dir).over(environment())
    wish = restore.Wish(
        file=given.file, root=boot.root_of(variables), replace=given.replace,
        started=merge(variables, {}),
    )  # fmt: skip
    return restore.run(wish, RealClock())


def main() -> int:
    """Serve until stopped. What stops a start is one sentence and what to do about it."""
    given = options().parse_args()
    try:
        if given.verb == "restore":
            return _restore(given)
        start = serve.Given(given.host, given.port, given.data_dir, given.workers)
        if given.verb == "demo":
            return demo.run(start, demo.Wish(given.sparks, given.engine, tuple(given.fault)))
        return serve.run(start)
    except AppError as error:
        sys.stderr.write(f"spark-control: {error.message}\n{error.advice}\n")
        return 2 if isinstance(error, serve.OptionInvalid) else 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
