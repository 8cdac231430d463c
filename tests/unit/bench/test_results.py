"""The file of results keeps the sections of other measures."""

from bench.results import TITLE, replaced, section
from bench.table import Outcome, single

ORDER = ["Early", "Late"]


def written(title: str, value: float, *notes: str) -> str:
    return section(title, Outcome((single("x", "s", value),), notes), where="2026, a machine.")


def test_a_section_tells_machine_numbers_and_notes() -> None:
    text = written("Early", 1, "A note.")
    assert text.startswith("## Early\n\n2026, a machine.\n\n| what |")
    assert text.endswith("|\n\n- A note.\n")


def test_sections_stand_in_order_and_once() -> None:
    text = replaced("", written("Late", 1), ORDER)
    text = replaced(text, written("Early", 2), ORDER)
    text = replaced(text, written("Late", 3, "New."), ORDER)
    assert text.startswith(TITLE)
    assert [line for line in text.splitlines() if line.startswith("##")] == ["## Early", "## Late"]
    assert "3.00" in text
    assert "1.00" not in text


def test_writing_the_same_again_changes_nothing() -> None:
    text = replaced(replaced("", written("Late", 1), ORDER), written("Early", 2, "A."), ORDER)
    assert replaced(text, written("Late", 1), ORDER) == text


def test_a_measure_that_is_gone_leaves_the_file() -> None:
    text = replaced("", written("Late", 1), ORDER)
    assert "Late" not in replaced(text, written("Early", 2), ["Early"])


def test_pictures_are_shown_below_the_tables() -> None:
    outcome = Outcome((single("x", "s", 1),), ("A note.",), pictures={"x.svg": "<svg/>"})
    text = section("Early", outcome, where="2026, a machine.")
    assert text.endswith("|\n\n![Early](x.svg)\n\n- A note.\n")
