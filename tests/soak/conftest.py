"""How long the soak lasts: `--soak-s`, else `SOAK_S` of the environment, else two minutes."""

import pytest

from spark_control.settings.load import process_environment

USUAL_S = "120"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `make soak` ask for more; not known to a run that collects other folders too."""
    parser.addoption("--soak-s", type=float, default=None, help="seconds of load of the soak")


@pytest.fixture
def soak_s(request: pytest.FixtureRequest) -> float:
    asked = request.config.getoption("--soak-s", None)
    return float(asked or process_environment().get("SOAK_S") or USUAL_S)
