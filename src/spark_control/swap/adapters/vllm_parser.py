"""Asks the vLLM of an image about arguments: a small program over stdin, in a container."""

import json
import re
from collections.abc import Sequence
from importlib.resources import files

from spark_control.core.shell import Command
from spark_control.fleet.ports import Host
from spark_control.swap.domain import Unit
from spark_control.swap.errors import DockerRefused
from spark_control.swap.said import Said, read_said

COMMAND_S = 20.0
_ABSENT = re.compile(r"no such (?:object|image)", re.IGNORECASE)


class VllmParser:
    """Implements RealParser. The program is read from the package once, when this is built."""

    def __init__(self) -> None:
        program = files("spark_control.swap") / "remote" / "preflight.py"
        self._program = program.read_bytes()

    async def image_id(self, host: Host, image: str) -> str | None:
        command = Command.of("docker", "image", "inspect", image)
        said = await host.run(command, timeout_s=COMMAND_S)
        if said.exit_status == 0:
            return str(_first(said.stdout).get("Id", "")) or None
        if _ABSENT.search(said.stderr):
            return None
        raise DockerRefused(
            f"Docker cannot be used on {host.name}.", detail={"said": said.stderr[-500:]}
        )

    async def ask(
        self, host: Host, unit: Unit, argv: Sequence[str], *, fresh: bool, timeout_s: float
    ) -> Said:
        where = await self._where(host, unit, fresh=fresh)
        request = json.dumps({"argv": list(argv), "table": fresh})
        # JSON in ASCII inside JSON is a text of Python too: no word can end it early.
        stdin = self._program + f"\n\nmain({json.dumps(request)})\n".encode()
        command = Command.of("docker", *where, "python3", "-")
        said = await host.run(command, timeout_s=timeout_s, stdin=stdin)
        return read_said(said.stdout, said.stderr)

    async def _where(self, host: Host, unit: Unit, *, fresh: bool) -> tuple[str, ...]:
        """Take the container that runs when it is of the same image and sees the same files."""
        if not fresh and unit.mount is None:
            command = Command.of("docker", "inspect", "--type", "container", unit.container)
            said = await host.run(command, timeout_s=COMMAND_S)
            row = _first(said.stdout) if said.exit_status == 0 else {}
            state = row.get("State")
            running = isinstance(state, dict) and state.get("Running") is True
            image = await self.image_id(host, unit.image)
            if running and image is not None and row.get("Image") == image:
                return ("exec", "-i", unit.container)
        mount = () if unit.mount is None else ("-v", f"{unit.mount}:{unit.mount}:ro")
        return ("run", "--rm", "-i", "--network", "none", *mount, "--entrypoint=", unit.image)


def _first(text: str) -> dict[str, object]:
    try:
        row = json.loads(text)[0]
    except (ValueError, LookupError, TypeError):
        return {}
    return row if isinstance(row, dict) else {}
