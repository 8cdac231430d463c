"""The Hugging Face cache of a Spark, read by one small program over stdin."""

import asyncio
import json
from collections.abc import Sequence
from importlib.resources import files

from spark_control.core.shell import Command
from spark_control.fleet.errors import BadAnswer
from spark_control.fleet.ports import Host
from spark_control.models.domain import Inventory
from spark_control.models.parse import Unreadable, read_inventory

# Isolated and without site packages: half the start time, and nothing of the user's runs along.
PYTHON = ("python3", "-I", "-S", "-")


# What the second part says for the sake of being a module too.
_LEFT_OUT = ("from __future__ ", "from spark_control.")


def program() -> bytes:
    """Return both parts as one program: on a Spark there is nothing to import from."""
    remote = files("spark_control.models") / "remote"
    first, second = (
        (remote / name).read_text("utf-8") for name in ("config_json.py", "inventory.py")
    )
    lines = second.splitlines(keepends=True)
    return (first + "".join(line for line in lines if not line.startswith(_LEFT_OUT))).encode()


class HfCache:
    """Implements ModelStore. The program is read from the package once, when this is built."""

    def __init__(self) -> None:
        self._program = program()

    async def inventory(
        self, host: Host, local_paths: Sequence[str], *, timeout_s: float
    ) -> Inventory:
        wish = json.dumps({"local": list(local_paths)})
        command = Command.of(*PYTHON, wish)
        result = await host.run(command, timeout_s=timeout_s, stdin=self._program)
        if result.exit_status != 0:
            raise BadAnswer(
                f"Listing the models of {host.name} ended with status {result.exit_status}.",
                detail={"printed": result.stderr[-400:]},
            )
        try:
            # Hundreds of models take milliseconds, which the loop does not have.
            return await asyncio.to_thread(read_inventory, host.name, result.stdout)
        except Unreadable as error:
            raise BadAnswer(
                f"The list of models of {host.name} cannot be read: {error}."
            ) from error
