"""A Spark is added after its key was confirmed; it is tested, trusted anew and removed."""

import pytest
from playwright.async_api import Page, expect

from spark_control.fleet.checks import Check, Mark
from spark_control.fleet.domain import KeyState
from spark_control.fleet.hosts_shapes import EntryShape, KeyShape, LineShape
from spark_control.settings.errors import HostInUse, HostNameTaken
from tests.browser.canned import Canned
from tests.browser.conftest import PHONE, Open, Watched

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SHOWN = "SHA256:AYVqqmNqzKDFKWen6H/O49a3ZjHEAcpPe3vktFivJGw"


def key(state: KeyState) -> KeyShape:
    return KeyShape(kind="ssh-ed25519", fingerprint=SHOWN, state=state)


def line(check: Check, state: Mark, hint: str = "", shown: KeyShape | None = None) -> LineShape:
    return LineShape(check=check, state=state, message=f"{check} says so.", hint=hint or None,
                     key=shown)  # fmt: skip


def lines(state: KeyState) -> list[LineShape]:
    """Return a test of a Spark that has all it needs but docker."""
    mark = Mark.FAILED if state is KeyState.CHANGED else Mark.ATTENTION
    rows = {check: line(check, Mark.OK) for check in Check}
    rows[Check.HOST_KEY] = line(Check.HOST_KEY, mark, shown=key(state))
    rows[Check.DOCKER] = line(Check.DOCKER, Mark.FAILED, "Run `sudo usermod` there.")
    return list(rows.values())


def host(name: str, source: str = "file") -> EntryShape:
    return EntryShape(
        name=name, number=1, host="10.88.0.11", user="ubuntu", port=22, here=False, source=source,
        reachable=True, error=None, keys=[key(KeyState.KNOWN)],
    )  # fmt: skip


async def fill(page: Page) -> None:
    await page.get_by_label("Address").fill("10.88.0.11")
    await page.get_by_label("User").fill("ubuntu")
    await page.get_by_role("button", name="Test", exact=True).click()


@pytest.mark.parametrize("size", [(1280, 900), PHONE])
async def test_the_first_spark(canned: Canned, visit: Open, size: tuple[int, int]) -> None:
    canned.status.sparks, canned.sparks = [], []
    canned.hosts, canned.checks = [host("spark1")], lines(KeyState.NEW)
    page = await visit(size)
    await page.get_by_role("button", name="Add a Spark").click()
    dialog = page.locator("#add-dialog")
    await expect(dialog).to_contain_text("printf 'ssh-ed25519 AAAA'")
    await fill(page)
    # The first lines are there while the test still runs.
    await expect(dialog.locator(".checks li")).to_have_count(3)
    await expect(dialog.get_by_text("Testing", exact=True)).to_be_visible()
    canned.go_on.set()
    await expect(dialog.locator(".checks li")).to_have_count(9)
    await expect(dialog).to_contain_text("Run sudo usermod there.")
    add = dialog.get_by_role("button", name="Add Spark")
    await expect(add).to_have_attribute("aria-disabled", "true")
    await expect(dialog.locator(".confirm")).to_contain_text(SHOWN)
    await dialog.get_by_role("checkbox").check()
    wide = await page.evaluate("document.querySelector('#add-dialog').scrollWidth")
    assert wide <= await page.evaluate("document.querySelector('#add-dialog').offsetWidth")
    await add.click()
    await expect(dialog).to_be_hidden()
    (sent,) = canned.requests("POST", "/api/hosts")
    assert sent == {"host": "10.88.0.11", "user": "ubuntu", "port": 22, "name": "",
                    "fingerprint": SHOWN}  # fmt: skip


async def test_another_address_is_another_key(canned: Canned, visit: Open) -> None:
    canned.checks = lines(KeyState.NEW)
    canned.go_on.set()
    page = await visit()
    await page.get_by_role("button", name="Add a Spark").click()
    dialog = page.locator("#add-dialog")
    await fill(page)
    await dialog.get_by_role("checkbox").check()
    await page.get_by_label("Address").fill("10.88.0.12")
    await expect(dialog.locator(".checks li")).to_have_count(0)
    await expect(dialog.locator(".confirm")).to_be_hidden()
    add = dialog.get_by_role("button", name="Add Spark")
    await expect(add).to_have_attribute("aria-disabled", "true")


async def test_a_spark_that_is_not_taken_says_why(
    canned: Canned, visit: Open, watched: Watched
) -> None:
    watched.expected = ("409",)
    canned.checks, canned.refuse = lines(KeyState.NEW), HostNameTaken("There is one already.")
    canned.go_on.set()
    page = await visit()
    await page.get_by_role("button", name="Add a Spark").click()
    dialog = page.locator("#add-dialog")
    await fill(page)
    await dialog.get_by_role("checkbox").check()
    await dialog.get_by_role("button", name="Add Spark").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("There is one already.")


async def test_a_changed_key_is_trusted_after_a_yes(canned: Canned, visit: Open) -> None:
    canned.hosts, canned.checks = [host("spark1")], lines(KeyState.CHANGED)
    canned.go_on.set()
    page = await visit()
    await page.get_by_role("button", name="Manage spark1").click()
    dialog = page.locator("#spark-dialog")
    trust = dialog.get_by_role("button", name="Trust this key")
    await expect(trust).to_have_attribute("aria-disabled", "true")
    await dialog.get_by_role("checkbox").check()
    await trust.click()
    await expect(trust).to_be_hidden()
    assert canned.requests("POST", "/api/hosts/spark1/trust") == [{"fingerprint": SHOWN}]


async def test_a_spark_is_removed_after_a_yes(
    canned: Canned, visit: Open, watched: Watched
) -> None:
    watched.expected = ("409",)
    canned.hosts, canned.refuse = [host("spark1")], HostInUse("A swap runs on spark1.")
    page = await visit()
    await page.get_by_role("button", name="Manage spark1").click()
    await page.locator("#spark-dialog").get_by_role("button", name="Remove").click()
    dialog = page.locator("#remove-dialog")
    await expect(dialog).to_contain_text("Remove spark1?")
    await dialog.get_by_role("button", name="Remove").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("A swap runs on spark1.")
    canned.refuse = None
    await dialog.get_by_role("button", name="Remove").click()
    await expect(page.locator("#spark-dialog")).to_be_hidden()
    await expect(page.get_by_role("button", name="Manage spark1")).to_have_count(0)


async def test_a_spark_of_the_environment_says_how_it_goes(canned: Canned, visit: Open) -> None:
    canned.hosts = [host("spark1", "environment")]
    page = await visit()
    await page.get_by_role("button", name="Manage spark1").click()
    dialog = page.locator("#spark-dialog")
    await expect(dialog).to_contain_text("take its SPARK1_… variables out of the environment")
    remove = dialog.get_by_role("button", name="Remove")
    await expect(remove).to_have_attribute("aria-disabled", "true")
