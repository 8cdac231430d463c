"""The page of all requests: filters, pages, what comes in, one of them, and the charts."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.canned import Canned
from tests.browser.conftest import PHONE, Open
from tests.browser.scenes import request, requests_stats
from tests.until import until

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
DASH = "\N{EN DASH}"


def many(count: int) -> list[object]:
    return [request(n, model=f"model-{n}") for n in range(count, 0, -1)]


async def opened(canned: Canned, visit: Open, count: int, **how: object) -> Page:
    canned.records = many(count)  # type: ignore[assignment]
    page = await visit(**how)
    await page.get_by_role("navigation").get_by_role("link", name="Requests").click()
    await expect(page.locator("#reqlist tbody tr").first).to_contain_text(f"model-{count}")
    return page


def tell(canned: Canned, *numbers: int, count: int | None = None) -> None:
    rows = [request(n, model=f"model-{n}").model_dump(mode="json") for n in numbers]
    canned.bus.publish("requests", "", {"requests": rows, "count": count or len(rows)})


async def test_page_by_page(canned: Canned, visit: Open) -> None:
    page = await opened(canned, visit, 120)
    rows = page.locator("#reqlist tbody tr")
    older, newer = (page.get_by_role("button", name=name) for name in ("Older", "Newer"))
    await expect(rows).to_have_count(50)
    await expect(newer).to_have_attribute("aria-disabled", "true")
    await older.click()
    await expect(rows.first).to_contain_text("model-70")
    await older.click()
    await expect(rows).to_have_count(20)
    await expect(page.locator("#reqlist")).to_contain_text("Page 3")
    await expect(older).to_have_attribute("aria-disabled", "true")
    await newer.click()
    await expect(rows.first).to_contain_text("model-70")


async def test_filters_reach_the_server_and_the_table(canned: Canned, visit: Open) -> None:
    page = await opened(canned, visit, 3)
    card = page.get_by_role("region", name="All requests")
    await card.get_by_label("Model").fill("qwen 36")
    await card.get_by_label("Outcome").select_option("Failed")
    await card.get_by_label("Time").select_option("Last 24 hours")
    csv = card.get_by_role("link", name="CSV")
    wanted = "api/requests?format=csv&model=qwen+36&status=error&since=24h"
    await expect(csv).to_have_attribute("href", wanted)
    await expect(card).to_contain_text("Standing still")
    expected = {"limit": "50", "model": "qwen 36", "status": "error", "since": "24h"}
    await until(lambda: canned.requests("GET", "/api/requests")[-1] == expected)
    await card.get_by_role("button", name="Clear").click()
    await expect(card).to_contain_text("Live")
    await expect(csv).to_have_attribute("href", "api/requests?format=csv")


async def test_new_ones_come_on_top_unless_it_stands_still(canned: Canned, visit: Open) -> None:
    page = await opened(canned, visit, 60)
    card = page.get_by_role("region", name="All requests")
    rows = card.locator("tbody tr")
    tell(canned, 62, 61)
    await expect(rows.first).to_contain_text("model-62")
    await expect(rows).to_have_count(50)
    await card.get_by_role("button", name="Pause").click()
    tell(canned, 64, 63)
    await expect(card.get_by_role("button", name="2 newer")).to_be_visible()
    await expect(rows.first).to_contain_text("model-62")
    canned.records = many(64)  # type: ignore[assignment]
    await card.get_by_role("button", name="Go on").click()
    await expect(rows.first).to_contain_text("model-64")
    canned.records = many(200)  # type: ignore[assignment]
    tell(canned, 200, count=136)  # more ended than were told: the page reads them
    await expect(rows.nth(1)).to_contain_text("model-199")


async def test_one_with_all_its_fields(canned: Canned, visit: Open) -> None:
    canned.records = [request(7, tokens_in=None, tokens_out=None, model=None, asked="<i>x</i>",
                              target=None, ttft_ms=None, streamed=False)]  # fmt: skip
    page = await visit(PHONE)
    await page.get_by_role("link", name="All requests").click()
    await page.get_by_role("button", name="<i>x</i>").click()
    dialog = page.get_by_role("dialog", name="Request")
    for words in ("Requestrq_7", "Path/v1/chat/completions", "Asked for<i>x</i>", f"Model{DASH}",
                  f"Answered by{DASH}", "Client10.88.0.50", f"First byte{DASH}",
                  f"Tokens in, out{DASH}", "In the queue0 ms", "Bytes out9 kB"):  # fmt: skip
        await expect(dialog).to_contain_text(words)
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(page.get_by_role("button", name="<i>x</i>")).to_be_focused()


async def test_charts(canned: Canned, visit: Open) -> None:
    canned.stats = requests_stats({10: (3, 1), 50: (40, 0)})
    page = await opened(canned, visit, 3)
    card = page.get_by_role("region", name="Traffic")
    for words in (
        "Requests, Last hour: 43, 1 failed",
        "First byte, Last hour: p50 240 ms",
        f"Tokens out per second, Last hour: {DASH}",
        "GPUs busy, Last hour: 50 %",
    ):
        await expect(card.get_by_role("img", name=words)).to_be_visible()
    chart = card.get_by_role("img", name="Requests, Last hour")
    box = await chart.bounding_box()
    assert box is not None
    await chart.hover(position={"x": box["width"] * 10 / 60, "y": 5})
    await expect(card.locator("figure").first).to_contain_text("3, 1 failed")
    await card.get_by_role("button", name="24 h").click()
    await expect(card.get_by_role("button", name="24 h")).to_have_attribute("aria-pressed", "true")
    wide = await page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 1440
