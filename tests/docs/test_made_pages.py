"""The pages made from the code are fresh, and what they list is sound."""

from collections import Counter
from pathlib import Path

from tools.make_docs import cell, error_classes, errors_page, first_sentence, settings_page

DOCS = Path(__file__).parents[2] / "docs"


def test_the_settings_page_is_fresh() -> None:
    assert (DOCS / "settings.md").read_text(encoding="utf-8") == settings_page(), "run `make docs`"


def test_the_errors_page_is_fresh() -> None:
    assert (DOCS / "errors.md").read_text(encoding="utf-8") == errors_page(), "run `make docs`"


def test_a_code_belongs_to_one_error() -> None:
    counted = Counter(kind.code for kind in error_classes())
    assert not [code for code, times in counted.items() if times > 1]


def test_every_error_says_what_happened() -> None:
    silent = [kind.__name__ for kind in error_classes() if len(first_sentence(kind)) < 10]
    assert not silent


def test_codes_are_in_snake_case() -> None:
    assert not [k.code for k in error_classes() if not k.code.replace("_", "").islower()]


def test_a_cell_cannot_break_its_table() -> None:
    assert cell("a | b\n  c") == "a \\| b c"
