"""A switch on the page: asked for, followed, and how it ends."""

import re

import pytest
from playwright.async_api import expect

from spark_control.jobs.shapes import ErrorShape
from spark_control.swap.domain import Phase
from spark_control.swap.errors import SwapRunning
from tests.browser.canned import Canned
from tests.browser.conftest import PHONE, Open, Watched
from tests.browser.scenes import gone, swap

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

DIED = ErrorShape(
    code="engine_died", message="The engine ended before it was ready.",
    hint="The detail and the log hold its last words.",
)  # fmt: skip
LABELS = ["Check", "Drain", "Stop", "Launch", "Load", "Verify"]


async def test_from_the_button_to_now_serving(canned: Canned, visit: Open) -> None:
    canned.serve(("smollm2", "spark1", "llama.cpp"))
    page = await visit(PHONE)
    await page.get_by_role("button", name="Switch to gpt-oss 120B").click()
    dialog = page.locator("#switch-dialog")
    await expect(dialog).to_contain_text("SmolLM2 135M Instruct on spark1")
    await expect(dialog).to_contain_text("65 GB")
    await page.get_by_role("button", name="Switch model").click()
    await expect(dialog).to_be_hidden()
    assert canned.requests("POST", "/api/swap") == [{"model": "gpt-oss-120b", "host": "spark1"}]
    card = page.locator("#swap")
    # Who started it from the end of the page sees it.
    await expect(card).to_be_in_viewport(ratio=0.5)
    await expect(card).to_be_focused()
    for number, (phase, label) in enumerate(zip(Phase, LABELS, strict=True)):
        canned.tell(swap("gpt-oss-120b", replaces=["smollm2"], phase=phase.value))
        await expect(card.locator("[aria-current=step] .pt")).to_have_text(label)
        await expect(card.locator(".phases .done")).to_have_count(number)
        await expect(card.get_by_role("progressbar")).to_have_attribute(
            "aria-valuetext", re.compile(f", step {number + 1} of 6, about .* left")
        )
        said = re.compile(f", step {number + 1} of 6$|^Switching to gpt-oss 120B$")
        await expect(page.locator("#say")).to_have_text(said)
    canned.tell(swap("gpt-oss-120b", state="ready", phase="verifying"))
    canned.serve(("gpt-oss-120b", "spark1", None))
    await expect(card).to_contain_text("Switch finished")
    await expect(card).to_contain_text("gpt-oss 120B answers on spark1. It took 25 s.")
    await expect(page.locator("#serving .loaded")).to_have_text("gpt-oss 120Bon spark1")
    await expect(page.locator("#serving [data-f=curl]")).to_contain_text('"model":"gpt-oss-120b"')
    await page.get_by_role("button", name="Dismiss").click()
    await expect(card).to_be_hidden()


async def test_the_dialog_says_what_stops_on_the_chosen_spark(canned: Canned, visit: Open) -> None:
    canned.serve(("smollm2", "spark1", None), ("llama-4-scout", "spark2", None))
    page = await visit()
    await page.get_by_role("button", name="Switch to gpt-oss 120B").click()
    dialog = page.locator("#switch-dialog")
    await expect(dialog.locator("[data-f=stops]")).to_have_text("SmolLM2 135M Instruct on spark1")
    await dialog.get_by_label("On Spark").select_option("spark2")
    await expect(dialog.locator("[data-f=stops]")).to_have_text("llama-4-scout on spark2")
    await expect(dialog.locator("[data-f=starts]")).to_have_text("gpt-oss 120B on spark2")
    await page.get_by_role("button", name="Switch model").click()
    await expect(dialog).to_be_hidden()
    assert canned.requests("POST", "/api/swap")[0]["host"] == "spark2"


async def test_a_spark_that_is_gone_cannot_be_chosen(canned: Canned, visit: Open) -> None:
    canned.sparks[0] = gone(canned.sparks[0])
    page = await visit()
    await page.get_by_role("button", name="Switch to gpt-oss 120B").click()
    choice = page.get_by_label("On Spark")
    await expect(choice).to_have_value("spark2")
    await expect(choice.locator("option").first).to_be_disabled()


async def test_a_refusal_is_said_in_the_dialog(
    canned: Canned, visit: Open, watched: Watched
) -> None:
    watched.expected = ("409",)
    canned.refuse = SwapRunning("A swap to smollm2 runs now.")
    page = await visit()
    await page.get_by_role("button", name="Switch to gpt-oss 120B").click()
    await page.get_by_role("button", name="Switch model").click()
    error = page.locator("#switch-dialog").get_by_role("alert")
    await expect(error).to_have_text(
        "A swap to smollm2 runs now. Wait for it, or cancel it first."
    )
    await expect(page.get_by_role("button", name="Switch model")).to_be_enabled()


async def test_without_history_there_is_no_estimate_and_no_percent(
    canned: Canned, visit: Open
) -> None:
    canned.status.swap = swap("gpt-oss-120b", phase="launching", usual=False)
    page = await visit()
    card = page.locator("#swap")
    await expect(card).to_contain_text("No estimate yet, ")
    await expect(card.locator("[data-f=arrow]")).to_be_hidden()
    await expect(card.get_by_role("progressbar")).not_to_have_attribute(
        "aria-valuenow", re.compile("")
    )
    widths = await card.locator(".segbar > i").evaluate_all(
        "all => all.map(one => one.offsetWidth)"
    )
    assert max(widths) - min(widths) <= 1
    # The engine's own percent is shown, and only while it loads.
    canned.tell(
        swap(
            "gpt-oss-120b",
            phase="loading",
            usual=False,
            progress=43.0,
            activity="Weights 41 of 96",
        )
    )
    await expect(card.locator(".activity")).to_have_text("Weights 41 of 96, 43 %")
    canned.tell(
        swap("gpt-oss-120b", phase="verifying", usual=False, progress=43.0, activity="Answering")
    )
    await expect(card.locator(".activity")).to_have_text("Waiting for the first token")


async def test_segments_are_as_wide_as_the_phases_are_long(canned: Canned, visit: Open) -> None:
    canned.status.swap = swap("gpt-oss-120b", phase="checking")
    page = await visit()
    await expect(page.locator("#swap .eta")).to_contain_text("left, ")
    widths = await page.locator("#swap .segbar > i").evaluate_all(
        "all => all.map(one => one.offsetWidth)"
    )
    assert widths[4] == max(widths) > 5 * widths[3]
    assert min(widths) >= 6


async def test_a_failure_shows_cause_hint_and_last_lines(canned: Canned, visit: Open) -> None:
    page = await visit()
    canned.log("loading shards 41/96")
    canned.tell(swap("gpt-oss-120b", phase="loading"))
    await expect(page.locator("#swap pre")).to_contain_text("loading shards 41/96")
    canned.log("torch.OutOfMemoryError")
    canned.tell(swap("gpt-oss-120b", phase="loading", state="failed", error=DIED))
    card = page.locator("#swap")
    await expect(card).to_contain_text("Switch failed")
    await expect(card).to_contain_text(DIED.message)
    await expect(card).to_contain_text(str(DIED.hint))
    await expect(card.locator(".phases .bad")).to_have_text("Load1 s")
    await expect(card.locator("pre")).to_contain_text("torch.OutOfMemoryError")
    # It is still there after a reload, with its last lines, until it is put away.
    await page.reload()
    await expect(card.locator("pre")).to_contain_text("torch.OutOfMemoryError")
    await card.get_by_role("button", name="Try again").click()
    await expect(page.locator("#switch-dialog")).to_contain_text("Switch to gpt-oss 120B?")
    await page.keyboard.press("Escape")
    await card.get_by_role("button", name="Dismiss").click()
    await expect(card).to_be_hidden()
    await page.reload()
    await expect(page.locator("#serving")).to_be_visible()
    await expect(card).to_be_hidden()


async def test_a_reload_in_the_middle_brings_all_of_it_back(canned: Canned, visit: Open) -> None:
    canned.serve(("smollm2", "spark1", None))
    canned.lines = [f"line {number}" for number in range(60)]
    canned.status.swap = swap(
        "gpt-oss-120b", replaces=["smollm2"], phase="loading", in_phase_s=41, progress=58.0,
        activity="Weights 56 of 96",
    )  # fmt: skip
    page = await visit()
    for _ in range(2):
        card = page.locator("#swap")
        await expect(card.locator(".fromto")).to_have_text("SmolLM2 135M Instructgpt-oss 120B")
        await expect(card.locator("[aria-current=step]")).to_have_text(re.compile("Load4[1-9] s"))
        await expect(card.locator(".eta")).to_have_text(
            re.compile(r"5\d sleft, 5\d s elapsed|1:00left.*")
        )
        await expect(card.locator("pre")).to_contain_text("line 59")
        await expect(page).to_have_title("Switching to gpt-oss 120B, Spark Control")
        await page.reload()


async def test_cancelling_is_asked_first(canned: Canned, visit: Open) -> None:
    canned.status.swap = swap("gpt-oss-120b", phase="loading")
    page = await visit()
    await page.get_by_role("button", name="Cancel switch").click()
    dialog = page.locator("#cancel-dialog")
    await expect(dialog).to_contain_text("After that spark1 runs no model.")
    await dialog.get_by_role("button", name="Keep switching").click()
    assert canned.requests("DELETE", "/api/swap/sw_1") == []
    await page.get_by_role("button", name="Cancel switch").click()
    await dialog.get_by_role("button", name="Cancel switch").click()
    await expect(dialog).to_be_hidden()
    assert len(canned.requests("DELETE", "/api/swap/sw_1")) == 1
    canned.tell(swap("gpt-oss-120b", phase="loading", state="cancelled"))
    await expect(page.locator("#swap")).to_contain_text("Switch cancelled")


async def test_while_one_runs_no_other_can_be_started(canned: Canned, visit: Open) -> None:
    canned.status.swap = swap("gpt-oss-120b", phase="loading")
    page = await visit()
    why = "Switching to gpt-oss 120B. One switch at a time."
    await expect(page.locator("#models-why")).to_have_text(why)
    other = page.get_by_role("button", name="Switch to SmolLM2")
    await expect(other).to_have_attribute("aria-disabled", "true")
    await expect(other).to_have_accessible_description(why)


async def test_the_log_follows_until_the_reader_scrolls_up(canned: Canned, visit: Open) -> None:
    canned.status.swap = swap("gpt-oss-120b", phase="loading")
    page = await visit()
    log = page.locator("#swap pre")
    at_end = "pre => pre.scrollHeight - pre.clientHeight - pre.scrollTop < 12"
    canned.log(*(f"line {number}" for number in range(800)))
    await expect(log).to_contain_text("line 799")
    assert await log.evaluate("pre => pre.childNodes.length") == 500
    assert await log.evaluate(at_end)
    await log.evaluate("pre => { pre.scrollTop = 2000 }")
    follow = page.get_by_role("button", name="Jump to newest")
    await expect(follow).to_be_visible()
    seen = (
        "pre => pre.textContent.split('\\n')[Math.round(pre.scrollTop / (pre.scrollHeight / 500))]"
    )
    reading = await log.evaluate(seen)
    canned.log(*(f"line {number}" for number in range(800, 860)))
    await expect(log).to_contain_text("line 859")
    assert await log.evaluate("pre => pre.childNodes.length") == 500
    assert await log.evaluate(seen) == reading
    await follow.click()
    assert await log.evaluate(at_end)


async def test_the_dialog_says_what_a_pre_flight_finds(canned: Canned, visit: Open) -> None:
    canned.report.ok = False
    canned.report.errors = ["`--foo` is no option of vLLM."]
    canned.report.warnings = ["`-tp` is given more than once."]
    page = await visit()
    await page.get_by_role("button", name="Switch to gpt-oss 120B").click()
    found = page.locator("#switch-dialog .preflight")
    await expect(found).to_contain_text("This will most likely not start:")
    await expect(found.locator("li.bad code")).to_have_text("--foo")
    await expect(found.locator("li")).to_have_count(2)
    assert canned.requests("POST", "/api/swap/gpt-oss-120b/validate") == [{"host": "spark1"}]
    await page.get_by_role("button", name="Switch model").click()
    await expect(page.locator("#switch-dialog")).to_be_hidden()


async def test_the_cause_stands_before_what_happened(canned: Canned, visit: Open) -> None:
    cause = {"code": "memory_taken", "title": "Memory is taken", "remedy": "Free it.", "line": "x"}
    died = DIED.model_copy(update={"hint": "Free it.", "detail": {"cause": cause}})
    page = await visit()
    canned.tell(swap("gpt-oss-120b", state="failed", phase="loading", error=died))
    card = page.locator("#swap")
    await expect(card.locator("[data-f=cause]")).to_have_text(
        "Memory is taken. The engine ended before it was ready."
    )
    await expect(card.locator("[data-f=hint]")).to_have_text("Free it.")
