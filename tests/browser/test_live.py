"""The page while the world changes: updates in place, a cut stream, a session that ends."""

import re

import pytest
from playwright.async_api import expect

from spark_control.core.bus import Bus
from spark_control.models.shapes import MenuShape
from tests.browser.canned import Canned
from tests.browser.conftest import PHONE, Open, Watched
from tests.browser.scenes import spark, swap

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_focus_selection_and_scroll_outlive_updates(canned: Canned, visit: Open) -> None:
    canned.status.swap = swap("gpt-oss-120b", phase="loading")
    canned.lines = [f"line {number}" for number in range(100)]
    page = await visit()
    await expect(page.locator("#swap pre")).to_contain_text("line 99")
    await page.evaluate("""() => {
        const name = document.querySelector('#sparks h3');
        getSelection().selectAllChildren(name);
        document.querySelector('#swap pre').scrollTop = 50;
        document.querySelector('#models details').open = true;
        window.kept = document.querySelector("button[data-key='smollm2']");
        window.kept.focus();
    }""")
    for number in range(20):
        canned.look(spark("spark1", gpu=number))
        canned.log(f"more {number}")
        canned.menu.models.reverse()
        canned.serve(("smollm2" if number % 2 else "house-style", "spark1", None))
        canned.tell(
            swap("gpt-oss-120b", phase="loading", in_phase_s=number, progress=float(number))
        )
        await expect(page.locator(".tile b").first).to_have_text(str(number))
    await expect(page.locator("#swap pre")).to_contain_text("more 19")
    assert await page.evaluate("document.activeElement === window.kept")
    assert await page.evaluate("getSelection().toString()") == "spark1"
    assert await page.evaluate("document.querySelector('#swap pre').scrollTop") == 50
    assert await page.evaluate("document.querySelector('#models details').open")
    assert await page.locator("#sparks article").count() == 2


async def test_a_cut_stream_is_said_and_mended(
    canned: Canned, visit: Open, watched: Watched
) -> None:
    watched.expected = ("500", "ERR_INCOMPLETE_CHUNKED_ENCODING")
    page = await visit()
    live = page.locator("#live")
    await expect(live).to_have_text("Live")
    canned.leave()
    await expect(live).to_have_text("Reconnecting")
    await expect(page.locator("#models-why")).to_contain_text("Not connected")
    switch = page.get_by_role("button", name="Switch to gpt-oss 120B")
    await expect(switch).to_have_attribute("aria-disabled", "true")
    # What happened meanwhile is there when the stream is.
    canned.status.swap = swap("gpt-oss-120b", phase="loading")
    canned.away = False
    await expect(live).to_have_text("Live")
    await expect(page.locator("#swap")).to_contain_text("gpt-oss 120B")
    canned.tell(swap("gpt-oss-120b", phase="verifying"))
    await expect(page.locator("#swap .phases .done")).to_have_count(5)


async def test_old_readings_are_said_to_be_old(canned: Canned, visit: Open) -> None:
    canned.sparks[0] = spark("spark1")
    canned.sparks[0].age_s = 42
    page = await visit()
    card = page.locator("#sparks article").first
    await expect(card.locator("[data-f=age]")).to_have_text(re.compile(r"4\d s ago"))
    await expect(card).to_have_class(re.compile("stale"))
    canned.look(spark("spark1"))
    await expect(card).not_to_have_class(re.compile("stale"))
    await expect(card.locator("[data-f=age]")).to_have_text("")


async def test_the_token_opens_the_page(canned: Canned, visit: Open, watched: Watched) -> None:
    watched.expected = ("401", "429")
    canned.token = "right"
    page = await visit(PHONE)
    field = page.get_by_label("Owner token")
    await expect(field).to_be_focused()
    assert await page.locator("#page").evaluate("page => page.inert")
    await field.fill("wrong")
    await page.keyboard.press("Enter")
    error = page.get_by_role("alert")
    await expect(error).to_contain_text("The token is not the right one.")
    await field.fill("again")
    await page.get_by_role("button", name="Sign in").click()
    await expect(error).to_have_text("Too many wrong tokens. Wait 4 s, then try again.")
    await field.fill("right")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.locator("#live")).to_have_text("Live")
    assert not await page.locator("#page").evaluate("page => page.inert")
    await expect(page.locator("[data-f=curl]")).to_be_hidden()
    canned.serve(("smollm2", "spark1", None))
    await expect(page.locator("[data-f=curl]")).to_contain_text("Authorization: Bearer")
    await page.get_by_role("button", name="Sign out").click()
    await expect(field).to_be_visible()
    await expect(page.locator("#sparks article")).to_have_count(0)


async def test_a_session_that_ends_keeps_what_was_typed(
    canned: Canned, visit: Open, watched: Watched
) -> None:
    watched.expected = ("401", "500", "ERR_INCOMPLETE_CHUNKED_ENCODING")
    canned.serve(("smollm2", "spark1", None))
    page = await visit()
    await page.get_by_label("Prompt").fill("A long thought")
    canned.token = "right"
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator("#signin")).to_contain_text("The session has ended.")
    await page.get_by_label("Owner token").fill("right")
    await page.keyboard.press("Enter")
    await expect(page.locator("#live")).to_have_text("Live")
    await expect(page.get_by_label("Prompt")).to_have_value("A long thought")


async def test_a_menu_that_was_not_read_yet_comes_by_itself(canned: Canned, visit: Open) -> None:
    whole = canned.menu
    canned.menu = MenuShape(models=[], recipes=[], problems=[], read_at=None)
    page = await visit()
    await expect(page.locator("#models")).to_contain_text("Looking at the disks of the Sparks.")
    canned.menu = whole
    await expect(page.locator("#models tbody tr")).to_have_count(8, timeout=20_000)


async def test_an_upgraded_server_is_said(canned: Canned, visit: Open, watched: Watched) -> None:
    watched.expected = ("500", "ERR_INCOMPLETE_CHUNKED_ENCODING")
    page = await visit()
    await expect(page.locator("#live")).to_have_text("Live")
    canned.leave()
    canned.status.version = "99.0.0"
    canned.away = False
    await expect(page.locator("#notices")).to_contain_text("Spark Control was updated. Reload")


async def test_many_events_of_one_thing_arrive_as_the_newest(canned: Canned, visit: Open) -> None:
    page = await visit()
    await expect(page.locator("#live")).to_have_text("Live")
    for number in range(300):
        canned.look(spark("spark2", gpu=number % 100))
    await expect(page.locator("#sparks article").nth(1).locator(".tile b").first).to_have_text(
        "99"
    )
    assert isinstance(canned.bus, Bus)
