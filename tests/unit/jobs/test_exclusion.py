"""What excludes what, as a table; the refusal names the Spark and the job."""

from datetime import UTC, datetime
from itertools import product

import pytest

from spark_control.jobs.exclusion import (
    ALONE,
    COPY,
    DELETE,
    DOWNLOAD,
    ENGINE_STOP,
    FLEET,
    HOST_UPDATE,
    IMAGE_UPDATE,
    REBOOT,
    SWAP,
    TAKE_OVER,
    Lease,
    Want,
    busy,
    conflict,
    excludes,
    service,
    wants,
)

T0 = datetime(2026, 1, 1, tzinfo=UTC)
PARAKEET, KOKORO = service("parakeet-asr"), service("kokoro-tts")


def held(host: str, kind: str, job: str = "sw_1") -> Lease:
    return Lease(host, kind, job, "qwen36", T0)


def test_a_spark_does_one_big_thing_at_a_time() -> None:
    assert {SWAP, DOWNLOAD, COPY, DELETE, IMAGE_UPDATE, HOST_UPDATE, REBOOT} == ALONE
    assert all(excludes(one, other) for one, other in product(ALONE, ALONE))


ENGINES = [
    (ENGINE_STOP, SWAP, True),
    (ENGINE_STOP, TAKE_OVER, True),
    (TAKE_OVER, REBOOT, True),
    (IMAGE_UPDATE, ENGINE_STOP, True),
    (DOWNLOAD, ENGINE_STOP, False),
    (TAKE_OVER, DELETE, False),
    (PARAKEET, ENGINE_STOP, False),
]


@pytest.mark.parametrize(("one", "other", "expected"), ENGINES)
def test_the_end_of_an_engine_excludes_what_starts_or_ends_one(
    one: str, other: str, *, expected: bool
) -> None:
    assert excludes(one, other) is expected
    assert excludes(other, one) is expected


SERVICES = [
    (PARAKEET, PARAKEET, True),
    (PARAKEET, KOKORO, False),
    (PARAKEET, SWAP, False),
    (DOWNLOAD, PARAKEET, False),
    (IMAGE_UPDATE, PARAKEET, False),
    (REBOOT, PARAKEET, True),
    (KOKORO, HOST_UPDATE, True),
]


@pytest.mark.parametrize(("one", "other", "expected"), SERVICES)
def test_a_restart_of_a_service_excludes_only_its_own(
    one: str, other: str, *, expected: bool
) -> None:
    assert excludes(one, other) is expected
    assert excludes(other, one) is expected


def test_what_runs_once_in_the_fleet_wants_the_fleet() -> None:
    assert wants(SWAP, ["spark2", "spark1", "spark2"]) == (
        Want(FLEET, SWAP), Want("spark2", SWAP), Want("spark1", SWAP),
    )  # fmt: skip
    assert wants(DOWNLOAD, ["spark1"]) == (Want("spark1", DOWNLOAD),)


def test_only_the_same_spark_stands_against() -> None:
    asked = wants(DOWNLOAD, ["spark1"])
    assert conflict(asked, [held("spark2", SWAP), held(FLEET, SWAP)]) is None
    assert conflict(asked, [held("spark2", SWAP), held("spark1", DELETE)]) == held(
        "spark1", DELETE
    )
    assert conflict(asked, []) is None


def test_the_spark_is_named_before_the_fleet() -> None:
    there = [held(FLEET, SWAP), held("spark1", SWAP)]
    found = conflict(wants(SWAP, ["spark1"]), there)
    assert found == there[1]
    assert conflict(wants(SWAP, ["spark2"]), there) == there[0]


def test_the_refusal_names_what_runs() -> None:
    error = busy(held("spark1", SWAP))
    assert error.message == "spark1 is busy: swap of qwen36 (sw_1)."
    assert error.detail == {"host": "spark1", "kind": "swap", "job": "sw_1", "target": "qwen36"}
    assert busy(held(FLEET, SWAP)).message == "The fleet is busy: swap of qwen36 (sw_1)."
    assert busy(held(FLEET, SWAP)).detail["host"] is None
    restart = busy(held("spark1", PARAKEET))
    assert restart.message == "spark1 is busy: service of parakeet-asr (sw_1)."
    assert busy(held("spark1", IMAGE_UPDATE)).message.startswith("spark1 is busy: image update of")
