"""Looks at what holds a port of a Spark by a small program over stdin, and ends it."""

import json
from importlib.resources import files

from spark_control.core.shell import Command
from spark_control.engines.domain import Address
from spark_control.fleet.errors import BadAnswer
from spark_control.fleet.ports import Host, Result
from spark_control.swap.errors import EngineProtected, StopFailed
from spark_control.swap.foreign import Holder, Kind, Unreadable, read_holder
from spark_control.swap.ports import Launcher

LOOK_S = 30.0
GRACE_S = 15.0
PYTHON = ("python3", "-I", "-S", "-")


class RemoteHolders:
    """Implements Holders; containers end as ours do. The programs are read once."""

    def __init__(self, launcher: Launcher) -> None:
        self._launcher = launcher
        remote = files("spark_control.swap") / "remote"
        self._look = (remote / "holder.py").read_bytes()
        self._end = (remote / "end_process.py").read_bytes()

    async def find(self, host: Host, address: Address) -> Holder | None:
        wish = json.dumps({"host": address.host, "port": address.port})
        command = Command.of(*PYTHON, wish)
        said = await host.run(command, timeout_s=LOOK_S, stdin=self._look)
        try:
            return read_holder(said.stdout)
        except Unreadable as error:
            raise BadAnswer(
                f"What listens on port {address.port} of {host.name} cannot be told: {error}.",
                detail={"exit_status": said.exit_status, "printed": said.stderr[-400:]},
            ) from error

    async def end(self, host: Host, holder: Holder, *, timeout_s: float) -> None:
        if holder.kind is Kind.CONTAINER:
            # By its id: another one may have the name by now.
            await self._launcher.stop(host, holder.container, timeout_s=timeout_s)
            return
        wish = {"pid": holder.pid, "ticks": holder.ticks, "boot": holder.boot,
                "grace": min(GRACE_S, timeout_s / 2)}  # fmt: skip
        command = Command.of(*PYTHON, json.dumps(wish))
        said = await host.run(command, timeout_s=timeout_s + 10, stdin=self._end)
        _ended(host, holder, said)


def _ended(host: Host, holder: Holder, said: Result) -> None:
    """Return when the process has ended, as the program tells; else raise why not."""
    try:
        answer = json.loads(said.stdout)
        ended, how = bool(answer["ended"]), str(answer["how"])
    except (ValueError, KeyError, TypeError) as error:
        raise BadAnswer(
            f"Whether the process {holder.pid} on {host.name} has ended cannot be told.",
            detail={"exit_status": said.exit_status, "printed": said.stderr[-400:]},
        ) from error
    if how == "refused":
        raise EngineProtected(
            f"{holder.title} on {host.name} belongs to another user.",
            hint=holder.by_hand(host.name),
        )
    if not ended:
        raise StopFailed(f"The process {holder.pid} on {host.name} does not end.")
