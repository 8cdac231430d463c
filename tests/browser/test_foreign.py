"""An engine that is not ours is marked, taken over and stopped; recipes are imported."""

import pytest
from playwright.async_api import FilePayload, expect

from spark_control.models.import_shapes import (
    ImportedShape,
    IntakeShape,
    LeftShape,
    RefusalShape,
)
from spark_control.swap.engines_shapes import RowShape
from tests.browser.canned import Canned
from tests.browser.conftest import PHONE, Open
from tests.browser.scenes import engine_of, recipe

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def foreign(**more: object) -> RowShape:
    engine = engine_of("spark1", "10.88.0.11", "their/model", None)
    row = RowShape(
        **engine.model_dump(), ours="no", kind="container", name="my-llm", pid=7, image="x:1",
        command=["vllm", "serve", "their/model"], since="2026-01-01T10:00:00.000Z",
        confirm="my-llm", unit="", restarts=True, can_take_over=True, can_stop=True, problems=[],
    )  # fmt: skip
    return row.model_copy(update=more)


def there(canned: Canned, row: RowShape) -> None:
    canned.engines = [row]
    canned.serve(("their/model", "spark1", None))


async def test_a_mark_and_a_take_over(canned: Canned, visit: Open) -> None:
    there(canned, foreign())
    page = await visit()
    card = page.locator("#sparks .host", has_text="spark1")
    await expect(card.locator(".foreign")).to_contain_text("Not ours")
    await expect(card.locator(".foreign")).to_contain_text("Container my-llm, since")
    await card.get_by_role("button", name="Take over").click()
    dialog = page.get_by_role("dialog", name="Take this engine over?")
    await expect(dialog).to_contain_text("vllm serve their/model")
    await dialog.get_by_role("button", name="Take over").click()
    await expect(card.locator(".foreign")).to_contain_text("Taken over")
    await expect(card.get_by_role("button", name="Take over")).to_be_hidden()
    assert canned.requests("POST", "/api/engines/spark1/take-over") == [{}]


async def test_a_stop_wants_the_name(canned: Canned, visit: Open) -> None:
    there(canned, foreign())
    page = await visit(PHONE)
    card = page.locator("#sparks .host", has_text="spark1")
    await card.get_by_role("button", name="Stop", exact=True).click()
    dialog = page.get_by_role("dialog", name="Stop this engine?")
    await expect(dialog).to_contain_text("The container is removed")
    await expect(dialog).to_contain_text("may start it again")
    go = dialog.get_by_role("button", name="Stop engine")
    await expect(go).to_have_attribute("aria-disabled", "true")
    await dialog.get_by_label("Type my-llm to confirm").fill("my-llm")
    await go.click()
    await expect(dialog).to_be_hidden()
    await expect(card.locator(".foreign")).to_be_hidden()
    assert canned.requests("POST", "/api/engines/spark1/stop") == [{"confirm": "my-llm"}]


async def test_what_cannot_be_told_has_no_buttons(canned: Canned, visit: Open) -> None:
    there(canned, foreign(kind="unknown", name="", pid=None, confirm="", since=None,
                          can_take_over=False, can_stop=False,
                          problems=["docker could not be asked"]))  # fmt: skip
    page = await visit()
    mark = page.locator("#sparks .host", has_text="spark1").locator(".foreign")
    await expect(mark).to_contain_text("What it is cannot be told; docker could not be asked")
    await expect(mark.get_by_role("button")).to_have_count(0)


async def test_an_engine_of_ours_has_no_mark(canned: Canned, visit: Open) -> None:
    there(canned, foreign(ours="yes", can_take_over=False, can_stop=False))
    page = await visit()
    await expect(page.locator("#sparks .host").first).to_contain_text("their/model")
    await expect(page.locator(".foreign:visible")).to_have_count(0)


async def test_an_import_says_what_was_left_out(canned: Canned, visit: Open) -> None:
    left = [LeftShape(field="build_args", reason="It is not used here.")]
    canned.intake = IntakeShape(
        dry_run=False,
        imported=[ImportedShape(recipe=recipe("big", "Big", ""), left_out=left)],
        refused=[RefusalShape(name="Other", field="command", reason="It is no `vllm serve`.")],
    )
    page = await visit()
    await page.get_by_role("button", name="Import recipes").click()
    dialog = page.get_by_role("dialog", name="Import recipes")
    go = dialog.get_by_role("button", name="Import", exact=True)
    await expect(go).to_have_attribute("aria-disabled", "true")
    await dialog.get_by_label("Files").set_input_files(
        [
            FilePayload(name=f"{n}.yaml", mimeType="text/yaml", buffer=f"name: {n}".encode())
            for n in "ab"
        ]
    )  # fmt: skip
    await expect(dialog.get_by_label("Text")).to_have_value("name: a\n---\nname: b")
    await go.click()
    await expect(dialog).to_contain_text("Imported Big. Left out: build_args")
    await expect(dialog).to_contain_text("Not imported: Other. It is no vllm serve.")
    await dialog.get_by_role("button", name="Close").click()
    assert canned.requests("POST", "/api/models/import") == [{"text": "name: a\n---\nname: b"}]
