"""Our own check over the lists that vLLM's real parser was asked about (`make contract-vllm`)."""

import pytest

from tests.unit.swap.tables import packaged
from tools.vllm_lists import Listed, read_lists

TABLE = packaged()
LISTS = read_lists()
# What only vLLM can tell: it reads files, and knows what is in JSON and which kernels there are.
ONLY_VLLM = {
    "chat template path missing", "JSON with unknown key", "--config missing file",
    "--config with unknown key", "--config .json file", "--attention-backend NOSUCH",
}  # fmt: skip
# What vLLM takes and nobody means: its own default model, and a port that is none.
ONLY_WE = {"model missing", "empty list", "--model instead of positional", "--port 99999"}


@pytest.mark.parametrize("one", LISTS, ids=lambda one: one.name)
def test_what_we_find(one: Listed) -> None:
    assert one.found(TABLE) == one.ours


def test_where_we_and_the_parser_differ_is_known() -> None:
    assert len(LISTS) == len({one.name for one in LISTS}) == 66
    refused = {one.name for one in LISTS if one.verdict != "ok"}
    ours = {one.name for one in LISTS if one.refused_here}
    assert (refused - ours, ours - refused) == (ONLY_VLLM, ONLY_WE)
