"""What the soak would notice."""

from collections import Counter

from tests.soak.tally import Kill, Tally, Try


def tried(client: str, kind: str, began: float, ended: float, *, whole: bool = True) -> Try:
    return Try(client, kind, began, ended, status=200, whole=whole)


def test_a_broken_answer_is_seen_unless_its_worker_was_killed() -> None:
    broken = tried("a", "stream", 20, 30, whole=False)
    taken = tried("b", "plain", 1, 11, whole=False)
    left = tried("c", "leaves", 20, 30, whole=False)
    worker, control = Kill("worker", 10, 12), Kill("control", 25, 27)
    assert Tally([broken, taken, left], [worker, control]).incomplete() == [broken]


def test_streams_that_ran_when_control_was_killed_are_counted() -> None:
    tally = Tally(
        [tried("a", "stream", 1, 9), tried("b", "stream", 1, 3)], [Kill("control", 5, 7)]
    )
    assert tally.outlived() == 1


def test_records_too_few_and_too_many_are_seen() -> None:
    tally = Tally([tried(name, "plain", 1, 2) for name in ("lost", "right", "twice", "more")])
    found = Counter({"right": 1, "twice": 2, "more": 1, "nobody": 1})
    assert tally.misrecorded(found) == {
        "lost": (1, 1, 0), "twice": (1, 1, 2), "nobody": (0, 0, 1),
    }  # fmt: skip


def test_a_kill_may_take_the_records_that_were_not_written_yet() -> None:
    tries = [tried("long ago", "plain", 1, 2), tried("just now", "plain", 8, 9),
             tried("while away", "plain", 12, 13), tried("running", "stream", 9, 16)]  # fmt: skip
    control, worker = Kill("control", 10, 14), Kill("worker", 10, 14)
    lost = {one.client for one in tries}
    assert Tally(tries, [control]).misrecorded(Counter()).keys() == lost - {"just now"}
    assert Tally(tries, [worker]).misrecorded(Counter()).keys() == {"long ago"}
