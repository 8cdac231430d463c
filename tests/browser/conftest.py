"""One Chromium for all tests of the page, which may not complain nor ask another machine."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright

from tests.browser.canned import Canned, serving

CHROMIUM = Path("/usr/bin/chromium")
HAS_CHROMIUM = CHROMIUM.exists()
IN_CI = os.environ.get("CI") == "true"  # noqa: TID251 - tells a machine that must have everything
ARGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PHONE = (390, 844)
DESKTOP = (1440, 900)
LIMIT_MS = 8000


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """Start the browser of the machine; without one skip, and fail where CI=true."""
    if not HAS_CHROMIUM:
        if IN_CI:
            pytest.fail(f"{CHROMIUM} is missing, and CI=true")
        pytest.skip(f"{CHROMIUM} is missing: the page is NOT tested in a browser")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield browser
        await browser.close()


@dataclass(slots=True)
class Watched:
    """What the pages of a test said and asked for."""

    complaints: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    expected: tuple[str, ...] = ()
    """Complaints with these words belong to the test."""

    def unexpected(self) -> list[str]:
        return [one for one in self.complaints if not any(word in one for word in self.expected)]


@pytest_asyncio.fixture(loop_scope="session")
async def canned() -> AsyncIterator[Canned]:
    """Serve answers that the test decides."""
    async with serving(Canned()) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="session")
async def watched() -> AsyncIterator[Watched]:
    """Fail the test when a page wrote an error to its console or asked another origin."""
    seen = Watched()
    yield seen
    assert seen.unexpected() == []
    assert seen.strangers == []


Open = Callable[..., Awaitable[Page]]


@pytest_asyncio.fixture(loop_scope="session")
async def visit(chromium: Browser, canned: Canned, watched: Watched) -> AsyncIterator[Open]:
    """Open the page in a browser of its own, in a size and a theme."""
    contexts: list[BrowserContext] = []

    async def go(size: tuple[int, int] = DESKTOP, theme: str = "light", **more: object) -> Page:
        width, height = size
        context = await chromium.new_context(
            viewport={"width": width, "height": height}, locale="en-US",
            color_scheme="dark" if theme == "dark" else "light", **more,  # type: ignore[arg-type]
        )  # fmt: skip
        contexts.append(context)
        context.set_default_timeout(LIMIT_MS)
        page = await context.new_page()
        watch(page, canned.url, watched)
        await page.goto(canned.url)
        return page

    yield go
    for context in contexts:
        await context.close()


def watch(page: Page, url: str, seen: Watched) -> None:
    """Note errors of the console and requests that leave `url`."""

    def console(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            seen.complaints.append(f"{message.text} ({message.location.get('url', '')})")

    page.on("console", console)
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    page.on(
        "request",
        lambda request: (
            None if request.url.startswith(url) else seen.strangers.append(request.url)
        ),
    )
