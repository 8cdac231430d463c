"""The swap lock on the page: seen, respected, broken with a reason."""

import pytest
from playwright.async_api import expect

from spark_control.swap.lock_shapes import LockShape
from tests.browser.canned import Canned
from tests.browser.conftest import PHONE, Open
from tests.browser.scenes import swap

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

HELD = LockShape(
    holder="nightly-bench", reason="measuring <b>", acquired_at="2026-01-01T12:00:00.000Z",
    expires_at="2099-01-01T13:00:00.000Z", expires_in_s=3600, fence=1,
)  # fmt: skip


async def test_while_it_is_held_nothing_can_be_switched(canned: Canned, visit: Open) -> None:
    page = await visit(PHONE)
    banner = page.get_by_role("region", name="Swap lock")
    button = page.get_by_role("button", name="Switch to SmolLM2")
    await expect(button).not_to_have_attribute("aria-disabled", "true")
    await expect(banner).to_be_hidden()
    canned.lock(HELD)
    await expect(banner).to_contain_text("nightly-bench holds the swap lock until")
    await expect(banner).to_contain_text("Reason: measuring <b>")
    await expect(button).to_have_attribute("aria-disabled", "true")
    await expect(page.locator("#models-why")).to_contain_text("nightly-bench holds the swap lock")
    await expect(button).to_have_accessible_description(
        await page.locator("#models-why").inner_text()
    )
    wide = await page.evaluate("document.documentElement.scrollWidth")
    assert wide <= PHONE[0]
    # It is there after a reload too, and goes by itself.
    await page.reload()
    await expect(banner).to_be_visible()
    canned.lock(None)
    await expect(banner).to_be_hidden()
    await expect(button).not_to_have_attribute("aria-disabled", "true")


async def test_breaking_it_wants_a_reason(canned: Canned, visit: Open) -> None:
    canned.lock(HELD)
    page = await visit()
    await page.get_by_role("button", name="Break lock").click()
    dialog = page.locator("#break-dialog")
    go = dialog.get_by_role("button", name="Break lock")
    await expect(go).to_have_attribute("aria-disabled", "true")
    await dialog.get_by_label("Reason, for the log").fill("on holiday")
    await go.click()
    await expect(dialog).to_be_hidden()
    assert canned.requests("POST", "/api/swap/lock/break") == [{"reason": "on holiday"}]
    await expect(page.get_by_role("region", name="Swap lock")).to_be_hidden()


async def test_a_failed_switch_is_not_tried_again_meanwhile(canned: Canned, visit: Open) -> None:
    page = await visit()
    canned.tell(swap("gpt-oss-120b", phase="loading", state="failed"))
    canned.lock(HELD)
    again = page.get_by_role("button", name="Try again")
    await expect(again).to_have_attribute("aria-disabled", "true")
