"""The page as a whole: what it shows at first, on a phone, to a keyboard, and to an attacker."""

import pytest
from playwright.async_api import Browser, expect

from spark_control.core.errors import Conflict
from spark_control.dashboard.status import NoticeShape
from spark_control.models.shapes import MenuShape, ProblemShape
from tests.browser.canned import Canned, serving
from tests.browser.conftest import PHONE, Open, Watched, watch
from tests.browser.scenes import gone, model, spark, swap

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

EVIL = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
DASH = "\N{EN DASH}"
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def row(key: str) -> str:
    return f"#models tr:has(button[data-key='{key}'])"


async def test_shows_the_fleet_the_menu_and_what_is_served(canned: Canned, visit: Open) -> None:
    canned.serve(("smollm2", "spark1", "llama.cpp"), ("gpt-oss-120b", "spark2", "scripted"))
    page = await visit()
    await expect(page.locator("#live")).to_have_text("Live")
    await expect(page.locator("#fleet")).to_have_text("2 of 2 Sparks online")
    await expect(page.locator("#notices")).to_contain_text("This is a demo. The Sparks, their")
    await expect(page.locator("#notices")).to_contain_text("Here they share one address.")
    served = page.locator("#serving .loaded")
    await expect(served.locator("strong")).to_have_text(["SmolLM2 135M Instruct", "gpt-oss 120B"])
    await expect(served.locator(".on")).to_have_text(["on spark1", "on spark2"])
    await expect(served.locator(".pill")).to_have_text(["llama.cpp, tiny model", "Scripted"])
    await expect(page.locator("[data-f=base]")).to_have_text(f"{canned.url}v1")
    first = page.locator("#sparks article").first
    await expect(first).to_contain_text("61.9 / 119.7 GiB")
    await expect(first).to_contain_text("GPU 52.1")
    await expect(first.locator("[role=meter]")).to_have_attribute(
        "aria-valuetext", "61.9 of 119.7 GiB in use"
    )
    await expect(first.locator(".tile")).to_have_text(
        ["GPU34%", "CPU load2.4of 20", "Temp58°C", "Power41W"]
    )
    await expect(page.locator("#models tbody tr")).to_have_count(8)
    await expect(page.locator(row("smollm2"))).to_contain_text("Loaded on spark1")


async def test_each_model_that_cannot_be_switched_to_says_why(visit: Open) -> None:
    page = await visit()
    for key, why in (
        ("qwen3-coder", "3 of 16 files are missing on spark2"),
        ("bge-m3", "Not a chat model (embedding)"),
    ):
        line = page.locator(row(key))
        await expect(line.locator(".state")).to_contain_text(why)
        await expect(line.get_by_role("button")).to_have_attribute("aria-disabled", "true")
        await expect(line.get_by_role("button")).to_have_accessible_description(
            await line.locator(".state span").inner_text()
        )
        await line.get_by_role("button").click(force=True)
    await expect(page.locator("dialog[open]")).to_have_count(0)
    badges = page.locator(f"{row('house-style')} .pill")
    await expect(badges).to_have_text(["Solo", "Local", "Custom"])
    await expect(page.locator(f"{row('qwen3-coder')} .pill")).to_have_text(["Solo", "Incomplete"])
    await expect(page.locator(f"{row('gpt-oss-120b')} a")).to_have_attribute(
        "href", "https://huggingface.co/example/gpt-oss-120b"
    )


async def test_what_is_not_known_is_a_dash_and_no_zero(canned: Canned, visit: Open) -> None:
    canned.sparks[0] = spark("spark1", gpu=None, held_gib=None)
    canned.sparks[0].load = None
    page = await visit()
    first = page.locator("#sparks article").first
    await expect(first.locator(".tile").first).to_have_text(f"GPU{DASH}%")
    await expect(first.locator(".tile").nth(1)).to_contain_text(DASH)
    await expect(first).to_contain_text(f"GPU {DASH}")


async def test_a_lost_spark_keeps_its_place_its_data_and_what_to_try(
    canned: Canned, visit: Open
) -> None:
    held_there = next(one for one in canned.menu.models if one.key == "llama-4-scout")
    held_there.needs_setup = False
    page = await visit()
    canned.look(gone(canned.sparks[1]))
    card = page.locator("#sparks article").nth(1)
    await expect(card).to_contain_text("Unreachable")
    await expect(card).to_contain_text("spark2 did not answer within 6 s.")
    await expect(card).to_contain_text("then try ssh USER@HOST by hand")
    await expect(card).to_contain_text("Last reading 14 min ago.")
    await expect(card).to_contain_text("61.9 / 119.7 GiB")
    await expect(page.locator("#fleet")).to_have_text("1 of 2 Sparks online")
    held_there_only = page.locator(row("llama-4-scout"))
    await expect(held_there_only.get_by_role("button")).to_have_attribute("aria-disabled", "true")


async def test_without_sparks_it_says_which_lines_to_set(canned: Canned, visit: Open) -> None:
    canned.status.sparks, canned.sparks = [], []
    canned.menu = MenuShape(models=[], recipes=[], problems=[], read_at=None)
    page = await visit()
    await expect(page.locator("#nosparks")).to_contain_text("SPARK1_HOST=10.88.0.11")
    await expect(page.locator("#nosparks")).to_contain_text("SPARK1_USER=")
    await expect(page.locator("#models")).to_be_hidden()


async def test_without_models_the_recipes_are_offered(canned: Canned, visit: Open) -> None:
    canned.menu.models = []
    page = await visit()
    await expect(page.locator("#models")).to_contain_text(
        "No model is on the disk of a Spark yet."
    )
    await page.get_by_text("2 recipes not on disk").click()
    await expect(page.locator(".recipes")).to_contain_text("example/qwen36")
    await page.get_by_text("1 problem with recipes or disks").click()
    await expect(page.locator(".problems")).to_have_text(
        "models-overrides.yaml, old-one has no repo and no local_path"
    )


async def test_markup_in_names_errors_and_logs_is_only_text(
    canned: Canned, visit: Open, watched: Watched
) -> None:
    watched.expected = ("409",)
    evil = model("evil", EVIL, gb=1, hosts=["spark1"], repo=EVIL, url=f"javascript:{EVIL}")
    canned.menu.models.append(evil)
    canned.menu.problems = [ProblemShape(source=EVIL, entry=EVIL, reason=EVIL)]
    canned.status.notices = [NoticeShape(code="x", message=EVIL, hint=f"`{EVIL}`")]
    canned.serve((EVIL, "spark1", EVIL))
    canned.lines = [EVIL]
    canned.words = [EVIL, EVIL]
    canned.refuse = Conflict(EVIL, hint=EVIL)
    canned.go_on.set()
    page = await visit()
    await page.get_by_label("Prompt").fill("?")
    await page.get_by_role("button", name="Send").click()
    await expect(page.get_by_label("Answer")).to_have_text(EVIL + EVIL)
    await page.locator(row("evil")).get_by_role("button").click()
    await page.get_by_role("button", name="Switch model").click()
    await expect(page.locator("#switch-dialog .err")).to_contain_text("<script>")
    await page.keyboard.press("Escape")
    canned.tell(swap("evil", replaces=[EVIL], phase="loading", activity=EVIL))
    await expect(page.locator("#swap pre")).to_contain_text("<script>")
    await expect(page.locator("#swap .activity")).to_have_text(EVIL)
    assert await page.locator("img, main script").count() == 0
    assert await page.locator("a[href^='javascript']").count() == 0
    assert "owned" not in (await page.title()).split("<", 1)[0]


@pytest.mark.parametrize("width", [320, 390, 600, 720, 721, 820, 1180, 1440])
async def test_nothing_is_wider_than_the_screen(canned: Canned, visit: Open, width: int) -> None:
    canned.serve(("smollm2", "spark1", "llama.cpp"))
    long = "a-name-without-any-place-to-break-" * 4
    canned.menu.models.append(model("long", long, gb=1, hosts=["spark1"], repo=f"example/{long}"))
    canned.look(gone(canned.sparks[1]))
    canned.status.swap = swap("long", replaces=[long], phase="loading", activity=long)
    canned.lines = ["a line that is longer than any screen " * 20]
    page = await visit((width, 800))
    await expect(page.locator("#swap pre")).to_contain_text("longer than any screen")
    assert await page.evaluate(TOO_WIDE) <= 0
    await page.get_by_role("button", name="Cancel switch").click()
    assert await page.evaluate(TOO_WIDE) <= 0


async def test_on_a_phone_fingers_hit_the_buttons(canned: Canned, visit: Open) -> None:
    canned.serve(("smollm2", "spark1", None))
    page = await visit(PHONE)
    await expect(page.locator("#models tbody tr")).to_have_count(8)
    await page.locator(row("gpt-oss-120b")).get_by_role("button").click()
    sizes = await page.evaluate("""[
        ...document.querySelectorAll('button, a[href], select, summary')]
        .map(one => [one.getBoundingClientRect(), one])
        .filter(([box]) => box.width > 1)
        .map(([box, one]) => [one.textContent.trim() || one.ariaLabel, box.height,
                              one.matches('.btn:not(.sm), select')])""")
    assert len(sizes) > 15
    for words, height, main in sizes:
        assert height >= (44 if main else 16), words


async def test_works_with_the_keyboard_alone(canned: Canned, visit: Open) -> None:
    page = await visit()
    await expect(page.locator("#models tbody tr")).to_have_count(8)
    await page.keyboard.press("Tab")
    await expect(page.get_by_text("Skip to content")).to_be_focused()
    await page.keyboard.press("Enter")
    opener = page.locator(row("gpt-oss-120b")).get_by_role("button")
    await opener.focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#switch-dialog")).to_be_visible()
    # The safe choice has the focus, and Escape is that choice.
    await expect(page.get_by_role("button", name="Not now")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("#switch-dialog")).to_be_hidden()
    await expect(opener).to_be_focused()
    assert canned.requests("POST", "/api/swap") == []


async def test_still_for_those_who_want_it_still(canned: Canned, visit: Open) -> None:
    canned.status.swap = swap("smollm2", phase="loading", usual=False)
    moving = await visit()
    await expect(moving.locator("#swap")).to_be_visible()
    assert await moving.evaluate("document.getAnimations().length") > 0
    still = await visit(reduced_motion="reduce")
    await expect(still.locator("#swap")).to_be_visible()
    assert await still.evaluate("document.getAnimations().length") == 0


async def test_the_theme_follows_the_system_until_one_is_chosen(visit: Open) -> None:
    page = await visit(theme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    assert await page.evaluate(background) == "rgb(12, 15, 19)"
    await page.get_by_role("button", name="Switch colour theme").click()
    assert await page.evaluate(background) == "rgb(244, 245, 247)"
    await page.reload()
    assert await page.evaluate(background) == "rgb(244, 245, 247)"
    await page.emulate_media(color_scheme="light")
    await page.get_by_role("button", name="Switch colour theme").click()
    assert await page.evaluate(background) == "rgb(12, 15, 19)"


async def test_a_path_before_it_changes_nothing(chromium: Browser, watched: Watched) -> None:
    async with serving(Canned(), prefix="/apps/sparks") as canned:
        canned.serve(("smollm2", "spark1", None))
        page = await chromium.new_page()
        watch(page, canned.url, watched)
        await page.goto(canned.url)
        await expect(page.locator("#live")).to_have_text("Live")
        await expect(page.locator("[data-f=base]")).to_have_text(f"{canned.url}v1")
        canned.go_on.set()
        await page.get_by_label("Prompt").fill("Hello")
        await page.keyboard.press("Enter")
        await expect(page.get_by_label("Answer")).to_have_text("Hello from the model.")
        await page.close()
