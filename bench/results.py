"""The text of `RESULTS.md`: one section per measure, replaced when the measure is run again."""

import re

from bench.table import Outcome, markdown

TITLE = """\
# Results

Written by `python -m bench --record`; each section is of its own run, bad numbers included. A
promise is held when the worst sample holds it. "Foreign CPU" is what other processes of the
machine used, as a share of one core: above 10 % before or after, or 30 % during, a run was noisy,
and a miss says little.
"""
_SECTION = re.compile(r"^## ", re.MULTILINE)


def section(title: str, outcome: Outcome, *, where: str) -> str:
    """Return the section of one measure; `where` tells of the machine."""
    notes = "".join(f"- {note}\n" for note in outcome.notes)
    body = f"## {title}\n\n{where}\n\n{markdown(outcome)}\n"
    body += "".join(f"\n![{title}]({name})\n" for name in outcome.pictures)
    return f"{body}\n{notes}" if notes else body


def replaced(text: str, new: str, order: list[str]) -> str:
    """Return `text` with the section of the same title replaced, or added in its place.

    `order` names the titles from first to last; sections it does not name are left out.
    """
    sections = {_title(one): one for one in _SECTION.split(text)[1:]}
    fresh = new.removeprefix("## ")
    sections[_title(fresh)] = fresh
    kept = [sections[title].strip() for title in order if title in sections]
    return "\n".join([TITLE, *(f"## {one}\n" for one in kept)])


def _title(text: str) -> str:
    return text.partition("\n")[0].strip()
