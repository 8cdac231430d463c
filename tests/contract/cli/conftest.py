"""The server that the command line talks to."""

from collections.abc import Iterator

import pytest

from tests.contract.cli.server import Canned, serving


@pytest.fixture
def canned() -> Iterator[Canned]:
    """Return a running server that knows no answers yet."""
    with serving(Canned()) as found:
        yield found
