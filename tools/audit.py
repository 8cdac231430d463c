"""Look for known vulnerabilities in what the locks hold: our own list, then what the index knows.

Our list (`requirements/refused.txt`) needs no network. The index is asked by pip-audit; when it
does not answer, that is said loudly and is no failure. A vulnerability that it knows is one.
"""

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.check_locks import pins

LOCKS = ("build", "base", "demo", "dev")
ASKED = ("requirements/dev.lock", "requirements/build.lock")  # they hold all that the others do
LIMIT_S = 180
WORDS = (
    "--disable-pip", "--require-hashes", "--vulnerability-service", "pypi",
    "--format", "json", "--progress-spinner", "off",
)  # fmt: skip


def refusals(text: str) -> list[Requirement]:
    """Read our list: the releases of a package that are bad, alternatives as several `==`."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [Requirement(one) for line in lines if line for one in _alternatives(line)]


def _alternatives(line: str) -> list[str]:
    name, *versions = line.split("==")
    return [f"{name}=={version.strip(' ,')}" for version in versions] or [line]


def held(locked: Mapping[str, str], refused: Iterable[Requirement]) -> list[str]:
    """Return the bad releases that a lock holds."""
    return [
        f"{one.name} {version} is a release known to be bad ({one.specifier})"
        for one in refused
        if (version := locked.get(canonicalize_name(one.name)))
        and one.specifier.contains(version, prereleases=True)
    ]


def let_in(wanted: Iterable[str], refused: Sequence[Requirement]) -> list[str]:
    """Return the requirements whose floor lets in a release that is known to be bad."""
    found = []
    for text in wanted:
        wish = Requirement(text)
        floors = {spec.version for spec in wish.specifier if spec.operator in {">=", "==", "~="}}
        bad = [one for one in refused if _same(one, wish)]
        if bad and not floors:
            found.append(f"{text}: has no floor")
        found += [
            f"{text}: lets in a release known to be bad ({one.specifier})"
            for one in bad
            for floor in floors
            if one.specifier.contains(floor, prereleases=True)
        ]
    return found


def _same(one: Requirement, other: Requirement) -> bool:
    return canonicalize_name(one.name) == canonicalize_name(other.name)


def reported(report: Mapping[str, Any]) -> tuple[list[str], int, list[str]]:
    """Return what pip-audit found, how many packages the index answered for, and which not."""
    bad, answered, open_ = [], 0, []
    for row in report["dependencies"]:
        if "skip_reason" in row:
            open_.append(row["name"])
            continue
        answered += 1
        for hole in row["vulns"]:
            names = ", ".join(dict.fromkeys([hole["id"], *hole.get("aliases", [])]))
            fixed = ", ".join(hole.get("fix_versions", [])) or "no release yet"
            bad.append(f"{row['name']} {row['version']}: {names}; fixed in {fixed}")
    return bad, answered, open_


def ask(locks: Sequence[str]) -> tuple[Mapping[str, Any] | None, str]:
    """Return what pip-audit says, or None and why there is nothing."""
    files = [word for lock in locks for word in ("-r", lock)]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pip_audit", *WORDS, *files],
            capture_output=True, text=True, check=False, timeout=LIMIT_S,
        )  # fmt: skip
        return json.loads(done.stdout), ""
    except subprocess.TimeoutExpired:
        return None, f"no answer within {LIMIT_S} s"
    except ValueError:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        return None, said[-1][:300] if said else "no answer"


def verdict(report: Mapping[str, Any] | None, why: str) -> tuple[list[str], bool]:
    """Return what to tell of the index's word, and whether it is a failure."""
    if report is None:
        return [f"audit: NOT CHECKED with the index: {why}"], False
    bad, answered, open_ = reported(report)
    if not answered:
        return ["audit: NOT CHECKED: the index does not answer about vulnerabilities"], False
    told = [f"audit: {answered} packages asked about, {len(bad)} known vulnerabilities"]
    if open_:
        told.append(f"audit: NOT CHECKED, unknown to the index: {', '.join(sorted(open_))}")
    return [*told, *bad], bool(bad)


def ours() -> list[str]:
    """Return what our own list says of the locks and the floors."""
    refused = refusals(Path("requirements/refused.txt").read_text(encoding="utf-8"))
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [text for texts in project["optional-dependencies"].values() for text in texts]
    wrong = let_in([*project["dependencies"], *extras], refused)
    for name in LOCKS:
        lock = pins(Path(f"requirements/{name}.lock").read_text(encoding="utf-8"))
        wrong += [f"{name}.lock: {line}" for line in held(lock, refused)]
    return wrong


def main() -> int:
    """Tell what is found; 1 when there is a known vulnerability."""
    wrong = ours()
    told, failed = verdict(*ask(ASKED))
    for line in [*wrong, *told]:
        print(line)
    return 1 if wrong or failed else 0


if __name__ == "__main__":
    sys.exit(main())
