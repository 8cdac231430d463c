"""Each page of the gateway names every error that its clients can get, and none that is not."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from spark_control.core import errors as core
from tools.make_docs import FAMILIES, error_classes, family_page

ROOT = Path(__file__).parents[2]
GATEWAY = ROOT / "src/spark_control/gateway"
CODES = {kind.__name__: kind.code for kind in error_classes()}
NO_ANSWERS = {"AppError", "FramingBroken", "WorkerAnswers", "EngineTrouble"}
"""What is caught, translated, or never met at the gateway's port."""
SAID = re.compile(r"\b[45]\d\d `([a-z_]+)`|^\| [45]\d\d[^|]* \| `([a-z_]+)` \|", re.MULTILINE)
OF_ALL = ["head", "worker/known", "worker/lists", "worker/pool", "worker/relayed"]
OF_MODELS = ["envelope", "route", "limits", "worker/client", "worker/exchange", "worker/upstream"]
MODULES = {
    "docs/gateway-chat.md": OF_ALL + OF_MODELS,
    "docs/gateway-embeddings.md": [*OF_ALL, *OF_MODELS, "worker/model"],
    "docs/gateway-audio.md": [
        *OF_ALL, *OF_MODELS, "worker/model", "speech", "worker/audio", "worker/upload",
        "worker/spool",
    ],
    "docs/gateway-models.md": OF_ALL,
}  # fmt: skip
ELSEWHERE = {
    "docs/gateway-chat.md": {"service_unreachable"},
    "docs/gateway-embeddings.md": {"service_wedged"},
    "docs/gateway-models.md": {
        "engine_unreachable", "service_unreachable", "answer_malformed", "method_wrong",
    },
}  # fmt: skip
"""What a module of several families has for another one."""


def raised(path: Path) -> Iterator[str]:
    """Yield the codes of the errors that a module takes in from the errors of a room."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").endswith(".errors"):
            yield from (
                CODES[one.name] for one in node.names if one.name in CODES.keys() - NO_ANSWERS
            )


@pytest.mark.parametrize("page", FAMILIES)
def test_the_tables_are_fresh(page: str) -> None:
    assert (ROOT / page).read_text(encoding="utf-8") == family_page(page), "run `make docs`"


@pytest.mark.parametrize("page", FAMILIES)
def test_a_page_has_what_its_modules_raise(page: str) -> None:
    found = {code for name in MODULES[page] for code in raised(GATEWAY / f"{name}.py")}
    assert found - ELSEWHERE.get(page, set()) <= set(FAMILIES[page])


def test_no_error_of_the_gateway_is_on_no_page() -> None:
    modules = {*GATEWAY.glob("*.py"), *(GATEWAY / "worker").glob("*.py")}
    found = {code for path in modules - {GATEWAY / "errors.py"} for code in raised(path)}
    own = {
        kind.code
        for kind in error_classes()
        if kind.__module__ == "spark_control.gateway.errors" and kind.__name__ not in NO_ANSWERS
    }
    listed = {code for codes in FAMILIES.values() for code in codes}
    assert (found | own) - listed == set()


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("gateway*.md")), ids=lambda p: p.stem)
def test_every_code_that_is_named_exists(page: Path) -> None:
    named = {first or second for first, second in SAID.findall(page.read_text(encoding="utf-8"))}
    assert named <= set(CODES.values())
    assert named


def test_families_are_named_once() -> None:
    assert core.AppError.code not in {code for codes in FAMILIES.values() for code in codes}
    assert all(len(codes) == len(set(codes)) for codes in FAMILIES.values())
