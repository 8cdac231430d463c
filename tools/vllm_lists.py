"""The argument lists that vLLM's real parser was asked about: `tests/golden/vllm/lists.yaml`."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from spark_control.models.domain import Facts
from spark_control.swap.options import Table
from spark_control.swap.preflight import check
from spark_control.swap.said import Said
from spark_control.swap.traps import Launch

GOLDEN = Path(__file__).parents[1] / "tests" / "golden" / "vllm"
BARE = Launch(Facts(), {})


@dataclass(frozen=True, slots=True)
class Listed:
    """One list: what vLLM says of it (`ok`, or the stage that refuses), and what we find."""

    name: str
    argv: tuple[str, ...]
    verdict: str
    says: str
    warns: str
    ours: tuple[str, ...]

    def words(self) -> list[str]:
        """Return the words with the files that they name where those really lie."""
        return [
            str(GOLDEN / "files" / word[1:]) if word.startswith("@") else word
            for word in self.argv
        ]

    def found(self, table: Table) -> tuple[str, ...]:
        """Return the codes of what our own check finds with `table`; errors have a `!`."""
        findings = check(table, self.words(), BARE)
        return tuple(f"{one.code}!" if one.error else one.code for one in findings)

    def denies(self, said: Said) -> str:
        """Return in what the parser's word differs from the recorded one; empty when it agrees."""
        stage = ("ok" if said.ok else said.stage) if said.checked else "not checked"
        if stage != self.verdict:
            return f"{stage}, expected {self.verdict}: {said.error or ''}"
        if said.unchecked:
            return f"limits not tried: {said.unchecked}"
        for part, whole in (
            (self.says, said.error or ""),
            (self.warns, " ".join(said.warnings)),
        ):
            if _plain(part) not in _plain(whole):
                return f"says `{whole[:200]}`, expected `{part}`"
        return ""

    @property
    def refused_here(self) -> bool:
        """Tell whether our own check finds an error."""
        return any(code.endswith("!") for code in self.ours)


def _plain(text: str) -> str:
    return " ".join(text.split())


def read_lists() -> list[Listed]:
    """Return all lists."""
    rows = yaml.safe_load((GOLDEN / "lists.yaml").read_text(encoding="utf-8"))
    return [
        Listed(
            name=row["name"], argv=tuple(row["argv"]), verdict=row["verdict"],
            says=row.get("says", ""), warns=row.get("warns", ""),
            ours=tuple(row.get("ours", ())),
        )
        for row in rows
    ]  # fmt: skip
