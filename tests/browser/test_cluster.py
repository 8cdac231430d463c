"""A model over several Sparks on the page: what it takes, what it frees, where it runs."""

import pytest
from playwright.async_api import expect

from spark_control.dashboard.status import LoadedShape, PartShape
from tests.browser.canned import Canned
from tests.browser.conftest import Open
from tests.browser.scenes import gone, swap

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

NAME = "Qwen3 235B-A22B NVFP4"
BOTH = ["spark1", "spark2"]


def runs(canned: Canned, *, alive: bool = True) -> None:
    """Have the big model run over both Sparks."""
    canned.serve(("qwen3-235b", "spark1", None))
    canned.status.loaded = [LoadedShape(model="qwen3-235b", names=["qwen3-235b"], spark="spark1",
                                        sparks=BOTH, played=None)]  # fmt: skip
    for spark in canned.status.sparks:
        here = alive or spark.name == "spark1"
        spark.part = PartShape(model="qwen3-235b", head="spark1", sparks=BOTH, alive=here)


async def test_a_switch_to_it_takes_both_sparks(canned: Canned, visit: Open) -> None:
    canned.serve(("smollm2", "spark2", None))
    page = await visit()
    await page.get_by_role("button", name=f"Switch to {NAME}").click()
    dialog = page.locator("#switch-dialog")
    await expect(dialog.locator("[data-f=stops]")).to_have_text("SmolLM2 135M Instruct on spark2")
    starts = f"{NAME} on spark1 and spark2 together"
    await expect(dialog.locator("[data-f=starts]")).to_have_text(starts)
    await page.get_by_role("button", name="Switch model").click()
    await expect(dialog).to_be_hidden()
    assert canned.requests("POST", "/api/swap") == [{"model": "qwen3-235b", "host": "spark1"}]
    canned.tell(swap("qwen3-235b", state="ready", phase="verifying", sparks=BOTH))
    await expect(page.locator("#swap")).to_contain_text(f"{NAME} answers on spark1 and spark2.")


async def test_a_switch_away_from_one_of_them_says_what_the_other_loses(
    canned: Canned, visit: Open
) -> None:
    runs(canned)
    page = await visit()
    await expect(page.locator("#serving .loaded")).to_have_text(f"{NAME}on spark1 and spark2")
    await expect(page.get_by_text("Part of qwen3-235b on spark1")).to_be_visible()
    await page.get_by_role("button", name="Switch to Gemma 3 270M").click()
    dialog = page.locator("#switch-dialog")
    await expect(dialog).to_contain_text("spark2 is left without a model")
    await expect(dialog.locator("[data-f=stops]")).to_have_text(f"{NAME} on spark1 and spark2")


async def test_a_part_that_was_lost_is_seen(canned: Canned, visit: Open) -> None:
    runs(canned, alive=False)
    page = await visit()
    await expect(page.get_by_text("Its part of qwen3-235b has ended")).to_be_visible()


async def test_with_one_spark_gone_it_cannot_be_switched_to(canned: Canned, visit: Open) -> None:
    canned.sparks[1] = gone(canned.sparks[1])
    page = await visit()
    await expect(page.get_by_role("button", name=f"Switch to {NAME}")).to_be_disabled()
    await expect(page.locator("#why-qwen3-235b")).to_have_text("spark2 cannot be reached")
