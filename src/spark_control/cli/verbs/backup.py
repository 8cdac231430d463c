"""`spark-control backup` and `restore`."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from spark_control.cli.failure import Exit, Failure
from spark_control.cli.session import session_of
from spark_control.cli.verbs.serve import DataDirOption, become, options


def backup(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", dir_okay=False, help="Where to, such as x.tar.gz.")
    ],
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write settings, keys and database of the server into one file; it holds secrets."""
    session = session_of(ctx)
    if file.exists() and not force:
        raise Failure(
            code="file_exists", message=f"{file} is there already.",
            hint="Name another file, or add --force.", exit=Exit.CONFLICT,
        )  # fmt: skip
    try:
        size = _write(file, lambda write: session.api.download("/api/backup", write))
    except OSError as error:
        raise Failure(
            code="file_unwritable", message=f"{file} cannot be written: {error.strerror}.",
            hint="Name a file in a folder of yours.", exit=Exit.FAILED,
        ) from error  # fmt: skip
    if session.as_json:
        session.show_json({"file": str(file), "bytes": size})
    else:
        session.show(f"{file}: {size:,} bytes. It holds secrets: keep it like a password.")


def _write(file: Path, fill: Callable[[Callable[[bytes], object]], None]) -> int:
    """Write the file whole or not at all, for its owner only; return its size."""
    handle, name = tempfile.mkstemp(dir=file.absolute().parent, prefix=f".{file.name[:80]}.")
    try:
        with os.fdopen(handle, "wb") as part:
            fill(part.write)
            part.flush()
            os.fsync(part.fileno())
            size = part.tell()
        Path(name).replace(file)
    finally:
        Path(name).unlink(missing_ok=True)
    return size


def restore(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="A backup.")
    ],
    data_dir: DataDirOption = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put aside what is there now.")
    ] = False,
) -> None:
    """Put a backup into a data directory on this machine; Spark Control must not run there."""
    words = [str(file.absolute()), *options(None, None, data_dir)]
    become("restore", [*words, *(["--replace"] if replace else [])])
