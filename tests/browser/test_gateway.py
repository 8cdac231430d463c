"""The page of the gateway: where names go, aliases that are changed, limits and workers."""

import pytest
from playwright.async_api import expect

from spark_control.core.errors import Conflict
from tests.browser.canned import Canned
from tests.browser.conftest import PHONE, Open, Watched

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
DASH = "\N{EN DASH}"


async def test_where_names_go_and_how_it_is_there(visit: Open) -> None:
    page = await visit()
    await page.get_by_role("link", name="Gateway").click()
    await expect(page.get_by_role("heading", name="Models", exact=True)).to_be_hidden()
    card = page.get_by_role("region", name="Where models go")
    await expect(card).to_contain_text("3 running, 1 waiting")
    rows = card.locator("tbody tr")
    await expect(rows).to_have_count(4)
    for at, words in enumerate((
        ("qwen36", "Q/qwen", "spark1", "Engine", "Serving", "3 running"),
        (DASH, "spark2", "No engine", "0 running"),
        ("Text to speech", "magpie", "Service", "Not answering since"),
        ("m0", "m9", "big", "Outside server", "Not asked"),
    )):  # fmt: skip
        for word in words:
            await expect(rows.nth(at)).to_contain_text(word)
    limits = page.get_by_role("region", name="Limits")
    await expect(limits).to_contain_text("Longest wait60 s")
    workers = page.get_by_role("region", name="Workers")
    await expect(workers.locator("tbody tr")).to_contain_text("47111214.5 ms")
    assert page.url.endswith("#/gateway")
    await page.reload()
    await expect(card).to_be_visible()


async def test_aliases_are_added_and_removed(canned: Canned, visit: Open) -> None:
    page = await visit(PHONE)
    await page.get_by_role("link", name="Gateway").click()
    card = page.get_by_role("region", name="Aliases")
    await expect(card.locator("li")).to_have_count(3)
    await expect(card).to_contain_text("A model has this name and wins")
    await expect(card).to_contain_text("Not served now")
    await card.get_by_label("Name of the alias").fill("<b>big</b>")
    await card.get_by_label("Model it stands for").fill("qwen36")
    await card.get_by_role("button", name="Save").click()
    await expect(card.locator("li")).to_have_count(2)
    await expect(card).to_contain_text("<b>big</b>")
    [sent] = canned.requests("PUT", "/api/settings")
    assert sent["version"] == "v1"
    assert canned.aliases == {"fast": "qwen36", "<b>big</b>": "qwen36"}
    for name in ("fast", "<b>big</b>"):
        await card.get_by_role("button", name=f"Remove alias {name}").click()
        await expect(card.locator("li", has_text=name)).to_have_count(0)
    assert canned.requests("PUT", "/api/settings")[-1]["values"] == {"ALIASES": None}
    await expect(card).to_contain_text("No aliases.")
    wide = await page.evaluate("document.documentElement.scrollWidth")
    assert wide <= PHONE[0]


async def test_a_change_that_is_refused_says_why(
    canned: Canned, visit: Open, watched: Watched
) -> None:
    watched.expected = ("409",)
    canned.refuse = Conflict("Settings were changed meanwhile.")
    page = await visit()
    await page.goto(f"{canned.url}#/gateway")
    card = page.get_by_role("region", name="Aliases")
    await card.get_by_role("button", name="Remove alias fast").click()
    await expect(card.get_by_role("alert")).to_contain_text("Settings were changed meanwhile.")
    await expect(card.locator("li")).to_have_count(3)
