"""The requests on the page: the newest ones, the last hour, and what comes in."""

import pytest
from playwright.async_api import expect

from tests.browser.canned import Canned
from tests.browser.conftest import PHONE, Open
from tests.browser.scenes import request, requests_stats

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

FAILED = {"status": 404, "model": None, "asked": "<b>x</b>", "error": "model_not_found",
          "tokens_in": None, "tokens_out": None, "streamed": False}  # fmt: skip


async def test_without_any_nothing_is_shown(visit: Open) -> None:
    page = await visit()
    await expect(page.get_by_role("heading", name="Models")).to_be_visible()
    await expect(page.locator("#requests")).to_be_hidden()


async def test_the_newest_ones_and_the_last_hour(canned: Canned, visit: Open) -> None:
    canned.records = [request(2, **FAILED), request(1, estimated=True)]
    canned.stats = requests_stats({10: (3, 1), 50: (40, 0)})
    page = await visit()
    card = page.get_by_role("region", name="Requests")
    await expect(card).to_contain_text("43 in the last hour, 1 failed, first byte within 240 ms")
    rows = card.locator("tbody tr")
    await expect(rows).to_have_count(2)
    await expect(rows.nth(0)).to_contain_text("<b>x</b>")
    await expect(rows.nth(0)).to_contain_text("404 model_not_found")
    await expect(rows.nth(1)).to_contain_text("12 → ~101")
    await expect(rows.nth(1)).to_contain_text("50.0")
    chart = card.get_by_role("img", name="at most 40")
    await expect(chart).to_be_visible()
    link = card.get_by_role("link", name="All as CSV")
    await expect(link).to_have_attribute("href", "api/requests?format=csv")


async def test_new_ones_come_in_by_themselves(canned: Canned, visit: Open) -> None:
    canned.records = [request(1)]
    page = await visit(PHONE)
    rows = page.locator("#requests tbody tr")
    await expect(rows).to_have_count(1)
    told = [request(n, model=f"model-{n}").model_dump(mode="json") for n in (30, 29, 1)]
    canned.bus.publish("requests", "", {"requests": told, "count": 2})
    await expect(rows).to_have_count(3)
    await expect(rows.first).to_contain_text("model-30")
    many = [request(n).model_dump(mode="json") for n in range(60, 40, -1)]
    canned.bus.publish("requests", "", {"requests": many, "count": 20})
    await expect(rows).to_have_count(8)
    wide = await page.evaluate("document.documentElement.scrollWidth")
    assert wide <= PHONE[0]
