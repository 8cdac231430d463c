"""The lab's contract of `docker`, word by word, asked of the real client over real containers."""

from dataclasses import dataclass

import asyncssh
import pytest

from spark_control.fleet.adapters.ssh_key import load_key
from tests.contract.lab.near import Ended
from tests.contract.lab.test_docker import (
    test_a_container_is_listed_with_its_labels,
    test_a_container_that_ends_is_removed_or_kept_as_asked,
    test_a_name_is_taken_once_and_free_after,
    test_exec_keeps_words_streams_and_status,
    test_files_go_in_and_out,
    test_inspect_tells_fields_and_objects,
    test_kill_stop_and_top,
    test_logs_have_lines_times_and_an_end,
)
from tests.level2.machine import Machine

pytestmark = pytest.mark.root
__all__ = [
    "test_a_container_is_listed_with_its_labels",
    "test_a_container_that_ends_is_removed_or_kept_as_asked",
    "test_a_name_is_taken_once_and_free_after",
    "test_exec_keeps_words_streams_and_status",
    "test_files_go_in_and_out",
    "test_inspect_tells_fields_and_objects",
    "test_kill_stop_and_top",
    "test_logs_have_lines_times_and_an_end",
]


@dataclass(frozen=True, slots=True)
class RealNear:
    """A client of one Spark: what the lab's tests of docker ask of theirs."""

    spark: Machine

    async def connect(self) -> asyncssh.SSHClientConnection:
        return await asyncssh.connect(
            self.spark.place.host, username=self.spark.place.user, config=None, known_hosts=None,
            client_keys=[load_key(self.spark.key_path)], agent_path=None,
        )  # fmt: skip

    async def run(self, command: str, stdin: str = "") -> Ended:
        """Run one command on a connection of its own."""
        async with await self.connect() as connection:
            done = await connection.run(command, input=stdin, encoding="utf-8")
        return Ended(done.exit_status, str(done.stdout), str(done.stderr))


@pytest.fixture
def near(spark: Machine) -> RealNear:
    return RealNear(spark)
