"""The colours of the page: every text can be read on what it stands on, in both themes."""

import re
from pathlib import Path

import pytest

CSS = (Path(__file__).parents[3] / "src/spark_control/dashboard/static/assets/app.css").read_text()
HEX = r"(#[0-9a-f]{6}|#[0-9a-f]{3})\b"


def tokens(theme: str) -> dict[str, str]:
    light, dark = re.findall(
        r'^:root(?:\[data-theme="dark"\])? \{(.*?)^\}', CSS, re.DOTALL | re.MULTILINE
    )
    found = dict(re.findall(rf"--([\w-]+): {HEX}", light))
    return found | (dict(re.findall(rf"--([\w-]+): {HEX}", dark)) if theme == "dark" else {})


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * one for one in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


TEXTS = [
    ("text", "surface"), ("text2", "surface"), ("text3", "surface"), ("text3", "bg"),
    ("text2", "inset"), ("text3", "inset"), ("acc", "surface"), ("acc", "acc-soft"),
    ("on-acc", "acc-solid"), ("on-acc", "acc-hover"), ("on-crit", "crit-solid"),
    ("ok", "surface"), ("warn", "surface"), ("warn", "warn-soft"), ("crit", "surface"),
    ("crit", "crit-soft"), ("text2", "crit-soft"),
]  # fmt: skip
SHAPES = [("okbar", "surface"), ("warnbar", "surface"), ("crit", "surface"), ("off", "surface"),
          ("acc-solid", "surface")]  # fmt: skip


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("front", "back"), TEXTS)
def test_texts(theme: str, front: str, back: str) -> None:
    found = tokens(theme)
    assert contrast(found[front], found[back]) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("front", "back"), SHAPES)
def test_shapes_that_carry_a_meaning(theme: str, front: str, back: str) -> None:
    found = tokens(theme)
    assert contrast(found[front], found[back]) >= 2.9


def test_no_colour_but_the_tokens() -> None:
    rules = CSS[CSS.index("* { box-sizing") :]
    assert set(re.findall(HEX, rules)) == set()
