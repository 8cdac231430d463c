"""The launch script: every value is exactly one word of the real shell."""

import json
import subprocess

from hypothesis import given, settings
from hypothesis import strategies as st

from spark_control.core.shell import render
from spark_control.swap.domain import Link, Unit
from spark_control.swap.script import (
    INSIDE,
    Contract,
    contract_of,
    copy_command,
    exec_command,
    launch_command,
    launch_script,
    peer_command,
    script_path,
    serve_words,
    start_command,
)

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


LINKS = (
    Link("spark1", "10.88.1.11", "enp1s0f0np0", "rocep1s0f0"),
    Link("spark2", "10.88.1.12", "enp1s0f0np0", "rocep1s0f0"),
)


def _cluster() -> Unit:
    from dataclasses import replace

    return replace(UNIT, ranks=("spark1", "spark2"), mods=("mods/a",))


def test_a_cluster_is_launched_with_its_addresses_and_labelled_with_its_sparks() -> None:
    command = launch_command(_cluster(), LINKS)
    assert command.env["VLLM_SPARK_EXTRA_DOCKER_ARGS"].endswith("--label sc.ranks=spark1,spark2")
    assert str(command) == (
        "./launch-cluster.sh --name vllm_node -t vllm-node "
        "-n 10.88.1.11,10.88.1.12 --eth-if enp1s0f0np0 --ib-if rocep1s0f0 "
        "--apply-mod mods/a -d --launch-script ~/.spark-control/launch-vllm_node.sh"
    )
    assert "-tp 2" in launch_script(_cluster())
    plain = launch_command(_cluster(), [Link("a", "10.88.0.11"), Link("b", "10.88.0.12")])
    assert "-n 10.88.0.11,10.88.0.12 --apply-mod" in str(plain)


def test_the_older_launcher_starts_ray_and_we_start_the_engine() -> None:
    assert str(start_command(_cluster(), LINKS)).endswith("--apply-mod mods/a -d start")
    assert launch_script(_cluster(), Contract.OLD).endswith("--distributed-executor-backend ray\n")
    assert str(copy_command(_cluster())) == (
        "docker cp ~/.spark-control/launch-vllm_node.sh vllm_node:/tmp/spark-control-launch.sh"
    )
    words = exec_command(_cluster()).words
    assert words[:5] == ("docker", "exec", "-d", "vllm_node", "bash")
    assert words[-2:] == ("bash", INSIDE)


def test_the_contract_is_what_the_usage_tells_of() -> None:
    assert contract_of("bash: no such file") is None
    assert contract_of("Usage: ./launch-cluster.sh [-n <node_ips>] start") is Contract.OLD
    assert contract_of("Usage: ./launch-cluster.sh --solo") is Contract.OLD
    assert contract_of("Usage: ./launch-cluster.sh --solo --launch-script") is Contract.NEW


def test_ssh_is_tried_with_the_words_of_the_launcher() -> None:
    assert str(peer_command("10.88.1.12")).endswith(
        "-o BatchMode=yes -o ConnectTimeout=5 -o StrictHostKeyChecking=no 10.88.1.12 true"
    )
