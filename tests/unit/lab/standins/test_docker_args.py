"""Words after `docker` are taken as the docker client takes them."""

import pytest

from spark_control.lab.standins.docker_args import Refused, labels, mounts, take


def test_run_stops_at_the_image() -> None:
    words = "-d --rm --gpus all --name=x -e A=1 --env B=2 --label a=b -v /a:/b:ro img cmd -d --rm"
    taken = take("run", words.split())
    assert taken.words == ["img", "cmd", "-d", "--rm"]
    assert (taken.last("name"), taken.all("env")) == ("x", ["A=1", "B=2"])
    assert taken.on("detach")
    assert taken.on("rm")
    assert not taken.on("privileged")
    assert taken.last("volume") == "/a:/b:ro"


def test_short_switches_join_and_take_values() -> None:
    taken = take("exec", ["-it", "-eA=1", "-u=root", "c", "sh", "-c", "x"])
    assert taken.on("interactive")
    assert taken.on("tty")
    assert (taken.last("env"), taken.last("user")) == ("A=1", "root")
    assert taken.words == ["c", "sh", "-c", "x"]


def test_options_may_follow_words_where_they_are_names() -> None:
    taken = take("logs", ["one", "-f", "--tail", "5"])
    assert (taken.words, taken.last("tail"), taken.on("follow")) == (["one"], "5", True)
    assert take("rm", ["-f", "--", "-odd"]).words == ["-odd"]
    assert take("ps", ["--all=false"]).on("all") is False
    assert take("run", ["--net", "host", "i"]).last("network") == "host"
    assert take("cp", ["-", "c:/x"]).words == ["-", "c:/x"]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--wrong"], "unknown flag: --wrong"),
        (["-Z"], "unknown shorthand flag: 'Z' in -Z"),
        (["--name"], "flag needs an argument: --name"),
        (["-e"], "flag needs an argument: --env"),
    ],
)
def test_refusals(words: list[str], text: str) -> None:
    with pytest.raises(Refused, match=text) as caught:
        take("run", words)
    assert caught.value.status == 125


def test_pairs() -> None:
    assert labels(["a=b=c", "bare", "sp=x y"]) == {"a": "b=c", "bare": "", "sp": "x y"}
    with pytest.raises(Refused, match="label 's p' contains whitespaces") as caught:
        labels(["s p=x"])
    assert caught.value.status == 125
    assert mounts(["/a:/b", "/c:/d:ro", "anonymous"]) == [("/a", "/b"), ("/c", "/d")]
