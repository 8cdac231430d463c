"""Never above the cap, nobody starves, no slot is lost."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from typing_extensions import override

from spark_control.gateway.errors import ClientBusy, QueueFull
from spark_control.gateway.limits import Admission, Limits, Line

TWO = Limits(2, 4, 10.0)


def full(limits: Limits = TWO) -> Line:
    line = Line(limits)
    for ticket in range(limits.in_flight):
        assert line.ask(-ticket - 1, "x", 0)
    return line


def test_what_fits_goes_on_and_the_rest_waits() -> None:
    line = full()
    assert not line.ask(1, "a", 0)
    assert (line.running, line.waiting) == (2, 1)
    assert line.release(-1, 1) == [1]
    assert line.release(1, 2) == []


def test_clients_take_turns() -> None:
    line = full(Limits(1, 9, 10))
    for ticket, client in enumerate("aaaabb", 1):
        assert not line.ask(ticket, client, 0)
    order = []
    granted = line.release(-1, 1)
    while granted:
        order += granted
        granted = line.release(granted[0], 1)
    assert order == [1, 5, 2, 6, 3, 4]


def test_one_client_has_a_share_of_the_places() -> None:
    line = full()
    line.ask(1, "a", 0)
    line.ask(2, "a", 0)
    with pytest.raises(ClientBusy) as busy:
        line.ask(3, "a", 0)
    assert busy.value.retry_after_s == 8
    line.ask(4, "b", 0)
    line.ask(5, "b", 0)
    with pytest.raises(QueueFull):
        line.ask(6, "c", 0)


def test_who_waits_too_long_is_taken_out() -> None:
    line = full()
    assert line.deadline() is None
    line.ask(1, "a", 0)
    line.ask(2, "a", 5)
    assert line.deadline() == 10
    assert line.expire(9) == []
    assert line.expire(10) == [1]
    assert line.deadline() == 15
    assert line.release(-1, 11) == [2]
    assert "10 s" in line.too_long().message


def test_who_leaves_gives_the_place_back() -> None:
    line = full()
    line.ask(1, "a", 0)
    assert line.release(1, 1) == []
    assert line.release(1, 1) == []
    assert line.waiting == 0


def test_the_time_to_try_again_follows_what_was_seen() -> None:
    line = Line(Limits(1, 9, 10))
    for n in range(60):
        line.ask(n, "a", n * 100)
        line.release(n, n * 100 + 40)
    assert line.retry_s() == 40
    line.ask(-1, "a", 0)
    for n in range(100, 104):
        line.ask(n, "a", 0)
    assert line.retry_s() == 120


def test_more_room_lets_more_on() -> None:
    line = full()
    line.ask(1, "a", 0)
    assert line.resize(Limits(3, 4, 10), 1) == [1]
    assert line.resize(Limits(1, 4, 10), 1) == []
    assert line.running == 3


def test_workers_share_the_limits() -> None:
    assert Limits(7, 5, 1).part(2) == Limits(3, 3, 1)
    assert Limits(1, 0, 1).part(4) == Limits(1, 0, 1)
    assert Limits(1, 0, 1).own == 1


def test_targets_do_not_stand_in_each_others_way() -> None:
    doors = Admission(Limits(1, 0, 10))
    first, through = doors.ask("one", "a", 0)
    assert through
    assert doors.ask("two", "a", 0)[1]
    with pytest.raises(QueueFull):
        doors.ask("one", "a", 0)
    assert list(doors.counts()) == [("one", 1, 0), ("two", 1, 0)]
    assert doors.release(first, 1) == []
    assert doors.release(first, 1) == []
    assert list(doors.counts()) == [("two", 1, 0)]


def test_a_target_may_have_limits_of_its_own() -> None:
    doors = Admission(Limits(1, 9, 10))
    doors.ask("one", "a", 0)
    waits, through = doors.ask("one", "a", 1)
    assert not through
    assert doors.deadline() == 11
    assert doors.resize(Limits(1, 9, 10), {"one": Limits(2, 9, 10)}, 1) == [waits]
    assert doors.deadline() is None
    with pytest.raises(QueueFull):
        Admission(Limits(0, 0, 1)).ask("x", "a", 0)


def test_expired_tickets_are_given_back() -> None:
    doors = Admission(Limits(1, 9, 10))
    first, _ = doors.ask("one", "a", 0)
    waits, _ = doors.ask("one", "a", 0)
    [(ticket, error)] = doors.expire(10)
    assert ticket == waits
    assert error.code == "waited_too_long"
    assert doors.release(waits, 11) == []
    assert doors.release(first, 11) == []
    assert list(doors.counts()) == []
    assert doors.expire(11) == []


def test_an_empty_line_takes_the_limits_of_the_time_when_it_is_used_again() -> None:
    doors = Admission(Limits(1, 9, 10))
    ticket, _ = doors.ask("one", "a", 0)
    assert doors.release(ticket, 1) == []
    assert doors.expire(1) == []
    assert doors.resize(Limits(1, 9, 10), {"one": Limits(2, 9, 10)}, 1) == []
    assert [doors.ask("one", "a", 2)[1] for _ in range(3)] == [True, True, False]


class Doors(RuleBasedStateMachine):
    """Any order of asking, ending, leaving and waiting."""

    @initialize(at_once=st.integers(1, 3), length=st.integers(0, 5))
    def begin(self, at_once: int, length: int) -> None:
        self.limits = Limits(at_once, length, 10.0)
        self.line = Line(self.limits)
        self.now = 0.0
        self.running: set[int] = set()
        self.waits: dict[int, str] = {}
        self.asked = 0

    def granted(self, tickets: list[int]) -> None:
        for ticket in tickets:
            del self.waits[ticket]
            self.running.add(ticket)

    @rule(client=st.sampled_from("abc"))
    def ask(self, client: str) -> None:
        self.asked += 1
        own = sum(other == client for other in self.waits.values())
        try:
            through = self.line.ask(self.asked, client, self.now)
        except QueueFull:
            assert len(self.waits) == self.limits.length
        except ClientBusy:
            assert own == self.limits.own
        else:
            if through:
                self.running.add(self.asked)
            else:
                self.waits[self.asked] = client

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        ticket = data.draw(st.sampled_from(sorted(self.running)))
        self.running.remove(ticket)
        self.granted(self.line.release(ticket, self.now))

    @precondition(lambda self: self.waits)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        ticket = data.draw(st.sampled_from(sorted(self.waits)))
        del self.waits[ticket]
        self.granted(self.line.release(ticket, self.now))

    @rule(seconds=st.floats(0, 6))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        for ticket in self.line.expire(self.now):
            del self.waits[ticket]

    @invariant()
    def holds(self) -> None:
        if not hasattr(self, "line"):
            return
        assert len(self.running) <= self.limits.in_flight
        assert self.line.running == len(self.running)
        assert self.line.waiting == len(self.waits) <= self.limits.length
        assert not self.waits or len(self.running) == self.limits.in_flight, "a slot is lost"

    @override
    def teardown(self) -> None:
        while getattr(self, "running", None):
            self.granted(self.line.release(self.running.pop(), self.now))
        assert not getattr(self, "waits", None), "somebody starves"


Doors.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestDoors = Doors.TestCase


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=30))
def test_nobody_waits_longer_than_one_turn_of_the_others(clients: list[str]) -> None:
    line = full(Limits(1, 60, 10, 1.0))
    for ticket, client in enumerate(clients):
        line.ask(ticket, client, 0)
    granted, order = line.release(-1, 0), ""
    while granted:
        order += clients[granted[0]]
        granted = line.release(granted[0], 0)
    assert sorted(order) == sorted(clients)
    for client in set(clients):
        places = [place for place, other in enumerate(order) if other == client]
        gaps = [b - a for a, b in pairwise(places)]
        assert all(gap <= len(set(clients)) for gap in gaps)
