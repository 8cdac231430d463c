"""The token of the swap lock: given as a word, by a variable, or kept in a file."""

from pathlib import Path
from typing import Annotated

import typer

from spark_control.cli.failure import Failure

HEADER = "X-Lock-Token"


def _word(text: str) -> str:
    token = text.strip()
    if not token.isascii() or not token.isprintable():
        raise typer.BadParameter("it holds characters that no token has")
    return token


LockToken = Annotated[
    str,
    typer.Option(
        "--lock-token",
        metavar="TOKEN",
        envvar="SPARK_CONTROL_LOCK_TOKEN",
        callback=_word,
        show_default=False,
        help="What `lock acquire` gave. The variable is better: others can see arguments.",
    ),
]
TokenFile = Annotated[
    Path | None,
    typer.Option("--token-file", metavar="FILE", help="The file that holds the lock's token."),
]


def header(token: str, file: Path | None) -> dict[str, str]:
    """Return the header that shows the token; empty without one. Raises Failure for no file."""
    if file is not None:
        token = _read(file)
    return {HEADER: token} if token else {}


def _read(file: Path) -> str:
    try:
        return _word(file.read_text(encoding="ascii"))
    except (OSError, UnicodeError) as error:
        raise Failure(
            code="token_file",
            message=f"{file} holds no token that can be read.",
            hint="`spark-control lock acquire --token-file FILE` writes one.",
        ) from error
