"""For all tests: no network but this machine itself, and no deadline that measures a machine."""

from pathlib import Path

import hypothesis
import pytest

from tests.network import NetworkGuard

HERE = Path(__file__).parent


def pytest_configure() -> None:
    """Close the network before anything is collected."""
    NetworkGuard().install()
    # A deadline for one example would measure the machine. Hypothesis' own profile for CI stays.
    hypothesis.settings.register_profile("unhurried", hypothesis.settings(), deadline=None)
    hypothesis.settings.load_profile("unhurried")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a file in one process when several run; there is one level 2 a machine.

    The soak is the longest and begins at once.
    """
    items.sort(key=lambda item: item.path.relative_to(HERE).parts[0] != "soak")
    for item in items:
        place = item.path.relative_to(HERE)
        group = place.parts[0] if place.parts[0] in {"level2", "soak"} else str(place)
        item.add_marker(pytest.mark.xdist_group(group))
        if place.parts[0] != "unit":  # what is demanded is demanded of unit tests, and it is slow
            item.add_marker(pytest.mark.no_cover)
