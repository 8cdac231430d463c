"""The table holds together."""

from spark_control.settings.table import TABLE, setting_of, spark_setting


def test_every_default_is_a_value_of_its_row() -> None:
    for row in TABLE.values():
        assert not row.default or row.read(row.default) == row.default, row.name


def test_every_row_says_what_it_is_for() -> None:
    for row in TABLE.values():
        assert row.help.endswith("."), row.name
        assert row.group


def test_rows_of_sparks() -> None:
    row = setting_of("SPARK12_PORT")
    assert row is not None
    assert (row.default, row.live, row.group) == ("22", True, "sparks")
    assert spark_setting("SPARK3_NAME") is not None
    for name in ("SPARK0_HOST", "SPARK65_HOST", "SPARK1_X", "SPARK_HOST", "NOPE"):
        assert setting_of(name) is None
