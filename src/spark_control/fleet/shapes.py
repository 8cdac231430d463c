"""The shapes of the fleet's API; null is "not known"."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from spark_control.core.clock import iso
from spark_control.fleet.domain import Hardware
from spark_control.fleet.usecases import Card


class _Shape(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class ErrorShape(_Shape):
    """What went wrong and what to do about it."""

    code: str
    message: str
    hint: str | None = None
    detail: dict[str, object] | None = None


class LoadShape(_Shape):
    """Processes that want to run, averaged over 1, 5 and 15 minutes."""

    one: float
    five: float
    fifteen: float


class MemoryShape(_Shape):
    """The memory of the system; on a Spark the GPU uses the same."""

    total_bytes: int
    available_bytes: int | None
    used_bytes: int | None


class SwapSpaceShape(_Shape):
    """The swap space; a total of 0 means that there is none."""

    total_bytes: int
    used_bytes: int


class PressureShape(_Shape):
    """Percent of the last 10 s in which some or all tasks waited for memory."""

    some_percent: float
    full_percent: float


class DiskShape(_Shape):
    """A disk and what is on it: `system`, `home`, `models`."""

    path: str
    uses: list[str]
    total_bytes: int
    free_bytes: int


class GpuShape(_Shape):
    """One GPU; its own memory is null where it uses the system's."""

    name: str
    uuid: str | None
    driver: str | None
    utilisation_percent: float | None
    temperature_c: float | None
    power_w: float | None
    clock_mhz: float | None
    performance_state: str | None
    memory_used_bytes: int | None
    memory_total_bytes: int | None


class GpuProcessShape(_Shape):
    """A process that holds GPU memory."""

    pid: int
    name: str
    memory_bytes: int | None


class LinkShape(_Shape):
    """A network link with what it moved since it came up."""

    name: str
    up: bool | None
    speed_mbit: int | None
    mtu: int | None
    mac: str | None
    rx_bytes: int | None
    tx_bytes: int | None


class RdmaPortShape(_Shape):
    """A RoCE or InfiniBand port; its traffic passes by the counters of the links."""

    name: str
    port: str
    links: list[str]
    up: bool | None
    speed_mbit: int | None
    rx_bytes: int | None
    tx_bytes: int | None


class TemperatureShape(_Shape):
    """What one sensor says."""

    name: str
    celsius: float


class _Head(_Shape):
    name: str
    host: str
    reachable: bool | None
    checked_at: str | None
    read_at: str | None
    age_s: float | None
    error: ErrorShape | None


class HardwareShape(_Shape):
    """One reading of a Spark."""

    hostname: str | None
    model: str | None
    uptime_s: float | None
    cores: int | None
    load: LoadShape | None
    memory: MemoryShape | None
    swap: SwapSpaceShape | None
    pressure: PressureShape | None
    disks: list[DiskShape] | None
    gpus: list[GpuShape] | None
    gpu_unified_memory: bool | None
    gpu_memory_used_bytes: int | None
    gpu_memory_total_bytes: int | None
    gpu_processes: list[GpuProcessShape] | None
    links: list[LinkShape] | None
    rdma: list[RdmaPortShape] | None
    temperatures: list[TemperatureShape] | None
    temperature_c: float | None
    mac: str | None
    problems: list[str]


class SparkShape(HardwareShape, _Head):
    """One Spark: whether it answers, and its last reading however old.

    `checked_at` is when it was last asked, `read_at` when the reading was made and `age_s` how
    old that is now. `reachable` is null until it was asked once.
    """


class HardwareAnswer(_Shape):
    """The answer of `GET /api/hardware`."""

    sparks: list[SparkShape]


def render(card: Card, now: datetime) -> SparkShape:
    """Return the card as the API shows it at the time `now`."""
    reading = HardwareShape.model_validate(card.hardware or Hardware())
    return SparkShape(
        **dict(reading),
        name=card.spark.name,
        host=card.spark.host,
        reachable=card.reachable,
        checked_at=iso(card.checked_at) if card.checked_at else None,
        read_at=iso(card.read_at) if card.read_at else None,
        age_s=round((now - card.read_at).total_seconds(), 3) if card.read_at else None,
        error=ErrorShape.model_validate(card.error.as_dict()) if card.error else None,
    )
