"""Who holds a port, whose it is, and what is shown of it."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_control.swap.foreign import (
    LONGEST,
    WORDS,
    Holder,
    Kind,
    Ours,
    Unreadable,
    judge,
    read_holder,
    shown_words,
)

LISTENER = {"address": "0.0.0.0", "uid": 1000, "inode": "5"}
PROCESS = {
    "pid": 70, "name": "llama-server", "words": ["llama-server", "--api-key", "s3"], "ticks": 900,
    "boot": "b-1", "started": 1767225600.5, "uid": 1000, "container": None, "unit": "",
}  # fmt: skip
CONTAINER = {
    "id": "c" * 64, "name": "my-llm", "image": "vllm/vllm-openai:latest", "labels": {},
    "started": "2026-01-01T00:00:00.123456789Z", "words": ["vllm", "serve"], "restart": "always",
}  # fmt: skip


def told(**more: object) -> Holder | None:
    row = {"listener": LISTENER, "uid": 1000, "process": None, "problems": [], **more}
    return read_holder(json.dumps(row))


def some(**more: object) -> Holder:
    found = told(**more)
    assert found is not None
    return found


def test_nothing_listens() -> None:
    assert told(listener=None) is None


def test_a_process_of_ours_to_end() -> None:
    found = some(process=PROCESS)
    assert (found.kind, found.id, found.mark) == (Kind.PROCESS, "process b-1 70 900", "70")
    assert (found.pid, found.ticks, found.boot, found.endable) == (70, 900, "b-1", True)
    assert found.since == datetime(2026, 1, 1, 0, 0, 0, 500000, UTC)
    assert found.words == ("llama-server", "--api-key", "***")
    assert found.title == "the process 70 (llama-server)"
    assert found.container_name == ""
    assert found.by_hand("spark1") == "Run `sudo kill 70` on spark1."


@pytest.mark.parametrize(("me", "uid", "may"), [(0, 5, True), (5, 5, True), (5, 0, False)])
def test_whose_processes_may_be_ended(me: int, uid: int, *, may: bool) -> None:
    assert some(uid=me, process=PROCESS | {"uid": uid}).endable is may


def test_a_service_of_systemd_is_ended_as_one() -> None:
    found = some(process=PROCESS | {"unit": "llm.service", "started": None, "words": None})
    assert found.by_hand("spark1") == "Run `sudo systemctl stop llm.service` on spark1."
    assert (found.since, found.words) == (None, ())


def test_a_container() -> None:
    found = some(container=CONTAINER, process=PROCESS, problems=["x" * 900])
    assert (found.kind, found.name, found.mark) == (Kind.CONTAINER, "my-llm", "my-llm")
    assert found.id == f"container {'c' * 64} 2026-01-01T00:00:00.123456789Z"
    assert found.since == datetime(2026, 1, 1, 0, 0, 0, 123456, UTC)
    assert (found.pid, found.words[0], found.restarts) == (70, "llama-server", True)
    assert (found.job, len(found.problems[0])) == (None, LONGEST)
    assert found.title == "the container my-llm"


def test_a_container_whose_process_is_not_seen() -> None:
    row = CONTAINER | {"started": None, "image": None, "labels": None, "restart": "no"}
    found = some(listener=None, container=row)
    assert (found.since, found.image, found.pid, found.restarts) == (None, "", None, False)
    assert found.words == ("vllm", "serve")


def test_something_that_cannot_be_seen() -> None:
    found = some(problems=["it belongs to user 0"])
    assert (found.kind, found.mark, found.id, found.endable) == (Kind.UNKNOWN, "", "", False)
    assert found.title == "something that cannot be told"
    assert found.problems == ("it belongs to user 0",)


@pytest.mark.parametrize(
    ("text"), ["", "[]", "{}", "null", '{"listener": {}, "problems": 5}',
               '{"listener": {}, "problems": [], "process": {"pid": "x"}, "uid": 1}',
               '{"listener": {}, "problems": [], "container": {"name": 1}}',
               '{"listener": {}, "problems": [], "process": 7, "uid": 1}'],
)  # fmt: skip
def test_what_no_program_of_ours_prints(text: str) -> None:
    with pytest.raises(Unreadable):
        read_holder(text)


@given(st.text())
def test_no_text_breaks_the_reading(text: str) -> None:
    with pytest.raises(Unreadable):
        read_holder(text)


def test_whose_it_is() -> None:
    ours = some(container=CONTAINER | {"labels": {"sc.job": "sw_1"}})
    assert ours.job == "sw_1"
    assert judge(ours, "vllm_node", None) is Ours.YES
    theirs = some(container=CONTAINER)
    assert judge(theirs, "vllm_node", None) is Ours.NO
    assert judge(theirs, "vllm_node", theirs.id) is Ours.ADOPTED
    # The settings say that the container of this name is the engine's.
    assert judge(theirs, "my-llm", None) is Ours.YES
    process = some(process=PROCESS | {"name": "vllm_node"})
    assert judge(process, "vllm_node", None) is Ours.NO
    assert judge(process, "vllm_node", process.id) is Ours.ADOPTED
    unknown = some()
    assert judge(unknown, "", "") is Ours.NO


@pytest.mark.parametrize("more", [{"container": "c" * 64}, {"name": "docker-proxy"}, {"pid": 1}])
def test_a_process_that_only_stands_for_the_engine_is_not_ended(more: dict[str, object]) -> None:
    found = some(process=PROCESS | more, problems=["docker could not be asked"])
    assert (found.kind, found.endable, found.id, found.mark) == (Kind.UNKNOWN, False, "", "")
    assert found.problems == (
        "docker could not be asked", "the process that listens only stands for another one",
    )  # fmt: skip
    assert judge(found, "my-llm", "") is Ours.NO


def test_another_run_is_another_engine() -> None:
    before = some(container=CONTAINER)
    again = some(container=CONTAINER | {"started": "2026-01-02T00:00:00Z"})
    assert judge(again, "vllm_node", before.id) is Ours.NO
    number = some(process=PROCESS | {"ticks": 901})
    assert judge(number, "vllm_node", some(process=PROCESS).id) is Ours.NO


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["--api-key=abc", "-v"], ("--api-key=***", "-v")),
        (["--hf-token", "abc", "--x", "y"], ("--hf-token", "***", "--x", "y")),
        (["--api-key", "one", "two", "-v"], ("--api-key", "***", "***", "-v")),
        (["--max-num-batched-tokens", "8192"], ("--max-num-batched-tokens", "8192")),
        (
            ["sh", "-c", "env A_TOKEN=abc vllm serve --api-key 'a b' --hf-token=def --port 1"],
            ("sh", "-c", "env A_TOKEN=*** vllm serve --api-key *** --hf-token=*** --port 1"),
        ),
        (["x --api-key --port 1", "-m"], ("x --api-key --port 1", "-m")),
        (['{"api_key": "abc", "n": 1}'], ('{"api_key": ***, "n": 1}',)),
        (["-H", "Authorization: Bearer abc"], ("-H", "Authorization: Bearer ***")),
        (["--password", "--flag"], ("--password", "--flag")),
        (["HF_TOKEN=abc", "vllm"], ("HF_TOKEN=***", "vllm")),
        (["--url", "http://me:pw@example.org/x"], ("--url", "http://***@example.org/x")),
        (["--tokenizer", "org/name"], ("--tokenizer", "org/name")),
        (["y" * 999], ("y" * LONGEST,)),
    ],
)
def test_secrets_are_not_shown(words: list[str], shown: tuple[str, ...]) -> None:
    assert shown_words(words) == shown


def test_the_words_have_an_end() -> None:
    assert len(shown_words(["x"] * 999)) == WORDS
