"""How much of what clients send may be kept at once: a sum with a limit."""

from dataclasses import dataclass


@dataclass(slots=True)
class Room:
    """Bytes that are kept, all together. Who takes some gives the same back."""

    limit: int
    used: int = 0

    def fits(self, size: int) -> bool:
        """Tell whether so many more can be kept."""
        return self.used + size <= self.limit

    def take(self, size: int) -> None:
        """Count `size` more."""
        self.used += size

    def give(self, size: int) -> None:
        """Count `size` less."""
        self.used -= size


def shared(whole: int, least: int, workers: int) -> int:
    """Return the limit of one of `workers` that share `whole`, never below `least`."""
    return max(least, whole // workers)
