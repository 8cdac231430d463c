"""Which settings a Spark gets when it is added, and which may go."""

import pytest

from spark_control.settings.domain import merge
from spark_control.settings.errors import (
    FleetFull,
    HostAddressTaken,
    HostInEnvironment,
    HostInUse,
    HostNameTaken,
    SettingsChanged,
)
from spark_control.settings.slots import (
    NewSpark,
    added,
    in_environment,
    leaving,
    let_go,
    names_of,
    removed,
    room_for,
    unchanged,
)

ENV = {"SPARK1_HOST": "10.88.0.11", "SPARK3_USER": "ubuntu", "SPARK4_HOST": "  "}
SAVED = {"SPARK2_HOST": "10.88.0.12", "SPARK2_PORT": "2222"}


def test_the_lowest_number_of_which_nothing_is_said() -> None:
    assert room_for(merge(ENV, SAVED), ENV) == 4
    assert room_for(merge({}, {}), {}) == 1


def test_no_number_is_left() -> None:
    saved = {f"SPARK{n}_HOST": f"10.88.1.{n}" for n in range(1, 65)}
    with pytest.raises(FleetFull):
        room_for(merge({}, saved), {})


def test_what_is_usual_is_not_kept() -> None:
    settings = merge(ENV, SAVED)
    assert added(settings, NewSpark("10.88.0.14"), 4) == {
        "SPARK4_HOST": "10.88.0.14", "SPARK4_USER": None, "SPARK4_PORT": None, "SPARK4_NAME": None,
    }  # fmt: skip
    wish = NewSpark("10.88.0.14", "ubuntu", 2222, "desk")
    assert list(added(settings, wish, 4).values()) == ["10.88.0.14", "ubuntu", "2222", "desk"]


def test_a_name_and_an_address_are_those_of_one_spark() -> None:
    settings = merge(ENV, SAVED)
    with pytest.raises(HostNameTaken):
        added(settings, NewSpark("10.88.0.14", name="spark2"), 4)
    with pytest.raises(HostAddressTaken, match=r"spark2 is the Spark at 10.88.0.12:2222"):
        added(settings, NewSpark("10.88.0.12", port=2222), 4)
    assert added(settings, NewSpark("10.88.0.12"), 4)


def test_what_the_environment_names_stays() -> None:
    first, second = merge(ENV, SAVED).sparks
    assert in_environment(ENV, 1)
    assert not in_environment(ENV, 4)
    with pytest.raises(HostInEnvironment, match="SPARK1_HOST"):
        removed(ENV, first, 1)
    assert removed(ENV, second, 2) == dict.fromkeys(names_of(2))


def test_a_busy_spark_stays_as_it_is() -> None:
    before = merge(ENV, SAVED)
    assert leaving(before, before) == ()
    let_go(leaving(before, merge(ENV, {})), {"spark1": "x"})
    for after in ({}, SAVED | {"SPARK2_USER": "other"}, SAVED | {"SPARK2_NAME": "other"}):
        gone = leaving(before, merge(ENV, after))
        assert [spark.name for spark in gone] == ["spark2"]
        with pytest.raises(HostInUse, match=r"spark2 is busy: download of x \(dl_1\)."):
            let_go(gone, {"spark2": "download of x (dl_1)"})


def test_what_was_decided_on_a_spark_holds_only_for_that_one() -> None:
    before = merge(ENV, SAVED)
    unchanged(before, before, ["spark1", "spark2"])
    unchanged(before, merge(ENV, SAVED | {"SPARK2_USER": "other"}), ["spark1"])
    for after in ({}, SAVED | {"SPARK2_USER": "other"}):
        with pytest.raises(SettingsChanged, match="spark2"):
            unchanged(before, merge(ENV, after), ["spark2"])
    with pytest.raises(SettingsChanged, match="spark9"):
        unchanged(before, before, ["spark9"])
