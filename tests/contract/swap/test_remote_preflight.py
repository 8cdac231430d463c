"""The program sent into containers, run as it is sent, over `vllm` packages of every shape."""

import json
import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from spark_control.swap.said import Said, read_said

PROGRAM = (files("spark_control.swap") / "remote" / "preflight.py").read_text()
PARSER = """
import argparse, logging
class FlexibleArgumentParser(argparse.ArgumentParser):
    pass
"""
CLI_ARGS = """
import json, logging
def parse_type(return_type):
    def _parse_type(val):
        return return_type(val)
    return _parse_type
def optional_type(return_type):
    def _optional_type(val):
        return None if val == "None" else parse_type(return_type)(val)
    return _optional_type
def make_arg_parser(parser):
    parser.add_argument("model_tag", nargs="?")
    parser.add_argument("--max-num-seqs", "-n", type=int)
    parser.add_argument("--dtype", choices=["auto", "half", None])
    parser.add_argument("--middleware", action="append")
    parser.add_argument("--eager", action="store_true")
    parser.add_argument("--gpu-memory-utilization", type=float)
    parser.add_argument("--attention-backend")
    parser.add_argument("--tool-call-parser")
    parser.add_argument("--odd", type=lambda text: 1 / 0)
    parser.add_argument("--lost", type=lambda text: {}.lost)
    parser.add_argument("--limit", type=optional_type(int))
    parser.add_argument("--extra", type=parse_type(json.loads))
    parser.add_argument("--backend", type=lambda text: text.lower().replace("-", "_"))
    parser._option_string_actions["--no-eager"] = parser._option_string_actions["--eager"]
    return parser
def validate_parsed_serve_args(args):
    logging.getLogger("vllm").warning("something odd")
    print("noise")
    if args.dtype == "half":
        raise ValueError("half is not enough")
"""
CONFIG = """
class ValidationError(ValueError):
    pass
class CacheConfig:
    def __init__(self, gpu_memory_utilization=0.9):
        if gpu_memory_utilization > 1:
            raise ValidationError("Input should be less than or equal to 1")
class AttentionConfig:
    def __init__(self, backend):
        raise AttributeError("moved")
class Field:
    metadata = ()
class ParallelConfig:
    __pydantic_fields__ = {"max_num_seqs": Field()}
SchedulerConfig = ModelConfig = ParallelConfig
"""
TOOLS = """
class ToolParserManager:
    @staticmethod
    def list_registered():
        return ["hermes"]
"""


def package(
    tmp: Path, home: str, *, utils: str = "utils/argparse_utils.py", gpu: bool = True
) -> Path:
    vllm = tmp / "site" / "vllm"
    texts = {
        "__init__.py": "__version__ = '0.99'\n",
        f"entrypoints/{home}/cli_args.py": CLI_ARGS,
        f"entrypoints/{home}/__init__.py": "",
        "entrypoints/__init__.py": "",
        "utils/__init__.py": "",
        "config/__init__.py": CONFIG,
        "tool_parsers/__init__.py": TOOLS,
        "platforms/__init__.py": (
            "class P:\n    def is_unspecified(self):\n        return "
            f"{not gpu}\ncurrent_platform = P()\n"
        ),
        "platforms/cpu.py": "class CpuPlatform:\n    pass\n",
    }
    texts[utils] = PARSER
    for name, text in texts.items():
        (vllm / name).parent.mkdir(parents=True, exist_ok=True)
        (vllm / name).write_text(text)
    return vllm.parent


def ask(site: Path, *argv: str, table: bool = False) -> Said:
    request = json.dumps({"argv": list(argv), "table": table})
    done = subprocess.run(
        [sys.executable, "-"],
        input=f"{PROGRAM}\n\nmain({json.dumps(request)})\n",
        capture_output=True, text=True, check=False, env={**_env(), "PYTHONPATH": str(site)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return read_said(done.stdout, done.stderr)


def _env() -> dict[str, str]:
    return {"PATH": os.defpath}


@pytest.mark.parametrize("home", ["common", "launchers", "openai"])
def test_every_home_the_parser_has_had(tmp_path: Path, home: str) -> None:
    said = ask(package(tmp_path, home), "M", "--max-num-seqs", "4", table=True)
    assert (said.ok, said.stage, said.version) == (True, "done", "0.99"), said
    assert said.warnings == ("something odd",)
    assert said.table is not None
    rows = {option.name: option for option in said.table.options}
    assert (rows["--max-num-seqs"].flags, rows["--max-num-seqs"].kind) == (
        ("--max-num-seqs", "-n"),
        "int",
    )
    assert rows["--dtype"].choices == ("auto", "half")
    assert rows["--eager"].values == "none"
    assert rows["--eager"].flags == ("--eager", "--no-eager")  # the second is not in the help
    assert (rows["--limit"].kind, rows["--limit"].optional) == ("int", True)
    assert (rows["--extra"].kind, rows["--extra"].optional) == ("json", False)
    assert rows["--backend"].kind == "str(lower,_)"
    assert rows["--odd"].kind == "str"
    assert rows["--middleware"].repeats
    assert said.table.tool_parsers == ("hermes",)


def test_the_old_place_of_the_parser_class(tmp_path: Path) -> None:
    site = package(tmp_path, "openai", utils="utils/__init__.py", gpu=False)
    assert ask(site, "M").ok


@pytest.mark.parametrize(("argv", "stage", "error"), [
    (["M", "--foo", "1"], "parse", "unrecognized arguments: --foo 1"),
    (["M", "--dtype", "fp16"], "parse", "argument --dtype: invalid choice: 'fp16'"),
    (["M", "--odd", "x"], "parse", "ZeroDivisionError"),
    (["--help"], "parse", "the parser ended"),
    (["M", "--dtype", "half"], "validate", "ValueError: half is not enough"),
    (["M", "--tool-call-parser", "nosuch"], "validate", "unknown tool parser: nosuch"),
    (["M", "--gpu-memory-utilization", "1.5"], "ranges", "less than or equal to 1"),
])  # fmt: skip
def test_what_vllm_refuses(tmp_path: Path, argv: list[str], stage: str, error: str) -> None:
    said = ask(package(tmp_path, "common"), *argv)
    assert (said.checked, said.ok, said.stage) == (True, False, stage), said
    assert error in str(said.error)


def test_limits_that_have_moved_are_open_and_no_refusal(tmp_path: Path) -> None:
    said = ask(package(tmp_path, "common"), "M", "--attention-backend", "X")
    assert (said.ok, said.stage) == (True, "done")
    assert "AttributeError: moved" in str(said.unchecked)


def test_what_breaks_inside_is_no_refusal(tmp_path: Path) -> None:
    site = package(tmp_path, "elsewhere")
    said = ask(site, "M")
    assert (said.checked, said.stage) == (False, "import")
    assert "nowhere it has been before" in str(said.error)
    broken = ask(package(tmp_path / "b", "common"), "M", "--lost", "x")
    assert (broken.checked, broken.stage) == (False, "parse")
    assert "AttributeError" in str(broken.error)


def test_without_vllm(tmp_path: Path) -> None:
    said = ask(tmp_path, "M")
    assert (said.checked, said.ok) == (False, False)
    assert "ModuleNotFoundError" in str(said.error)


@pytest.mark.parametrize("word", ["'; import os #", '"', "\\", "ü\U0001f600", "\n)", "{}"])
def test_any_word_arrives_as_it_is(tmp_path: Path, word: str) -> None:
    said = ask(package(tmp_path, "common"), "M", f"--zzz={word}")
    assert f"--zzz={word}".strip() in str(said.error)
