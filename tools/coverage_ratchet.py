"""Demand that every pure module is covered, lines and branches, by its own test file alone.

One run of all tests records which test ran what (`pytest --cov --cov-context=test`). Of that,
what counts for `src/spark_control/ROOM/FILE.py` is what `tests/unit/ROOM/test_FILE.py` ran, and
what ran outside any test: imports. `[tool.ratchet]` in pyproject.toml says which modules are pure
and which are excused; an excuse that is no longer needed fails too.
"""

import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from coverage import Coverage
from typing_extensions import override

SOURCE = Path("src/spark_control")


@dataclass(frozen=True, slots=True)
class Gap:
    """What the own test file leaves out of a module."""

    lines: str
    branches: tuple[int, ...]

    @override
    def __str__(self) -> str:
        parts = []
        if self.lines:
            parts.append(f"lines {self.lines}")
        if self.branches:
            parts.append(f"branches at {', '.join(map(str, self.branches))}")
        return "; ".join(parts)


def pure_modules(source: Path, names: Iterable[str]) -> list[Path]:
    """Return the modules of all rooms that have one of `names`."""
    return sorted(path for name in names for path in source.glob(f"*/{name}.py"))


def own_test(module: Path) -> str:
    """Return the test file that must cover `module` alone."""
    return f"tests/unit/{module.parent.name}/test_{module.name}"


def gap(recorded: Coverage, module: Path) -> Gap:
    """Return what is missing of `module`; an empty gap is full coverage."""
    recorded.get_data().set_query_contexts([f"^{own_test(module)}::", "^$"])
    *_, missing, shown = recorded.analysis2(str(module))
    branches = recorded.branch_stats(str(module))
    partial = {line for line, (ways, taken) in branches.items() if taken < ways}
    return Gap(shown, tuple(sorted(partial - set(missing))))


def verdicts(gaps: Mapping[str, Gap], excused: Iterable[str]) -> list[str]:
    """Return what is wrong: gaps without an excuse, and excuses without a gap."""
    excuses = set(excused)
    wrong = [f"{name}: {found}" for name, found in gaps.items() if str(found)]
    wrong = [line for line in wrong if line.split(":")[0] not in excuses]
    for name in sorted(excuses):
        if name not in gaps:
            wrong.append(f"{name}: is excluded in [tool.ratchet] and is no pure module")
        elif not str(gaps[name]):
            wrong.append(f"{name}: is fully covered now; take it off `exclude` in [tool.ratchet]")
    return wrong


def main() -> int:
    """Judge the recorded run; 0 when all is well."""
    config = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["tool"]["ratchet"]
    recorded = Coverage()
    recorded.load()
    modules = pure_modules(SOURCE, config["pure"])
    gaps = {str(module): gap(recorded, module) for module in modules}
    wrong = verdicts(gaps, config["exclude"])
    for line in wrong:
        print(line)
    print(f"ratchet: {len(gaps)} pure modules, {len(wrong)} not as they should be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
