"""For all tests: no network but this machine itself, and no deadline that measures a machine."""

import hypothesis

from tests.network import NetworkGuard


def pytest_configure() -> None:
    """Close the network before anything is collected."""
    NetworkGuard().install()
    # A deadline for one example would measure the machine. Hypothesis' own profile for CI stays.
    hypothesis.settings.register_profile("unhurried", hypothesis.settings(), deadline=None)
    hypothesis.settings.load_profile("unhurried")
