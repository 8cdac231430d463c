"""The launch script: every value is exactly one word of the real shell."""

import json
import subprocess

from hypothesis import given, settings
from hypothesis import strategies as st

from spark_control.core.shell import render
from spark_control.swap.domain import Unit
from spark_control.swap.script import launch_command, launch_script, script_path, serve_words

UNIT = Unit(
    job="sw_1", key="qwen36", source="Qwen/Qwen3.6", container="vllm_node", image="vllm-node",
    port=8888, launch_dir="~/spark-vllm-docker", args=("--max-model-len", "4096"),
)  # fmt: skip
WORD = st.text(st.characters(exclude_characters="\0\r", codec="utf-8"))


def test_the_words_of_the_engine() -> None:
    assert " ".join(serve_words(UNIT)) == (
        "vllm serve Qwen/Qwen3.6 --served-model-name qwen36 Qwen/Qwen3.6 "
        "--host 0.0.0.0 --port 8888 -tp 1 --max-model-len 4096"
    )


def test_the_last_line_serves_and_nothing_follows() -> None:
    lines = launch_script(UNIT).splitlines()
    assert lines[0] == "#!/bin/bash"
    assert lines[-1].startswith("vllm serve ")


def _with(args: list[str], env: dict[str, str]) -> Unit:
    from dataclasses import replace

    return replace(UNIT, args=tuple(args), env=env)


@given(st.lists(WORD, max_size=5), WORD)
@settings(max_examples=40, deadline=None)
def test_any_argument_arrives_as_one_word(args: list[str], value: str) -> None:
    script = launch_script(_with(args, {"SOME_VALUE": value}))
    stand_in = """vllm() { python3 -c 'import json, os, sys
print(json.dumps([sys.argv[1:], os.environ["SOME_VALUE"]]))' "$@"; }
"""
    said = subprocess.run(
        ["/bin/bash", "-s"], input=(stand_in + script).encode(), capture_output=True, check=True
    )
    words, seen = json.loads(said.stdout)
    assert words == list(serve_words(_with(args, {})))[1:]
    assert seen == value


def test_the_launch_line() -> None:
    assert render(launch_command(UNIT)) == (
        'cd "$HOME"/spark-vllm-docker && exec env '
        "'VLLM_SPARK_EXTRA_DOCKER_ARGS=--label sc.job=sw_1 --label sc.model=qwen36' "
        "./launch-cluster.sh --name vllm_node -t vllm-node --solo -d "
        '--launch-script "$HOME"/.spark-control/launch-vllm_node.sh'
    )
    assert str(script_path(UNIT)) == "~/.spark-control/launch-vllm_node.sh"


def test_under_a_fence_the_launch_is_guarded() -> None:
    from dataclasses import replace

    bare, guarded = launch_command(UNIT), launch_command(replace(UNIT, realm="r1", fence=7))
    assert guarded.words[-len(bare.words) :] == bare.words
    assert guarded.words[-len(bare.words) - 2 : -len(bare.words)] == ("r1", "7")
    assert (guarded.cwd, guarded.env) == (bare.cwd, bare.env)


def test_mods_and_mounts_come_before_the_script() -> None:
    from dataclasses import replace

    command = launch_command(replace(UNIT, mods=("mods/a",), mount="/srv/m"))
    words = [str(word) for word in command.words]
    assert words[6:12] == ["--apply-mod", "mods/a", "-v", "/srv/m:/srv/m", "-d", "--launch-script"]
