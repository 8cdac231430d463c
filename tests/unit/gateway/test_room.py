"""What is kept is counted, and given back."""

from spark_control.gateway.room import Room, shared


def test_what_was_given_back_can_be_taken_again() -> None:
    room = Room(10)
    assert room.fits(10)
    room.take(4)
    assert (room.fits(6), room.fits(7)) == (True, False)
    room.give(4)
    assert room.used == 0


def test_workers_share_it_and_each_can_take_the_largest() -> None:
    assert shared(512, 128, 1) == 512
    assert shared(512, 128, 2) == 256
    assert shared(512, 128, 32) == 128
