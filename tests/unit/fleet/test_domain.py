"""What a reading says when parts of it are not known."""

import pytest

from spark_control.fleet.domain import Gpu, GpuProcess, Hardware, Memory, Temperature

GIB = 1024**3
OWN = Gpu("RTX", memory_used_bytes=3 * GIB, memory_total_bytes=24 * GIB)
SHARED = Gpu("GB10")


@pytest.mark.parametrize(
    ("memory", "used"),
    [(Memory(100, 40), 60), (Memory(100), None), (Memory(100, 120), 0)],
)
def test_memory_in_use(memory: Memory, used: int | None) -> None:
    assert memory.used_bytes == used


@pytest.mark.parametrize(
    ("gpus", "unified"),
    [(None, None), ((), None), ((SHARED,), True), ((OWN,), False), ((SHARED, OWN), False)],
)
def test_unified_memory(gpus: tuple[Gpu, ...] | None, *, unified: bool | None) -> None:
    assert Hardware(gpus=gpus).gpu_unified_memory is unified


@pytest.mark.parametrize(
    ("gpus", "processes", "used"),
    [
        (None, (GpuProcess(1, "a", GIB),), None),
        ((), (), None),
        ((SHARED,), None, None),
        ((SHARED,), (), 0),
        ((SHARED,), (GpuProcess(1, "a"),), None),
        ((SHARED,), (GpuProcess(1, "a", GIB), GpuProcess(2, "b"), GpuProcess(3, "c", 1)), GIB + 1),
        ((OWN, OWN), (GpuProcess(1, "a", GIB),), 6 * GIB),
    ],
)
def test_gpu_memory_in_use(
    gpus: tuple[Gpu, ...] | None, processes: tuple[GpuProcess, ...] | None, used: int | None
) -> None:
    assert Hardware(gpus=gpus, gpu_processes=processes).gpu_memory_used_bytes == used


@pytest.mark.parametrize(
    ("gpus", "memory", "total"),
    [
        (None, Memory(GIB), None),
        ((SHARED,), None, None),
        ((SHARED,), Memory(128 * GIB), 128 * GIB),
        ((OWN, OWN), Memory(128 * GIB), 48 * GIB),
    ],
)
def test_gpu_memory_there_is(
    gpus: tuple[Gpu, ...] | None, memory: Memory | None, total: int | None
) -> None:
    assert Hardware(gpus=gpus, memory=memory).gpu_memory_total_bytes == total


def test_the_hottest_sensor_counts() -> None:
    sensors = (Temperature("a", 40.5), Temperature("b", 61.0))
    assert Hardware(temperatures=sensors).temperature_c == 61.0
    assert Hardware(temperatures=()).temperature_c is None
    assert Hardware().temperature_c is None
