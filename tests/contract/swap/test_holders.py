"""The way to the programs on a Spark: what they say becomes a holder, an end, or an error."""

import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from typing_extensions import override

from spark_control.core.clock import RealClock
from spark_control.core.shell import Command, RemotePath
from spark_control.engines.domain import Address
from spark_control.fleet.errors import BadAnswer
from spark_control.fleet.ports import Result
from spark_control.swap.adapters.adopted_file import AdoptedFile
from spark_control.swap.adapters.holders import RemoteHolders
from spark_control.swap.adapters.spark_vllm_docker import SparkVllmDocker
from spark_control.swap.adoption import Adoption
from spark_control.swap.errors import AdoptionUnkept, EngineProtected, StopFailed
from spark_control.swap.foreign import Holder, Kind
from spark_control.swap.foreign_ports import NoStrangers

HERE = Address("10.88.0.11", 8888)
PROCESS = Holder(Kind.PROCESS, id="p", name="llama", pid=7, ticks=9, boot="b", unit="x.service")
LISTENS = json.dumps({
    "listener": {"uid": 0}, "process": None, "container": None, "uid": 5, "problems": ["unseen"],
})  # fmt: skip


@dataclass
class Saying:
    """A Spark whose commands all say the same; they are recorded."""

    says: str
    name: str = "spark1"
    ran: list[tuple[str, ...]] = field(default_factory=list)

    async def run(
        self, command: Command, *, timeout_s: float, stdin: bytes | None = None
    ) -> Result:
        assert timeout_s > 0
        assert stdin
        self.ran.append(tuple(map(str, command.words)))
        return Result(1, self.says, "it went wrong")

    def stream(
        self, command: Command, *, timeout_s: float
    ) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        raise NotImplementedError

    async def put(self, path: RemotePath, content: bytes, *, mode: int = 0o600) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError


@pytest.fixture
def holders() -> RemoteHolders:
    return RemoteHolders(SparkVllmDocker(RealClock()))


async def test_what_listens(holders: RemoteHolders) -> None:
    spark = Saying(LISTENS)
    found = await holders.find(spark, HERE)
    assert found == Holder(Kind.UNKNOWN, problems=("unseen",), endable=False)
    (words,) = spark.ran
    assert json.loads(words[-1]) == {"host": "10.88.0.11", "port": 8888}
    assert await holders.find(Saying('{"listener": null}'), HERE) is None


@pytest.mark.parametrize("says", ["", "Traceback"])
async def test_what_is_no_answer(holders: RemoteHolders, says: str) -> None:
    with pytest.raises(BadAnswer) as caught:
        await holders.find(Saying(says), HERE)
    assert caught.value.detail["printed"] == "it went wrong"
    with pytest.raises(BadAnswer):
        await holders.end(Saying(says), PROCESS, timeout_s=5)


async def test_how_a_process_ended(holders: RemoteHolders) -> None:
    spark = Saying('{"ended": true, "how": "asked"}')
    await holders.end(spark, PROCESS, timeout_s=60)
    (words,) = spark.ran
    assert json.loads(words[-1]) == {"pid": 7, "ticks": 9, "boot": "b", "grace": 15.0}
    with pytest.raises(StopFailed):
        await holders.end(Saying('{"ended": false, "how": "killed"}'), PROCESS, timeout_s=5)
    with pytest.raises(EngineProtected) as caught:
        await holders.end(Saying('{"ended": false, "how": "refused"}'), PROCESS, timeout_s=5)
    assert caught.value.advice == "Run `sudo systemctl stop x.service` on spark1."


async def test_what_was_taken_over_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "adopted.json"
    kept = AdoptedFile(path)
    await kept.put("spark1", "one")
    await kept.put("spark2", "two")
    await kept.put("spark1", None)
    again = AdoptedFile(path)
    assert (again.get("spark1"), again.get("spark2")) == (None, "two")
    for text in ("", "[]", '{"spark2": 7}', "{"):
        path.write_text(text)
        assert AdoptedFile(path).get("spark2") is None


async def test_what_cannot_be_written_down_is_not_taken_over(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    kept = AdoptedFile(tmp_path / "file" / "adopted.json")
    with pytest.raises(AdoptionUnkept):
        await kept.put("spark1", "one")
    assert kept.get("spark1") is None


class Unwritable(AdoptedFile):
    """Knows one and cannot forget it."""

    @override
    def get(self, spark: str) -> str:
        return "process b-1 70 900"


async def test_what_cannot_be_forgotten_is_ended_all_the_same(
    holders: RemoteHolders, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    adoption = Adoption(holders=holders, adopted=Unwritable(tmp_path / "file" / "adopted.json"))
    row = {"pid": 70, "name": "llama", "words": [], "ticks": 900, "boot": "b-1", "uid": 5}
    spark = Saying(json.dumps(json.loads(LISTENS) | {
        "process": row, "ended": True, "how": "asked",
    }))  # fmt: skip
    assert await adoption.evict("spark1", spark, HERE, timeout_s=5)


async def test_whose_it_is_where_a_container_of_ours_is(
    holders: RemoteHolders, tmp_path: Path
) -> None:
    adoption = Adoption(holders=holders, adopted=AdoptedFile(tmp_path / "adopted.json"))
    assert not await adoption.admits("spark1", Saying(LISTENS), HERE, ours="vllm_node")
    nothing = Saying('{"listener": null}')
    assert await adoption.admits("spark1", nothing, HERE, ours="vllm_node")
    assert await NoStrangers().admits("spark1", nothing, HERE, ours="vllm_node")


async def test_a_spark_with_nothing_taken_over_is_not_asked(
    holders: RemoteHolders, tmp_path: Path
) -> None:
    spark, kept = Saying(LISTENS), AdoptedFile(tmp_path / "adopted.json")
    for one in (Adoption(holders=holders, adopted=kept), NoStrangers()):
        assert not await one.admits("spark1", spark, HERE)
        assert not await one.evict("spark1", spark, HERE, timeout_s=5)
    assert spark.ran == []
    await kept.put("spark1", "something else")
    assert not await Adoption(holders=holders, adopted=kept).admits("spark1", spark, HERE)
