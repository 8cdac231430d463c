"""The box to try the model that is served, and the addresses to copy."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.canned import Canned
from tests.browser.conftest import Open, Watched
from tests.browser.scenes import swap

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def ask(page: Page, words: str = "Say hello") -> None:
    await page.get_by_label("Prompt").fill(words)
    await page.get_by_role("button", name="Send").click()


async def test_the_answer_streams(canned: Canned, visit: Open) -> None:
    canned.serve(("smollm2", "spark1", "llama.cpp"))
    page = await visit()
    await ask(page)
    answer = page.get_by_label("Answer")
    await expect(answer).to_have_text("Hello")
    await expect(answer).to_have_attribute("aria-busy", "true")
    canned.go_on.set()
    await expect(answer).to_have_text("Hello from the model.")
    await expect(page.locator("[data-f=trystat]")).to_contain_text("First text after ")
    await expect(page.get_by_role("button", name="Send")).to_be_visible()
    sent = canned.requests("POST", "/v1/chat/completions")[0]
    assert (sent["model"], sent["stream"]) == ("smollm2", True)
    assert sent["messages"] == [{"role": "user", "content": "Say hello"}]


async def test_it_can_be_stopped(canned: Canned, visit: Open) -> None:
    canned.serve(("smollm2", "spark1", None))
    page = await visit()
    await ask(page)
    await expect(page.get_by_label("Answer")).to_have_text("Hello")
    await page.get_by_role("button", name="Stop").click()
    await expect(page.locator("[data-f=trystat]")).to_have_text("Stopped")
    await expect(page.get_by_label("Answer")).to_have_text("Hello")
    await expect(page.get_by_role("button", name="Send")).to_be_visible()


async def test_what_goes_wrong_is_said(canned: Canned, visit: Open, watched: Watched) -> None:
    watched.expected = ("500", "ERR_INCOMPLETE_CHUNKED_ENCODING")
    canned.serve(("smollm2", "spark1", None))
    page = await visit()
    await expect(page.get_by_label("Prompt")).to_be_visible()
    canned.away = True
    await ask(page)
    await expect(page.locator("#serving").get_by_role("alert")).to_contain_text(
        "The server is away."
    )
    await expect(page.get_by_label("Prompt")).to_have_value("Say hello")


async def test_with_two_models_one_is_chosen(canned: Canned, visit: Open) -> None:
    canned.serve(("smollm2", "spark1", None), ("gpt-oss-120b", "spark2", None))
    canned.go_on.set()
    page = await visit()
    await page.get_by_label("Model to ask").select_option("gpt-oss-120b")
    await ask(page)
    await expect(page.get_by_label("Answer")).to_have_text("Hello from the model.")
    assert canned.requests("POST", "/v1/chat/completions")[0]["model"] == "gpt-oss-120b"
    await expect(page.locator("[data-f=curl]")).to_contain_text('"model":"gpt-oss-120b"')


async def test_an_answer_does_not_outlive_its_model(canned: Canned, visit: Open) -> None:
    canned.serve(("smollm2", "spark1", None))
    canned.go_on.set()
    page = await visit()
    await ask(page)
    await expect(page.get_by_label("Answer")).to_have_text("Hello from the model.")
    canned.serve(("gpt-oss-120b", "spark1", None))
    await expect(page.locator("#serving .loaded")).to_contain_text("gpt-oss 120B")
    await expect(page.get_by_label("Answer")).to_be_hidden()
    await expect(page.get_by_label("Prompt")).to_have_value("Say hello")


async def test_with_no_model_there_is_nothing_to_ask(canned: Canned, visit: Open) -> None:
    page = await visit()
    await expect(page.locator("#serving")).to_contain_text(
        "No model is running. Choose one below."
    )
    await expect(page.get_by_label("Prompt")).to_be_hidden()
    canned.tell(swap("smollm2", phase="loading"))
    await expect(page.locator("#serving")).to_contain_text("until the switch is done")


@pytest.mark.parametrize("modern", [True, False])
async def test_addresses_are_copied_on_plain_http_too(
    canned: Canned, visit: Open, *, modern: bool
) -> None:
    canned.serve(("smollm2", "spark1", None))
    page = await visit(permissions=["clipboard-read", "clipboard-write"])
    read = "navigator.clipboard.readText()"
    if not modern:
        # A page on plain http from another machine has no clipboard; the fallback must do.
        await page.evaluate("""window.clipboard = navigator.clipboard;
            Object.defineProperty(navigator, 'clipboard', { value: undefined })""")
        read = "window.clipboard.readText()"
    button = page.get_by_role("button", name="Copy base URL")
    await button.click()
    await expect(page.locator("#say")).to_have_text("Copied")
    assert await page.evaluate(read) == f"{canned.url}v1"
    await expect(button).to_be_focused()
    await page.get_by_role("button", name="Copy curl command").click()
    await page.wait_for_function(f"{read}.then(text => text.startsWith('curl -N http'))")
