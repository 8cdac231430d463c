"""The data directory: private, and probed by two starts at once."""

import logging
from pathlib import Path

import pytest

from spark_control.settings.adapters.data_dir import prepare


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def test_a_new_one_is_private(tmp_path: Path) -> None:
    data = prepare(tmp_path / "a" / "b")
    assert (mode(data.root), mode(data.logs)) == (0o700, 0o700)


def test_one_with_open_rights_is_closed(tmp_path: Path) -> None:
    root = tmp_path / "open"
    root.mkdir()
    root.chmod(0o755)
    prepare(root)
    assert mode(root) == 0o700


def test_a_shared_one_stays_and_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = tmp_path / "shared"
    root.mkdir()
    root.chmod(0o1777)
    with caplog.at_level(logging.WARNING):
        prepare(root)
    assert mode(root) == 0o1777
    assert str(root) in caplog.text
