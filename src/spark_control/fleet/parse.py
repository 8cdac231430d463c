"""Reads what the hardware script printed. Nothing a Spark prints can make it fail."""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping

from spark_control.fleet.domain import (
    Disk,
    Gpu,
    GpuProcess,
    Hardware,
    Link,
    Load,
    Memory,
    Pressure,
    RdmaPort,
    SwapSpace,
    Temperature,
)
from spark_control.fleet.errors import BadAnswer

# What nvidia-smi prints for "this GPU does not tell".
_NO_VALUE = {
    "",
    "n/a",
    "not supported",
    "unknown error",
    "unknown",
    "none",
    "insufficient permissions",
}
# What boards call themselves when nobody gave them a name.
_NO_NAME = {"", "to be filled by o.e.m.", "system product name", "default string", "none"}
_MIB = 1024 * 1024
_MEMORY_LINE = re.compile(r"^(\w+):\s+(\d{1,18})(?: kB)?\s*$", re.MULTILINE)
_PRESSURE_LINE = re.compile(r"^(some|full) avg10=([0-9.]+) ", re.MULTILINE)
_RATE = re.compile(r"^([0-9.]+) Gb/sec")


def parse(text: str) -> Hardware:
    """Return the reading in the script's output. Raises BadAnswer when there is none in it."""
    return read(_answer(text))


def _answer(text: str) -> Mapping[str, object]:
    """Find the JSON line; a login that prints a greeting puts lines before it."""
    for line in reversed(text.splitlines()):
        if line.startswith("{"):
            try:
                answer = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(answer, dict) and "version" in answer:
                return answer
    raise BadAnswer("The hardware could not be read.", detail={"printed": text[-300:]})


def read(answer: Mapping[str, object]) -> Hardware:
    """Return the reading in a decoded answer, whatever is missing or odd in it."""
    files = _table(answer.get("files"))
    memory = _meminfo(_text(files.get("meminfo")))
    apps = _printed(answer.get("apps"))
    links = _links(answer.get("links"))
    return Hardware(
        hostname=_text(files.get("hostname")),
        model=_model(files),
        uptime_s=_first_number(files.get("uptime")),
        cores=_cores(_text(files.get("cpus"))),
        load=_load(_text(files.get("loadavg"))),
        memory=_memory(memory),
        swap=_swap(memory),
        pressure=_pressure(_text(files.get("pressure"))),
        disks=_disks(answer.get("disks")),
        gpus=_gpus(_printed(answer.get("gpus"))),
        gpu_processes=None if apps is None else tuple(_processes(apps)),
        links=links,
        rdma=_rdma(answer.get("rdma")),
        temperatures=_temperatures(answer.get("temperatures")),
        mac=_mac(_text(files.get("routes")), links or ()),
        problems=tuple(_problems(answer)),
    )


def _table(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _rows(value: object) -> Iterator[Mapping[str, object]]:
    """Give the objects of a list."""
    for row in value if isinstance(value, list) else ():
        if isinstance(row, dict):
            yield row


def _words(value: object) -> tuple[str, ...]:
    words = value if isinstance(value, list) else []
    return tuple(_clean(word) for word in words if isinstance(word, str))


def _text(value: object) -> str | None:
    return _clean(value).strip() or None if isinstance(value, str) else None


def _clean(text: str) -> str:
    """Replace halves of characters, which a name that is no UTF-8 becomes on its way."""
    return text.encode("utf-8", "replace").decode()


def _number(value: object) -> float | None:
    """Read a number out of a text or a number; anything else is not known."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _count(value: object) -> int | None:
    """Read a whole number that is not negative; the kernel says -1 for "no answer"."""
    number = _number(value)
    return int(number) if number is not None and number >= 0 else None


def _first_number(value: object) -> float | None:
    words = (_text(value) or "").split()
    return _number(words[0]) if words else None


def _model(files: Mapping[str, object]) -> str | None:
    for key in ("product", "board"):
        name = (_text(files.get(key)) or "").replace("_", " ")
        if name.lower() not in _NO_NAME:
            return name
    return None


def _cores(text: str | None) -> int | None:
    """Count the processors in a list like `0-9,12`."""
    if text is None:
        return None
    count = 0
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        low, high = _count(first), _count(last if dash else first)
        if low is None or high is None or high < low:
            return None
        count += high - low + 1
    return count


def _load(text: str | None) -> Load | None:
    numbers = [_number(word) for word in (text or "").split()[:3]]
    known = [number for number in numbers if number is not None]
    return Load(*known) if len(known) == 3 else None


def _meminfo(text: str | None) -> dict[str, int]:
    return {name: int(kib) * 1024 for name, kib in _MEMORY_LINE.findall(text or "")}


def _memory(sizes: Mapping[str, int]) -> Memory | None:
    total = sizes.get("MemTotal")
    return Memory(total, sizes.get("MemAvailable")) if total else None


def _swap(sizes: Mapping[str, int]) -> SwapSpace | None:
    total, free = sizes.get("SwapTotal"), sizes.get("SwapFree")
    if total is None or free is None:
        return None
    return SwapSpace(total, max(0, total - free))


def _pressure(text: str | None) -> Pressure | None:
    found = {kind: _number(percent) for kind, percent in _PRESSURE_LINE.findall(text or "")}
    some, full = found.get("some"), found.get("full")
    return None if some is None or full is None else Pressure(some, full)


def _disks(value: object) -> tuple[Disk, ...] | None:
    if not isinstance(value, list):
        return None
    disks = []
    for row in _rows(value):
        path, total, free = (
            _text(row.get("path")),
            _count(row.get("total")),
            _count(row.get("free")),
        )
        if path and total and free is not None:
            disks.append(Disk(path, _words(row.get("uses")), total, free))
    return tuple(disks)


def _printed(value: object) -> str | None:
    """Return what a command printed; nothing when it is not installed, None when it failed."""
    row = _table(value)
    text = row.get("text")
    if not isinstance(text, str):
        return None
    return _clean(text) if row.get("status") in (0, None) else None


def _cell(text: str) -> str | None:
    cell = text.strip()
    return None if cell.strip("[]").lower() in _NO_VALUE else cell


def _mib(text: str) -> int | None:
    """Read a size in MiB; one of 0 as a total is no size."""
    size = _count(_cell(text))
    return None if size is None else size * _MIB


def _gpus(text: str | None) -> tuple[Gpu, ...] | None:
    if text is None:
        return None
    rows = [line.split(",") for line in text.splitlines() if line.strip()]
    return tuple(_gpu(row) for row in rows if len(row) == 10 and _cell(row[0]))


def _gpu(row: list[str]) -> Gpu:
    return Gpu(
        name=row[0].strip(),
        uuid=_cell(row[1]),
        driver=_cell(row[2]),
        utilisation_percent=_number(_cell(row[3])),
        temperature_c=_number(_cell(row[4])),
        power_w=_number(_cell(row[5])),
        clock_mhz=_number(_cell(row[6])),
        performance_state=_cell(row[7]),
        memory_used_bytes=_mib(row[8]),
        memory_total_bytes=_mib(row[9]) or None,
    )


def _processes(text: str) -> Iterator[GpuProcess]:
    for line in text.splitlines():
        # The name is in the middle and may hold commas.
        pid, _, rest = line.partition(",")
        name, _, memory = rest.rpartition(",")
        number = _count(pid)
        if number is not None and name:
            yield GpuProcess(number, name.strip(), _mib(memory))


def _links(value: object) -> tuple[Link, ...] | None:
    if not isinstance(value, list):
        return None
    return tuple(_link(name, row) for row in _rows(value) if (name := _text(row.get("name"))))


def _link(name: str, row: Mapping[str, object]) -> Link:
    state = _text(row.get("operstate"))
    return Link(
        name=name,
        up=None if state in {None, "unknown"} else state == "up",
        speed_mbit=_count(row.get("speed")) or None,
        mtu=_count(row.get("mtu")),
        mac=_text(row.get("address")),
        rx_bytes=_count(row.get("rx")),
        tx_bytes=_count(row.get("tx")),
    )


def _rdma(value: object) -> tuple[RdmaPort, ...] | None:
    if not isinstance(value, list):
        return None
    return tuple(_rdma_port(name, row) for row in _rows(value) if (name := _text(row.get("name"))))


def _rdma_port(name: str, row: Mapping[str, object]) -> RdmaPort:
    state = _text(row.get("state"))  # like `4: ACTIVE`
    rate = _RATE.match(_text(row.get("rate")) or "")  # like `100 Gb/sec (4X EDR)`
    gbit = _number(rate[1]) if rate else None
    return RdmaPort(
        name=name,
        port=_text(row.get("port")) or "",
        links=_words(row.get("links")),
        up=state.endswith("ACTIVE") if state else None,
        speed_mbit=None if gbit is None else round(gbit * 1000),
        rx_bytes=_words_of_four(row.get("rx")),
        tx_bytes=_words_of_four(row.get("tx")),
    )


def _words_of_four(value: object) -> int | None:
    """Read a counter of RDMA data, which counts units of four bytes."""
    count = _count(value)
    return None if count is None else count * 4


def _temperatures(value: object) -> tuple[Temperature, ...] | None:
    if not isinstance(value, list):
        return None
    found = []
    for row in _rows(value):
        milli = _number(row.get("milli"))
        if milli is not None:
            found.append(Temperature(_text(row.get("name")) or "", milli / 1000))
    return tuple(found)


def _mac(routes: str | None, links: Iterable[Link]) -> str | None:
    """Return the address of the link with the best default route."""
    best: tuple[int, str] | None = None
    for line in (routes or "").splitlines()[1:]:
        cells = line.split()
        if len(cells) > 7 and cells[1] == cells[7] == "00000000":
            metric = _count(cells[6]) or 0
            best = min(best or (metric, cells[0]), (metric, cells[0]))
    return next((link.mac for link in links if best and link.name == best[1]), None)


def _problems(answer: Mapping[str, object]) -> Iterator[str]:
    yield from _words(answer.get("problems"))
    for key in ("gpus", "apps"):
        row = _table(answer.get(key))
        if row and row.get("status") not in (0, None):
            yield f"nvidia-smi ({key}): {(_text(row.get('text')) or '')[:200]}"
