"""The serving process: `python -m spark_control.app serve|demo`. It loads nothing of the CLI."""

import argparse
import sys

from spark_control.app import demo, serve
from spark_control.core.errors import AppError


def options() -> argparse.ArgumentParser:
    """Return the reader of the command line; the CLI has checked the words before."""
    parser = argparse.ArgumentParser(prog="spark-control")
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name in ("serve", "demo"):
        verb = verbs.add_parser(name)
        verb.add_argument("--host")
        verb.add_argument("--port", type=int)
        verb.add_argument("--data-dir")
        if name == "demo":
            verb.add_argument("--sparks", type=int, default=2)
            verb.add_argument("--engine", choices=("auto", "real", "scripted"), default="auto")
            verb.add_argument("--fault", action="append", default=[])
    return parser


def main() -> int:
    """Serve until stopped. What stops a start is one sentence and what to do about it."""
    given = options().parse_args()
    start = serve.Given(given.host, given.port, given.data_dir)
    try:
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
