"""What the system says of this process, as `/metrics` shows it of the control process."""

import os
import resource
from pathlib import Path

from spark_control.gateway.wire import Process

SELF = Path("/proc/self")
STAT = Path("/proc/stat")


def look(self: Path = SELF, stat: Path = STAT) -> Process:
    """Return what is known now; nothing of it where there is no `/proc`."""
    try:
        # The name in brackets may hold anything; the fields after it are numbered from the state.
        fields = (self / "stat").read_text().rpartition(")")[2].split()
        booted = _boot_time(stat.read_text())
        fds = sum(1 for _ in (self / "fd").iterdir())
        tick = os.sysconf("SC_CLK_TCK")
        return Process(
            cpu_s=(int(fields[11]) + int(fields[12])) / tick,
            started_at=booted + int(fields[19]) / tick if booted else 0.0,
            rss_bytes=int(fields[21]) * resource.getpagesize(),
            open_fds=fds, max_fds=resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        )  # fmt: skip
    except (OSError, ValueError, IndexError):
        return Process()


def _boot_time(text: str) -> float:
    found = (line.split() for line in text.splitlines() if line.startswith("btime "))
    return next((float(words[1]) for words in found), 0.0)
