"""Which Sparks run one engine together."""

from spark_control.swap.domain import UnitStatus
from spark_control.swap.groups import Group, group_of, groups_of, occupied, with_partners

RANKS = ("spark1", "spark2")


def part(job: str = "sw_1", *, engine: bool = True) -> UnitStatus:
    return UnitStatus(container=True, engine=engine, job=job, model="big", ranks=RANKS)


NOTHING = UnitStatus(container=False, engine=False)
SOLO = UnitStatus(container=True, engine=True, job="sw_9", model="small")


def test_a_whole_group_is_one_group() -> None:
    seen = {"spark1": part(), "spark2": part(), "spark3": SOLO}
    assert groups_of(seen) == (Group("sw_1", "big", RANKS),)


def test_what_lost_its_part() -> None:
    lost = Group("sw_1", "big", RANKS, missing=("spark2",))
    assert groups_of({"spark1": part(), "spark2": NOTHING}) == (lost,)
    assert groups_of({"spark1": part(), "spark2": part(engine=False)}) == (lost,)
    assert groups_of({"spark1": part(), "spark2": SOLO}) == (lost,)


def test_a_spark_that_did_not_answer_is_not_said_to_have_lost_it() -> None:
    assert groups_of({"spark1": part()}) == (Group("sw_1", "big", RANKS, unseen=("spark2",)),)


def test_one_spark_is_no_group_and_nor_is_a_container_without_a_job() -> None:
    stray = UnitStatus(container=True, engine=True, ranks=RANKS)
    assert groups_of({"spark1": SOLO, "spark2": NOTHING, "spark3": stray}) == ()


def test_partners_and_the_group_of_a_spark() -> None:
    groups = groups_of({"spark1": part(), "spark2": part()})
    assert with_partners(groups, ["spark2", "spark3"]) == ("spark1",)
    assert with_partners(groups, ["spark3"]) == ()
    assert with_partners(groups, ["spark1", "spark2"]) == ()
    assert group_of(groups, "spark2") == groups[0]
    assert group_of(groups, "spark3") is None
    assert [occupied(groups, one) for one in ("spark1", "spark2", "spark3")] == [
        ["spark1", "spark2"], ["spark2"], ["spark3"],
    ]  # fmt: skip
