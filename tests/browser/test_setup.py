"""Launch settings are proposed and kept; the memory a model needs is shown with its sum."""

import pytest
from playwright.async_api import expect

from spark_control.models.fit_shapes import (
    FindingShape,
    FitBriefShape,
    FitShape,
    SuggestShape,
    TermShape,
)
from tests.browser.canned import Canned
from tests.browser.conftest import PHONE, Open

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

TIGHT = FitShape(
    verdict="tight", needed_bytes=70 * 2**30, max_context=180_000, model="gpt-oss-120b",
    spark="spark1", reason="Only 2.0 GiB of the KV cache stay free.", context=131_072, sequences=1,
    spare_bytes=2 * 2**30, max_sequences=1, basis="estimated",
    terms=[
        TermShape(name="weights", bytes=60 * 2**30, basis="measured", note="files on disk"),
        TermShape(name="kv_per_token", bytes=98_304, basis="estimated", note=""),
        TermShape(name="later", bytes=None, basis="estimated", note=""),
    ],
)  # fmt: skip
PROPOSAL = SuggestShape(
    recipe={
        "key": "llama-4-scout", "name": "Llama 4 Scout", "vllm_args": ["--max-model-len", "9"],
    },
    values=[
        FindingShape(name="context", value="9", source="config.json: max_position_embeddings",
                     words=["--max-model-len", "9"], confirm=False),
        FindingShape(name="code of the model", value="runs only when you agree",
                     source="config.json: auto_map", words=["--trust-remote-code"], confirm=True),
    ],
    fit=TIGHT,
)  # fmt: skip


def make_tight(canned: Canned) -> None:
    canned.fit = TIGHT
    for one in canned.menu.models:
        if one.key == "gpt-oss-120b":
            one.fit = FitBriefShape(verdict="tight", needed_bytes=1, max_context=1)


async def test_the_sum_behind_a_badge(canned: Canned, visit: Open) -> None:
    make_tight(canned)
    page = await visit()
    row = page.locator("#models tbody tr", has_text="gpt-oss 120B")
    await expect(row).to_contain_text("Tight")
    await row.get_by_role("button").click()
    memory = page.locator("#switch-dialog .fit")
    await expect(memory).to_contain_text("Only 2.0 GiB of the KV cache stay free.")
    await memory.locator("summary").click()
    await expect(memory).to_contain_text("60.0 GiB")
    await expect(memory).to_contain_text("98,304 B")
    await expect(memory).to_contain_text("Longest context: 180,000 tokens.")


@pytest.mark.parametrize("agree", [False, True])
async def test_a_model_is_set_up(canned: Canned, visit: Open, *, agree: bool) -> None:
    canned.proposal = PROPOSAL
    page = await visit(PHONE)
    await page.get_by_role("button", name="Set up llama-4-scout").click()
    dialog = page.locator("#setup-dialog")
    await expect(dialog).to_contain_text("config.json: max_position_embeddings")
    box = dialog.get_by_role("checkbox", name="Add --trust-remote-code")
    await expect(box).not_to_be_checked()
    if agree:
        await box.check()
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog).to_be_hidden()
    await expect(page.get_by_role("button", name="Switch to llama-4-scout")).to_be_visible()
    (sent,) = canned.requests("POST", "/api/models")
    more = ["--trust-remote-code"] if agree else []
    assert sent["vllm_args"] == ["--max-model-len", "9", *more]
