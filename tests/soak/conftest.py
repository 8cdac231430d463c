"""How long the soak lasts."""

import pytest

SLICE_S = 10.0


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `make soak` ask for more than a slice."""
    parser.addoption("--soak-s", type=float, default=SLICE_S, help="seconds of load of the soak")


@pytest.fixture
def soak_s(request: pytest.FixtureRequest) -> float:
    return float(request.config.getoption("--soak-s", SLICE_S))
