"""Rows and words of docker's listings."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from spark_control.lab.standins.box import Box
from spark_control.lab.standins.containers import Container
from spark_control.lab.standins.docker_args import Refused
from spark_control.lab.standins.docker_rows import ago, inspected, passes, ps_row, state, status

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
META: dict[str, object] = {
    "name": "one",
    "image": "vllm-node",
    "image_id": "sha256:ab",
    "labels": {"a": "b", "bare": ""},
    "env": ["A=1"],
    "command": ["sleep", "infinity", "and a good deal more"],
    "mounts": [["/x", "/y"], ["/x/deep", "/y/deep"]],
    "created": "2026-11-21T11:58:00.000000000Z",
    "finished": "2026-11-21T11:59:30.000000000Z",
    "state": "exited",
    "exit_code": 137,
}


def container(**changes: object) -> Container:
    return Container(Box(Path("/nowhere")), Path("/nowhere/containers/4f2e"), {**META, **changes})


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "1 second"), (42, "42 seconds"), (61, "About a minute"), (7300, "2 hours")],
)
def test_ago(seconds: int, words: str) -> None:
    stamp = (NOW - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.000000000Z")
    assert ago(stamp, NOW) == words
    assert ago("", NOW) == ""


def test_states() -> None:
    assert (state(container()), status(container(), NOW)) == (
        "exited",
        "Exited (137) 30 seconds ago",
    )
    fresh = container(state="")
    assert (state(fresh), status(fresh, NOW)) == ("created", "Created")
    # A shim that was killed leaves `running` behind, and no process.
    assert state(container(state="running", pid=999_999_999)) == "exited"


def test_rows() -> None:
    row = ps_row(container(), NOW)
    assert (row["Names"], row["Labels"], row["Command"]) == (
        "one",
        "a=b,bare=",
        '"sleep infinity and a"',
    )
    assert ps_row(container(), NOW, whole=True)["ID"] == "4f2e"
    told = inspected(container(command=[]))
    assert (told["Path"], told["Args"]) == ("", [])


@pytest.mark.parametrize(
    ("filters", "fits"),
    [
        ([], True),
        (["name=on"], True),
        (["name=^/?one$"], True),
        (["name=^/two"], False),
        (["name=two", "name=one"], True),
        (["label=a"], True),
        (["label=a=b", "label=bare"], True),
        (["label=a=c"], False),
        (["label=none"], False),
        (["status=exited", "ancestor=vllm-node", "id=4f"], True),
        (["status=running"], False),
    ],
)
def test_filters(filters: list[str], *, fits: bool) -> None:
    assert passes(container(), filters) is fits


def test_a_filter_nobody_knows() -> None:
    with pytest.raises(Refused, match="invalid filter"):
        passes(container(), ["colour=red"])


def test_paths_of_a_container() -> None:
    one = container()
    assert one.on_spark("/y/deep/file") == Path("/x/deep/file")
    assert one.on_spark("/y") == Path("/x")
    assert one.on_spark("/yonder") is None
