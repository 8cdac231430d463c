"""How busy the GPUs were, in the steps of the requests."""

from spark_control.requests.busy import KEPT, MINUTE_MS, Busy
from spark_control.requests.series import Span

HOUR = Span(0, 60, 4)


def test_readings_of_a_minute_are_one() -> None:
    busy = Busy()
    for at, ratio in ((-1, 0.9), (0, 0.2), (30_000, 0.6), (2 * MINUTE_MS, 1.0), (99_999_999, 0.1)):
        busy.note("spark1", at, ratio)
    assert busy.means(HOUR) == {"spark1": [0.4, None, 1.0, None]}
    assert busy.means(Span(0, 240, 1)) == {"spark1": [0.6]}


def test_a_day_is_kept_and_only_of_the_fleet() -> None:
    busy = Busy()
    for minute in range(KEPT + 2):
        busy.note("spark1", minute * MINUTE_MS, 0.5)
    busy.note("spark2", 0, 0.5)
    busy.keep({"spark1"})
    assert busy.means(HOUR) == {"spark1": [None, None, 0.5, 0.5]}
