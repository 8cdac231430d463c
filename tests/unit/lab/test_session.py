"""What a cut means for a command."""

import pytest

from spark_control.lab.session import Cut


@pytest.mark.parametrize(
    ("param", "command", "cut"),
    [
        ("", "docker ps", Cut()),
        ("docker", "docker ps", Cut()),
        ("launch", "docker ps", None),
        ("bytes 12", "docker ps", Cut(12)),
        ("bytes x", "docker ps", None),
    ],
)
def test_cut(param: str, command: str, cut: Cut | None) -> None:
    assert Cut.of(param, command) == cut
