"""The ratchet counts what a module's own tests ran, and nothing else."""

from pathlib import Path

import pytest
from coverage import Coverage

from tools.coverage_ratchet import (
    Gap,
    gap,
    own_test,
    pure_modules,
    verdicts,
)

CODE = '''"""A module."""

LIMIT = 3


def judge(size: int) -> str:
    if size > LIMIT:
        return "large"
    return "small"
'''
IMPORTED = [(-1, 1), (1, 3), (3, 6), (6, -1)]
LARGE = [(-6, 7), (7, 8), (8, -6)]
SMALL = [(-6, 7), (7, 9), (9, -6)]
OWN = "tests/unit/room/test_parse.py::test_one|run"
OTHER = "tests/unit/other/test_parse.py::test_two|run"


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "src" / "room" / "parse.py"
    path.parent.mkdir(parents=True)
    path.write_text(CODE, encoding="utf-8")
    return path


def recorded(module: Path, contexts: dict[str, list[tuple[int, int]]]) -> Coverage:
    coverage = Coverage(data_file=None, config_file=False, branch=True)
    for context, arcs in contexts.items():
        coverage.get_data().set_context(context)
        coverage.get_data().add_arcs({str(module): arcs})
    return coverage


def test_full_by_its_own_tests(module: Path) -> None:
    run = recorded(module, {"": IMPORTED, OWN: [*LARGE, *SMALL]})
    assert gap(run, module) == Gap("", ())
    assert str(Gap("", ())) == ""


def test_what_other_tests_ran_does_not_count(module: Path) -> None:
    run = recorded(module, {"": IMPORTED, OWN: LARGE, OTHER: SMALL})
    assert gap(run, module) == Gap("9", (7,))
    assert str(gap(run, module)) == "lines 9; branches at 7"


def test_a_module_that_nothing_ran_is_all_gap(module: Path) -> None:
    run = recorded(module, {OTHER: [*IMPORTED, *LARGE]})
    assert gap(run, module).lines == "3-9"


def test_a_branch_not_taken_is_a_gap(module: Path) -> None:
    never = CODE.replace('return "large"\n    return "small"', "size = 0\n    return ''")
    module.write_text(never, encoding="utf-8")
    run = recorded(module, {"": IMPORTED, OWN: [(-6, 7), (7, 8), (8, 9), (9, -6)]})
    assert gap(run, module) == Gap("", (7,))


def test_pure_modules_are_found_by_name_in_rooms(module: Path) -> None:
    source = module.parent.parent
    (module.parent / "api.py").write_text("", encoding="utf-8")
    assert pure_modules(source, ["parse", "plan"]) == [module]
    assert own_test(module) == "tests/unit/room/test_parse.py"


def test_a_gap_needs_an_excuse_and_an_excuse_needs_a_gap() -> None:
    gaps = {"a.py": Gap("3", ()), "b.py": Gap("", (7,)), "c.py": Gap("", ())}
    assert verdicts(gaps, ["a.py", "b.py"]) == []
    assert verdicts(gaps, ["b.py"]) == ["a.py: lines 3"]
    assert verdicts(gaps, ["a.py", "b.py", "c.py", "d.py"]) == [
        "c.py: is fully covered now; take it off `exclude` in [tool.ratchet]",
        "d.py: is excluded in [tool.ratchet] and is no pure module",
    ]
