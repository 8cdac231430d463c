"""Ask vLLM's real parser about the recorded argument lists, through our program as it is sent.

`python -m tools.contract_vllm PYTHON [--record]`: PYTHON is of an environment that holds vLLM
(`make contract-vllm` makes one). Nothing is started but the parser. Exit 1 on a disagreement.
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import machine
from spark_control.core.clock import RealClock
from spark_control.core.shell import Command, RemotePath
from spark_control.fleet.ports import Result
from spark_control.swap.adapters.option_tables import OptionTables
from spark_control.swap.adapters.vllm_parser import VllmParser
from spark_control.swap.domain import Unit
from spark_control.swap.options import Table
from spark_control.swap.said import Said
from tools.vllm_lists import Listed, read_lists

AT_ONCE = 2
LIMIT_S = 120.0
PAGE = Path(__file__).parents[1] / "docs" / "preflight-vllm.md"
UNIT = Unit(job="", key="m", source="M", container="none", image="vllm", port=1, launch_dir="/")


@dataclass(frozen=True, slots=True)
class HereIsVllm:
    """A Spark whose every container is the environment that holds vLLM."""

    python: str
    name: str = "here"

    async def run(
        self, command: Command, *, timeout_s: float, stdin: bytes | None = None
    ) -> Result:
        if command.words[-2:] != ("python3", "-"):
            return Result(1, "[]", "no such object")
        process = await asyncio.create_subprocess_exec(
            self.python, "-", stdin=-1, stdout=-1, stderr=-1
        )
        async with asyncio.timeout(timeout_s):
            out, err = await process.communicate(stdin)
        return Result(process.returncode or 0, out.decode(), err.decode())

    @asynccontextmanager
    async def stream(
        self, command: Command, *, timeout_s: float
    ) -> AsyncIterator[AsyncIterator[str]]:
        raise NotImplementedError(f"{command} {timeout_s}")
        yield  # type: ignore[unreachable]

    async def put(self, path: RemotePath, content: bytes, *, mode: int = 0o600) -> None:
        raise NotImplementedError(f"{path} {content!r} {mode}")

    async def close(self) -> None:
        return


async def ask_all(python: str, lists: list[Listed]) -> list[Said]:
    """Return vLLM's word on each list."""
    host, parser, turns = HereIsVllm(python), VllmParser(), asyncio.Semaphore(AT_ONCE)

    async def ask(one: Listed) -> Said:
        async with turns:
            fresh = one is lists[0]
            return await parser.ask(host, UNIT, one.words(), fresh=fresh, timeout_s=LIMIT_S)

    return await asyncio.gather(*map(ask, lists))


def strangers(mine: Table, theirs: Table) -> Iterator[str]:
    """Tell where the table that comes with us differs from the one read from this vLLM."""
    for flag in sorted({*mine.by_flag} ^ {*theirs.by_flag}):
        yield f"`{flag}` is only in {'ours' if flag in mine.by_flag else 'this vLLM'}"
    for option in mine.options:
        other = theirs.by_flag.get(option.name)
        if other is None:
            continue
        for what in ("values", "kind", "optional", "choices", "repeats"):
            one, two = getattr(option, what), getattr(other, what)
            if one != two:
                yield f"`{option.name}`: {what} {one!r} here, {two!r} there"


def page(lists: list[Listed], answers: list[Said], told: list[str], where: str) -> str:
    """Return the record of one run."""
    rows = [
        f"| {_cell(one.name)} | {_verdict(said)} | {_cell(' '.join(one.ours)) or 'nothing'} |"
        for one, said in zip(lists, answers, strict=True)
    ]
    return "\n".join([
        "# Pre-flight against the real parser", "",
        "Written by `make contract-vllm ARGS=--record`: vLLM's own parser, asked through the",
        "program that a Spark runs, and the check by the option table alone. A code with `!` is",
        "an error, one without a warning. [Pre-flight](preflight.md) says what both are for.", "",
        where, "It says of each list what `tests/golden/vllm/lists.yaml` has recorded.", "",
        *(f"- {line}" for line in told), "",
        "| arguments | vLLM | option table |", "|---|---|---|", *rows, "",
    ])  # fmt: skip


def _verdict(said: Said) -> str:
    if not said.checked:
        return "could not check"
    return "takes them" if said.ok else f"refuses ({said.stage})"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> int:
    """Ask, compare, tell; 0 when vLLM says what is recorded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("python", help="the Python of the environment with vLLM")
    parser.add_argument("--record", action="store_true", help=f"write docs/{PAGE.name}")
    given = parser.parse_args()
    lists, clock = read_lists(), RealClock()
    began = clock.monotonic()
    answers = asyncio.run(ask_all(given.python, lists))
    took, now = clock.monotonic() - began, clock.now()
    wrong = [
        f"{one.name}: {why}"
        for one, said in zip(lists, answers, strict=True)
        if (why := one.denies(said))
    ]
    told = summary(lists, answers, took)
    for line in [*told, *wrong]:
        print(line)
    if given.record and not wrong:
        where = f"{now:%Y-%m-%d}, vLLM {answers[0].version} without a GPU; {machine.facts()}."
        PAGE.write_text(page(lists, answers, told, where), encoding="utf-8")
    return 1 if wrong else 0


def summary(lists: list[Listed], answers: list[Said], took: float) -> list[str]:
    """Return what a reader wants to know first."""
    both = list(zip(lists, answers, strict=True))
    missed = [one.name for one, said in both if not said.ok and not one.refused_here]
    stricter = [one.name for one, said in both if said.ok and one.refused_here]
    refused = sum(not said.ok for said in answers)
    told = [
        f"vLLM takes {len(lists) - refused} lists and refuses {refused}. An answer took "
        f"{took / len(lists) * AT_ONCE:.0f} s, {AT_ONCE} at once; the machine may have been busy.",
        f"Refused by vLLM only: {', '.join(missed) or 'none'}.",
        f"Refused by us only: {', '.join(stricter) or 'none'}.",
    ]
    theirs = answers[0].table
    if theirs is None:
        return [*told, "The option table of this vLLM could not be read."]
    differ = list(strangers(OptionTables(PAGE.parent).packaged, theirs))
    told.append(
        f"Where the option table that comes with us is not that of this vLLM: {len(differ)}."
    )
    return [*told, *differ[:20], *other_findings(lists, theirs)]


def other_findings(lists: list[Listed], theirs: Table) -> list[str]:
    """Return the lists of which the table read from this vLLM finds something else."""
    return [
        f"{one.name}: by the table read from this vLLM we find {', '.join(found) or 'nothing'}."
        for one in lists
        if (found := one.found(theirs)) != one.ours
    ]


if __name__ == "__main__":
    sys.exit(main())
