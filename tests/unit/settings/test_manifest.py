"""What a backup says of itself is believed only as far as it can be true."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_control.settings import manifest
from spark_control.settings.errors import BackupInvalid
from spark_control.settings.manifest import Entry, Manifest, belongs, read

GOOD = Manifest(
    "1.0", "0003", "2026-01-01T00:00:00.000Z",
    (Entry("spark-control.db", 1, "a" * 64), Entry("ssh/id_ed25519", 2, "b" * 64)),
)  # fmt: skip


def test_it_comes_back_as_it_was_written() -> None:
    assert read(GOOD.as_dict()) == GOOD
    assert GOOD.entry("ssh/id_ed25519").size == 2


def changed(**more: object) -> dict[str, Any]:
    return GOOD.as_dict() | more


def row(**more: object) -> dict[str, object]:
    return {"name": "spark-control.db", "size": 1, "sha256": "a" * 64} | more


BAD: list[tuple[object, str]] = [
    (None, "no backup"),
    ([], "no backup"),
    (changed(format=2), "newer kind"),
    (changed(files=None), "cannot be read"),
    (changed(files=[1]), "cannot be read"),
    (changed(files=[{}]), "cannot be read"),
    (changed(files=[row(size=-1)]), "cannot be read"),
    (changed(files=[row(size="1")]), "cannot be read"),
    (changed(files=[row(sha256="x")]), "cannot be read"),
    (changed(files=[row(), row()]), "twice"),
    (changed(files=[]), "no database"),
    (changed(files=[row(), row(name="database.jsonl")]), "no database"),
    (changed(files=[row(name="../x")]), "belongs in no data directory"),
    (changed(files=[row(name="x\n\x1b[31m")]), r"'x\\n\\x1b\[31m'"),
]


@pytest.mark.parametrize(("raw", "why"), BAD)
def test_what_cannot_be_true_is_refused(raw: object, why: str) -> None:
    with pytest.raises(BackupInvalid, match=why):
        read(raw)


def test_a_file_that_is_not_listed() -> None:
    with pytest.raises(BackupInvalid, match="does not name"):
        GOOD.entry("access.json")


def test_a_newer_database_is_refused() -> None:
    GOOD.check_schema({"0002", "0003"})
    with pytest.raises(BackupInvalid, match=r"Spark Control '1.0'"):
        GOOD.check_schema({"0002"})


@pytest.mark.parametrize("name", [*manifest.FILES.values(), *manifest.OTHERS, "ssh/id_ed25519",
                                  "ssh/id_ed25519.pub", "ssh/a/b/c"])  # fmt: skip
def test_names_that_belong(name: str) -> None:
    assert belongs(name)


@pytest.mark.parametrize("name", [
    "", ".", "..", "ssh", "ssh/", "ssh/..", "ssh/../x", "ssh//x", "/etc/passwd", "./access.json",
    "logs/x", "instance.lock", "instance-id", "access.json/", "ssh/a/b/c/d", "ssh/a b",
    "access.json\n", "ssh/" + "x" * 101,
])  # fmt: skip
def test_names_that_do_not(name: str) -> None:
    assert not belongs(name)


@given(st.text(max_size=30))
def test_no_name_leads_out(name: str) -> None:
    if belongs(f"ssh/{name}"):
        assert ".." not in name.split("/")
        assert not name.startswith("/")
