"""How long to wait before a Spark is tried again."""

_MOST_DOUBLINGS = 30


def full_jitter(failures: int, chance: float, *, base_s: float, cap_s: float) -> float:
    """Return a wait between nothing and a bound that doubles with each failure in a row.

    `chance` is a number from 0 up to 1. The whole span is random, so that many Sparks lost at
    one time do not come back at one time.
    """
    if failures <= 0:
        return 0.0
    return chance * min(cap_s, base_s * 2.0 ** min(failures - 1, _MOST_DOUBLINGS))
