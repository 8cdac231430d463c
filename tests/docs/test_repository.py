"""What the files beside the code promise is so."""

import configparser
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from tools.check_locks import addresses, pins, unhashed

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "spark_control"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROBES = {"typed_errors", "contract_test", "lab_faults", "docs_page", "empty_and_error_state"}

# Imports every module and tells of what a mere import must not do.
IMPORTER = """
import importlib, os, pkgutil, re, sys
seen = []
def hook(event, args):
    if event.startswith(("socket.", "subprocess.", "os.system", "os.fork", "_thread.start")):
        seen.append(event)
    elif event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        seen.append(f"open {args[0]}")
sys.dont_write_bytecode = True
import spark_control
programs = re.compile(r"[.](__main__|migrations|remote|stand_ins|standins)([.]|$)")
names = [m.name for m in pkgutil.walk_packages(spark_control.__path__, "spark_control.")]
for name in [n for n in names if not programs.search(n)]:
    for third in ("fastapi", "sqlalchemy", "asyncssh", "httpx", "typer", "rich", "alembic"):
        importlib.import_module(third)
    before = dict(os.environ)
    sys.addaudithook(hook) if name == names[0] else None
    importlib.import_module(name)
    if dict(os.environ) != before:
        seen.append(f"environment in {name}")
print("\\n".join(seen))
"""


def test_one_source_of_the_version() -> None:
    init = (SOURCE / "__init__.py").read_text(encoding="utf-8")
    version = next(line for line in init.splitlines() if line.startswith("__version__"))
    assert PYPROJECT["project"]["dynamic"] == ["version"]
    assert "version" not in PYPROJECT["project"]
    number = version.split('"')[1]
    others = [p for p in SOURCE.rglob("*.py") if f'"{number}"' in p.read_text(encoding="utf-8")]
    assert others == [SOURCE / "__init__.py"]


def test_no_file_is_too_long_to_read() -> None:
    long = [
        str(path.relative_to(ROOT))
        for path in SOURCE.rglob("*.py")
        if len(path.read_text(encoding="utf-8").splitlines()) > 400
    ]
    assert not long


def test_an_import_does_nothing() -> None:
    done = subprocess.run(  # noqa: S603 - our own interpreter and our own text
        [sys.executable, "-W", "error", "-c", IMPORTER],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr, done.stdout.strip()) == (0, "", "")


def test_the_readme_names_the_two_commands() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make demo" in readme
    assert "make test" in readme


def test_contributing_is_short() -> None:
    assert len((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()) <= 60


def test_recipes_are_short() -> None:
    longest = 0
    lines = 0
    for line in (ROOT / "Makefile").read_text(encoding="utf-8").splitlines():
        lines = lines + 1 if line.startswith("\t") else 0
        longest = max(longest, lines)
    assert 0 < longest <= 5


@pytest.mark.parametrize(
    "lock", sorted((ROOT / "requirements").glob("*.lock")), ids=lambda path: path.stem
)
def test_locks_name_no_index_and_hash_everything(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert len(pins(text)) > 3
    assert not addresses(text)
    assert not unhashed(text)


def test_what_the_contracts_call_pure_is_what_the_ratchet_calls_pure() -> None:
    contracts = configparser.ConfigParser()
    contracts.read(ROOT / ".importlinter", encoding="utf-8")
    named = contracts["importlinter:contract:pure"]["source_modules"].split()
    assert [f"spark_control.*.{name}" for name in PYPROJECT["tool"]["ratchet"]["pure"]] == named


def quality() -> dict[str, dict[str, object]]:
    text = (ROOT / "docs" / "quality.yaml").read_text(encoding="utf-8")
    found: dict[str, dict[str, object]] = yaml.safe_load(text)["capabilities"]
    return found


@pytest.mark.parametrize(("room", "rules"), quality().items())
def test_every_rule_of_quality_has_an_answer(room: str, rules: dict[str, object]) -> None:
    assert set(rules) == PROBES, room
    for name, answer in rules.items():
        if answer == "done":
            continue
        assert isinstance(answer, dict), f"{room}.{name}: done, or todo or exempt with a reason"
        assert set(answer) in ({"todo"}, {"exempt"}), f"{room}.{name}"
        assert all(isinstance(why, str) and len(why) > 10 for why in answer.values()), room


def test_quality_knows_every_room() -> None:
    rooms = {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    assert rooms - {"app", "cli"} <= set(quality())
