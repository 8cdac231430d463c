"""Sessions and the brake."""

import pytest

from spark_control.access.session import LIFETIME_S, Brake, Brakes, is_good, make


def test_a_session_is_good_until_its_end() -> None:
    value = make("key", 1000.5)
    assert is_good(value, "key", 1001)
    assert not is_good(value, "key", 1000 + LIFETIME_S)
    assert not is_good(value, "other", 1001)


@pytest.mark.parametrize(
    "value", ["", "v1", "v1.9", "v2.99999.x", "v1.x.y", "v1.99999999999999.x"]
)
def test_what_is_no_session(value: str) -> None:
    assert not is_good(value, "key", 0)


def test_a_changed_end_is_no_session() -> None:
    _, ends, signature = make("key", 0).split(".")
    assert not is_good(f"v1.{int(ends) + 1}.{signature}", "key", 0)


def test_five_tries_are_free_then_it_takes_longer_each_time() -> None:
    brake = Brake()
    waits = []
    for _ in range(13):
        brake.note(right=False, now=100.0)
        waits.append(brake.wait(100.0))
    assert waits == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert brake.wait(159.5) == 1
    assert brake.wait(160.0) == 0
    brake.note(right=True, now=160.0)
    brake.note(right=False, now=160.0)
    assert brake.wait(160.0) == 0


def test_each_address_has_its_own_brake() -> None:
    brakes = Brakes()
    for _ in range(5):
        brakes.note("10.88.0.1", right=False, now=100.0)
    assert (brakes.wait("10.88.0.1", 100.0), brakes.wait("10.88.0.2", 100.0)) == (1, 0)
    brakes.note("10.88.0.1", right=True, now=101.0)
    brakes.note("10.88.0.1", right=False, now=101.0)
    assert brakes.wait("10.88.0.1", 101.0) == 0


def test_only_so_many_addresses_are_remembered() -> None:
    brakes = Brakes(most=2)
    for client in ("a", "b", "a", "c"):
        for _ in range(5):
            brakes.note(client, right=False, now=100.0)
    assert [brakes.wait(client, 100.0) > 0 for client in "abc"] == [True, False, True]
