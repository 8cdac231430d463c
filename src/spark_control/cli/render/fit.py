"""Whether a model fits, with the arithmetic; and a proposal, with where each value came from."""

from rich.console import Group, RenderableType
from rich.text import Text

from spark_control.cli.answer import Answer
from spark_control.cli.render.tables import plain_table, warning
from spark_control.cli.words import DASH, GIB, measure, one_line

VERDICTS = {
    "fits": ("Fits", "green"),
    "tight": ("Tight", "yellow"),
    "no": ("Does not fit", "red"),
    "unknown": ("Not known", "dim"),
}
TERMS = {
    "memory": "Memory",
    "budget": "Budget of the engine",
    "weights": "Weights",
    "activations": "Activations",
    "graphs": "Graphs",
    "context": "GPU context",
    "kv_available": "Room for the KV cache",
    "host": "Left for the system",
    "kv_per_token": "KV cache of a token",
    "kv_per_sequence": "KV cache fixed a sequence",
    "kv_needed": "KV cache needed",
}


def gib(count: float | None) -> str:
    """Return bytes in the unit of memory; small ones as they are."""
    if count is None:
        return DASH
    unit, factor = GIB
    return f"{count:.0f} B" if abs(count) < 1e6 else f"{count / factor:.2f} {unit}"


def render(fit: Answer) -> RenderableType:
    """Return `GET /api/models/KEY/fit`."""
    words, style = VERDICTS.get(fit["verdict"].text or "", (DASH, "dim"))
    where = one_line(fit["spark"].text or DASH)
    head = Text.assemble(
        (one_line(fit["model"].text or DASH), "bold"), f" on {where}: ", (words, style),
        ". ", one_line(fit["reason"].text or ""),
    )  # fmt: skip
    most = Text(
        f"Longest context of one sequence: {measure(fit['max_context'].number, 'tokens')}. "
        f"Sequences of {measure(fit['context'].number, 'tokens')} at a time: "
        f"{measure(fit['max_sequences'].number, '').strip()}."
    )
    return Group(head, Text(), _terms(fit["terms"].items), Text(), most)


def _terms(terms: list[Answer]) -> RenderableType:
    table = plain_table("", "Size", "Number", "")
    table.columns[1].justify = "right"
    for term in terms:
        name = term["name"].text or DASH
        table.add_row(
            Text(TERMS.get(name, one_line(name))),
            Text(gib(term["bytes"].number), no_wrap=True),
            Text(one_line(term["basis"].text or DASH), "dim"),
            Text(one_line(term["note"].text or ""), "dim"),
        )
    return table


def proposal(answer: Answer, *, agreed: bool) -> RenderableType:
    """Return `GET /api/models/suggest`: each value, where it came from, what to agree to."""
    table = plain_table("Setting", "Value", "From")
    asked: list[Text] = []
    for one in answer["values"].items:
        name, value = one_line(one["name"].text or DASH), one_line(one["value"].text or DASH)
        table.add_row(
            Text(name), Text(value, "bold"), Text(one_line(one["source"].text or ""), "dim")
        )
        if one["confirm"].flag and not agreed:
            words = one_line(" ".join(one["words"].texts))
            asked.append(warning(f"{name}: add {words} only if you trust the repository."))
    fit = answer["fit"]
    words, style = VERDICTS.get(fit["verdict"].text or "", (DASH, "dim"))
    verdict = Text.assemble((words, style), ". ", one_line(fit["reason"].text or ""))
    return Group(table, Text(), verdict, *asked)
