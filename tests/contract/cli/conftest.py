"""The server that the command line talks to: one for all tests, empty for each."""

from collections.abc import Iterator

import pytest

from tests.contract.cli.server import Canned, Stage, serving


@pytest.fixture(scope="package")
def stage() -> Iterator[Stage]:
    """Return a running server."""
    with serving() as found:
        yield found


@pytest.fixture
def canned(stage: Stage) -> Canned:
    """Return the answers of the server, of which there are none yet."""
    return stage.fresh()
