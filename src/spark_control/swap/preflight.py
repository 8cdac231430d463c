"""Judge the words of a launch before it happens: with vLLM's option table, and with experience."""

from collections.abc import Iterator, Sequence

from spark_control.swap.argv import Scan, scan
from spark_control.swap.options import Table
from spark_control.swap.traps import Finding, Launch, traps
from spark_control.swap.values import out_of_range, refused

NO_PROMISE = (
    "A pass is no promise: memory, the weights and the model's own settings are judged by the "
    "engine only when it starts."
)


def check(table: Table, words: Sequence[str], launch: Launch) -> list[Finding]:
    """Return all that is found in `words`, those after `vllm serve`; errors first."""
    found = scan(table, words)
    findings = [*_grammar(found), *_values(found), *traps(table, found, launch)]
    return sorted(dict.fromkeys(findings), key=lambda one: not one.error)


def _grammar(found: Scan) -> Iterator[Finding]:
    for fault in found.faults:
        yield Finding(fault.code, fault.message, error=True, grammar=True)
    if found.model is None:
        yield Finding("model_missing", (
            "No model is named; vLLM would download and serve its own default."
        ), error=True)  # fmt: skip


def _values(found: Scan) -> Iterator[Finding]:
    for use in found.uses:
        for text in use.values:
            if wanted := refused(use.option, text):
                yield Finding("bad_value", (
                    f"`{use.flag}` takes {wanted}, not `{text}`."
                ), error=True, grammar=True)  # fmt: skip
            elif wanted := out_of_range(use.option, text):
                yield Finding("out_of_range", (
                    f"`{use.flag}` must be {wanted}, not `{text}`."
                ), error=True, grammar=bool(use.option.known))  # fmt: skip
