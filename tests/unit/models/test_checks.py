"""What a recipe may hold."""

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_control.models import checks
from spark_control.models.domain import Mode
from spark_control.models.errors import BadRecipe

HOSTILE = [
    "a;b",
    "a b",
    "$(id)",
    "`id`",
    "a'b",
    'a"b',
    "a\nb",
    "a\0b",
    "é",
    "",
    "-x",
    None,
    7,
    ["a"],
]


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("check", [checks.key, checks.repo, checks.local_path, checks.image])
def test_names_take_no_hostile_value(check: Callable[[object], object], value: object) -> None:
    with pytest.raises(BadRecipe):
        check(value)


def test_a_good_key() -> None:
    assert checks.key("qwen3-vl") == "qwen3-vl"


@pytest.mark.parametrize(
    "repo", ["gpt2", "openai/gpt-oss-120b", "Qwen/Qwen3.6-35B-A3B-FP8", "org/a--b", "0x/y_z"]
)
def test_good_repos(repo: str) -> None:
    assert checks.repo(repo) == repo


@pytest.mark.parametrize("repo", ["a/b/c", "/a", "a/", "-a/b", "a/-b", "../a", "a/..", "a" * 129])
def test_bad_repos(repo: str) -> None:
    with pytest.raises(BadRecipe, match="repo"):
        checks.repo(repo)


def test_good_paths() -> None:
    assert checks.local_path("/home/user/models/my-finetune/") == "/home/user/models/my-finetune"
    assert checks.local_path("/m/a_b+c@1.0") == "/m/a_b+c@1.0"


@pytest.mark.parametrize(
    "path",
    ["/", "models/x", "~/x", "/a/../b", "/a/./b", "/a//b", "/a:b", "/" + "a" * 513, "/a b"],
)
def test_bad_paths(path: str) -> None:
    with pytest.raises(BadRecipe, match="local_path"):
        checks.local_path(path)


@pytest.mark.parametrize(
    "image",
    [
        "vllm-node", "vllm-node:prev-0a1b2c", "eugr/spark-vllm:latest",
        "registry.example.org:5000/team/vllm:26.01-py3", "vllm@sha256:" + "a" * 64,
    ],
)  # fmt: skip
def test_good_images(image: str) -> None:
    assert checks.image(image) == image


@pytest.mark.parametrize("image", ["-v", "Vllm", "a//b", "a:b:c", "a@sha256:12", "a" * 256, "a:"])
def test_bad_images(image: str) -> None:
    with pytest.raises(BadRecipe, match="image"):
        checks.image(image)


def test_mode() -> None:
    assert checks.mode("solo") is Mode.SOLO
    assert checks.mode("cluster") is Mode.CLUSTER
    for value in ("both", "", None, ["solo"], 1):
        with pytest.raises(BadRecipe, match="mode"):
            checks.mode(value)


def test_one_line_of_text() -> None:
    assert checks.line("  Qwen3 <b>  ", "name", longest=20) == "Qwen3 <b>"
    for value in ("", "  ", None, 7, "a\nb", "a\x1b[0m", "a" * 21):
        with pytest.raises(BadRecipe, match="name"):
            checks.line(value, "name", longest=20)


def test_notes() -> None:
    assert checks.notes(" two\nlines ") == "two\nlines"
    for value in (None, 7, "a\0", "a" * 4001):
        with pytest.raises(BadRecipe, match="notes"):
            checks.notes(value)


def test_mods() -> None:
    assert checks.mods(["mods/fix-x", "m.zip"]) == ("mods/fix-x", "m.zip")
    for value in ("mods/x", None, [7], ["/abs"], ["../x"], ["-x"], ["a b"], ["a"] * 17):
        with pytest.raises(BadRecipe, match="mods"):
            checks.mods(value)


def test_env() -> None:
    given_env = {"VLLM_X": "a b;$(c)", "N": 1, "F": 0.5}
    assert checks.env(given_env) == (("VLLM_X", "a b;$(c)"), ("N", "1"), ("F", "0.5"))
    bad: list[object] = [
        None, [], {"a b": "1"}, {"1A": "1"}, {7: "1"}, {"A": True}, {"A": None}, {"A": "x\ny"},
        {"A": "x" * 4097}, {f"A{n}": "1" for n in range(65)},
    ]  # fmt: skip
    for value in bad:
        with pytest.raises(BadRecipe, match="env"):
            checks.env(value)


@pytest.mark.parametrize("name", ["HF_TOKEN", "NGC_API_KEY", "X_PASSWORD", "secret", "TOKEN"])
def test_env_takes_no_secret_and_does_not_repeat_it(name: str) -> None:
    with pytest.raises(BadRecipe) as caught:
        checks.env({name: "hf_abc123"})
    assert "hf_abc123" not in str(caught.value.as_dict())


def test_args() -> None:
    words = ["--max-model-len", 32768, "--gpu-memory-utilization", 0.7, "--x", '{"a": "b c"}']
    assert checks.vllm_args(words) == (
        "--max-model-len", "32768", "--gpu-memory-utilization", "0.7", "--x", '{"a": "b c"}',
    )  # fmt: skip
    assert checks.vllm_args([]) == ()
    bad: list[object] = [
        "--x", None, {"--x": 1}, ["--x", True], ["--x", None], ["--x", ["y"]], ["--x", "a\nb"],
        ["--x", "a\0b"], ["--x", "a\rb"], ["--x", "y" * 4097], ["org/model"], ["--x"] * 257,
    ]  # fmt: skip
    for value in bad:
        with pytest.raises(BadRecipe, match="vllm_args"):
            checks.vllm_args(value)


@pytest.mark.parametrize(
    "words",
    [
        ["-tp", "2"], ["-tp=2"], ["--tensor-parallel-size", "2"], ["--tensor_parallel_size=2"],
        ["--tensor-par", "2"], ["--port", "1"], ["--host=0.0.0.0"], ["--served-model-name", "x"],
        ["--served_model_name=x"], ["--model", "org/x"], ["--distributed-executor-backend", "ray"],
        ["--nnodes", "2"], ["--node-rank", "1"], ["--master-addr", "x"], ["--master-port", "1"],
        ["--headless"], ["--api-key", "s3cret"],
    ],
)  # fmt: skip
def test_args_leave_the_launchers_flags_alone(words: list[str]) -> None:
    with pytest.raises(BadRecipe, match=r"must not hold --?\w") as caught:
        checks.vllm_args(["--seed", "1", *words])
    assert "s3cret" not in caught.value.message


@pytest.mark.parametrize(
    "word", ["--model-impl", "--model-loader-extra-config", "--headed", "--h"]
)
def test_flags_that_only_look_alike_pass(word: str) -> None:
    assert checks.vllm_args([word, "x"]) == (word, "x")


def test_the_chat_template_of_a_local_model_lies_in_its_folder() -> None:
    checks.chat_template(("--chat-template", "/m/a/t.jinja"), "/m/a")
    checks.chat_template(("--seed", "1"), "/m/a")
    for value in ("/m/ab/t.jinja", "/m/a/../b/t.jinja", "/m/a/./t", "t.jinja", "/m/a", ""):
        with pytest.raises(BadRecipe, match="template"):
            checks.chat_template((f"--chat_template={value}",), "/m/a")
    with pytest.raises(BadRecipe, match="template"):
        checks.chat_template(("--chat-template",), "/m/a")


@given(st.one_of(st.text(), st.lists(st.text()), st.dictionaries(st.text(), st.text())))
def test_any_value_is_taken_or_refused(value: object) -> None:
    for check in (checks.key, checks.repo, checks.local_path, checks.image, checks.mods,
                  checks.env, checks.vllm_args, checks.notes, checks.mode):  # fmt: skip
        with contextlib.suppress(BadRecipe):
            check(value)


def test_flags_of_the_launch_are_taken_out_with_their_values() -> None:
    words = ["--seed", "1", "-tp", "2", "--port=8000", "--served-model-name", "a", "b", "--x",
             "--served-model-name", "c", "--headless"]  # fmt: skip
    kept, left = checks.without_ours(words)
    assert kept == ("--seed", "1", "--x")
    assert [name for name, _ in left] == [
        "-tp", "--port", "--served-model-name", "--served-model-name", "--headless",
    ]  # fmt: skip
    assert all(reason for _, reason in left)
    assert checks.vllm_args(kept) == kept
    assert checks.without_ours([]) == ((), [])
