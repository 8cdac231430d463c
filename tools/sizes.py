"""Print the ten longest files and the ten longest functions; a report, not a gate."""

import ast
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path("src/spark_control")


def functions(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the length and the place of every function of `path`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            yield length, f"{path}:{node.lineno} {node.name}"


def report(title: str, rows: list[tuple[int, str]]) -> None:
    """Print the ten largest rows, and how the rest lies."""
    rows.sort(reverse=True)
    median, p95 = rows[len(rows) // 2][0], rows[len(rows) // 20][0]
    print(f"{title}: {len(rows)}, median {median} lines, 95th percentile {p95}")
    for size, name in rows[:10]:
        print(f"  {size:4} {name}")


def main() -> None:
    """Print both tables."""
    files = sorted(SOURCE.rglob("*.py"))
    report("files", [(len(f.read_text(encoding="utf-8").splitlines()), str(f)) for f in files])
    report("functions", [row for file in files for row in functions(file)])


if __name__ == "__main__":
    main()
