"""What one look at a Spark said: its hardware, its host key, the way there.

None is "not known", never zero or absent.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Load:
    """Processes that want to run, averaged over 1, 5 and 15 minutes."""

    one: float
    five: float
    fifteen: float


@dataclass(frozen=True, slots=True)
class Memory:
    """The memory of the system; on a Spark the GPU uses the same."""

    total_bytes: int
    available_bytes: int | None = None

    @property
    def used_bytes(self) -> int | None:
        """Return what is in use and can't be given back."""
        if self.available_bytes is None:
            return None
        return max(0, self.total_bytes - self.available_bytes)


@dataclass(frozen=True, slots=True)
class SwapSpace:
    """The swap space; a total of 0 means that there is none."""

    total_bytes: int
    used_bytes: int


@dataclass(frozen=True, slots=True)
class Pressure:
    """Percent of the last 10 s in which some or all tasks waited for memory."""

    some_percent: float
    full_percent: float


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk and what is on it: `system`, `home`, `models`."""

    path: str
    uses: tuple[str, ...]
    total_bytes: int
    free_bytes: int


@dataclass(frozen=True, slots=True)
class GpuProcess:
    """A process that holds GPU memory."""

    pid: int
    name: str
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU. Its own memory is None where it has none: on a Spark it uses the system's."""

    name: str
    uuid: str | None = None
    driver: str | None = None
    utilisation_percent: float | None = None
    temperature_c: float | None = None
    power_w: float | None = None
    clock_mhz: float | None = None
    performance_state: str | None = None
    memory_used_bytes: int | None = None
    memory_total_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A network link with what it moved since it came up."""

    name: str
    up: bool | None = None
    speed_mbit: int | None = None
    mtu: int | None = None
    mac: str | None = None
    rx_bytes: int | None = None
    tx_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class RdmaPort:
    """A RoCE or InfiniBand port; its traffic passes by the counters of the links."""

    name: str
    port: str
    links: tuple[str, ...] = ()
    up: bool | None = None
    speed_mbit: int | None = None
    rx_bytes: int | None = None
    tx_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Temperature:
    """What one sensor says."""

    name: str
    celsius: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """One reading of a Spark."""

    hostname: str | None = None
    model: str | None = None
    uptime_s: float | None = None
    cores: int | None = None
    load: Load | None = None
    memory: Memory | None = None
    swap: SwapSpace | None = None
    pressure: Pressure | None = None
    disks: tuple[Disk, ...] | None = None
    gpus: tuple[Gpu, ...] | None = None
    gpu_processes: tuple[GpuProcess, ...] | None = None
    links: tuple[Link, ...] | None = None
    rdma: tuple[RdmaPort, ...] | None = None
    temperatures: tuple[Temperature, ...] | None = None
    mac: str | None = None
    """The address of the link to the default route, which is the one that can wake the Spark."""
    problems: tuple[str, ...] = ()

    @property
    def gpu_unified_memory(self) -> bool | None:
        """Tell whether the GPU uses the system's memory; None without a GPU."""
        if not self.gpus:
            return None
        return all(gpu.memory_total_bytes is None for gpu in self.gpus)

    @property
    def gpu_memory_used_bytes(self) -> int | None:
        """Return what the GPUs hold: their own count, else the sum over the processes."""
        if not self.gpus:
            return None
        if not self.gpu_unified_memory:
            return _sum(gpu.memory_used_bytes for gpu in self.gpus)
        if self.gpu_processes is None:
            return None
        if not self.gpu_processes:
            return 0
        return _sum(process.memory_bytes for process in self.gpu_processes)

    @property
    def gpu_memory_total_bytes(self) -> int | None:
        """Return what the GPUs could hold; with unified memory, all of the system's."""
        if not self.gpus:
            return None
        if self.gpu_unified_memory:
            return self.memory.total_bytes if self.memory else None
        return _sum(gpu.memory_total_bytes for gpu in self.gpus)

    @property
    def temperature_c(self) -> float | None:
        """Return the hottest sensor outside the GPU."""
        return max((sensor.celsius for sensor in self.temperatures or ()), default=None)


class KeyState(StrEnum):
    """What we know of a host key: nothing, that it is pinned, or that another one is."""

    NEW = "new"
    KNOWN = "known"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class HostKey:
    """The key a Spark shows: its kind, its fingerprint as `ssh-keygen -l` has it, its line."""

    kind: str
    fingerprint: str
    state: KeyState
    line: str


@dataclass(frozen=True, slots=True)
class Way:
    """Where the SSH client's configuration leads; `over` is the jump host or proxy, if any."""

    host: str
    port: int
    over: str = ""


def _sum(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
