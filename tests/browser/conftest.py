"""A real Chromium, Debian's; without it these tests skip and say so. Other hosts are refused: nothing leaves here."""

import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, async_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""

#: The browser must neither look anything up nor download anything of its own.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    if not CHROMIUM:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        try:
            yield launched
        finally:
            await launched.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page for which only the site under test exists."""
    context = await browser.new_context()
    opened = await context.new_page()

    async def only_ours(route: Route) -> None:
        if route.request.url.startswith("http://127.0.0.1:"):
            await route.fallback()
        else:
            await route.abort()

    await context.route("**/*", only_ours)
    yield opened
    await context.close()
