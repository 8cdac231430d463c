"""Logging: plain lines to the terminal, the same to a file that is rotated and bounded."""

import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

FORMAT = "%(asctime)s %(levelname)-7s %(message)s"
FILE_BYTES = 5_000_000
FILES = 3


def set_up(folder: Path) -> None:
    """Send the log of the process to the terminal and to `folder`."""
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    handlers: list[logging.Handler] = [
        logging.StreamHandler(sys.stderr),
        RotatingFileHandler(folder / "spark-control.log", maxBytes=FILE_BYTES, backupCount=FILES),
    ]
    for handler in handlers:
        handler.setFormatter(logging.Formatter(FORMAT))
        root.addHandler(handler)
    for chatty in ("asyncssh", "httpcore", "uvicorn.error"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
