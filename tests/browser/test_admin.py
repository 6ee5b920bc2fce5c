"""The admin pages in a real browser: without scripts, on a phone, under their own policy, by keyboard."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, expect

from bridge.assembly import Running
from bridge.model import DeliveryState
from bridge.web import server as web
from tests.contract.store_hand import Hand, a_meaning, a_sale
from tests.integration.admin.hand import ADMIN, EVIL, an_odd_event, bury, fill
from tests.integration.web_hand import a_bridge

#: one browser for all: they share the session's loop
pytestmark = pytest.mark.asyncio(loop_scope="session")

PATHS = (
    "",
    "/events",
    "/events/1",
    "/events/5",
    "/deliveries",
    "/sources",
    "/sources?all=1",
    "/tracker",
    "/find?ref=x",
)

Theme = Literal["light", "dark"]


@dataclass(frozen=True, slots=True)
class Office:
    """A bridge on a port, with one of everything."""

    bridge: Running
    url: str

    async def visit(self, page: Page, path: str = "") -> None:
        answer = await page.goto(f"{self.url}/admin{path}")
        assert answer
        assert answer.status in (200, 404)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    async with a_bridge(tmp_path_factory.mktemp("office"), TRACKBRIDGE_ADMIN_TOKEN=ADMIN) as bridge:
        hand = await fill(bridge)
        for number, (name, evil) in enumerate(EVIL.items()):
            sale = a_sale(f"evil {name}", f"{evil}{number}", customer_name=evil, customer_email=evil)
            event = an_odd_event(
                f"evil {name}", hand.now, type=evil, source_id=f"{evil}{number}", body=evil.encode("utf-8", "replace")
            )
            await hand.record(a_meaning(sale, event=event))
        await hand.record(a_meaning(a_sale("long", "c" * 3000), event=an_odd_event("long", hand.now, type="t" * 3000)))
        with socket.create_server(("127.0.0.1", 0)) as sock:
            server = web.server(bridge.app)
            serving = asyncio.create_task(server.serve(sockets=[sock]))
            yield Office(bridge, f"http://127.0.0.1:{sock.getsockname()[1]}")
            server.should_exit = True
            await serving


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(browser: Browser, request: pytest.FixtureRequest) -> AsyncIterator[Page]:
    """Somebody with a browser, with scripts allowed or not; what the browser complains of fails the test."""
    context = await browser.new_context(java_script_enabled=getattr(request, "param", True))
    async for page in _quiet(context):
        yield page


async def _quiet(context: BrowserContext) -> AsyncIterator[Page]:
    context.set_default_timeout(10_000)
    page = await context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    yield page
    await context.close()
    assert [] == [text for text in said if "404 (Not Found)" not in text]


async def sign_in(page: Page, office: Office, path: str = "") -> None:
    await office.visit(page, path)
    await page.locator("#token:focus").wait_for()
    await page.keyboard.type(ADMIN)
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{office.url}/admin{path}")


@pytest.mark.parametrize("visitor", [True, False], ids=["with scripts", "without scripts"], indirect=True)
async def test_a_dead_letter_is_found_looked_at_and_replayed(office: Office, visitor: Page) -> None:
    (number,) = await bury(Hand(office.bridge.store), 1, reason="422: to be replayed")
    await sign_in(visitor, office)
    await visitor.get_by_role("link", name="Look at them").first.click()
    await expect(visitor.locator("h1")).to_have_text("Dead letters")
    await visitor.get_by_label("Reason").fill("to be replayed")
    await visitor.get_by_role("button", name="Show").click()
    await visitor.get_by_role("link", name=str(number), exact=True).click()
    story = visitor.locator(f"#d{number}")
    await expect(story).to_contain_text("422: to be replayed")
    await story.get_by_role("button", name="Replay").click()
    await expect(visitor.locator("main")).to_contain_text("Nothing has been changed yet")
    (still,) = await office.bridge.store.deliveries_by_id([number])
    await visitor.get_by_role("button", name="Replay 1 delivery").click()
    await expect(visitor.get_by_role("status")).to_have_text(f"delivery {number} will be sent again")
    await expect(story).to_contain_text("pending")
    (replayed,) = await office.bridge.store.deliveries_by_id([number])

    assert DeliveryState.DEAD is still.state
    assert DeliveryState.PENDING is replayed.state


async def test_ticked_ones_are_dismissed_together(office: Office, visitor: Page) -> None:
    numbers = await bury(Hand(office.bridge.store), 3, reason="422: to be dismissed")
    await sign_in(visitor, office, "/deliveries?reason=to+be+dismissed")
    for number in numbers[:2]:
        await visitor.get_by_label(f"Choose delivery {number}", exact=True).check()
    await visitor.get_by_role("button", name="Dismiss").click()
    await visitor.get_by_role("button", name="Dismiss 2 deliveries").click()
    await expect(visitor.get_by_role("status").get_by_role("listitem")).to_have_count(2)
    found = await office.bridge.store.deliveries_by_id(numbers)

    assert [DeliveryState.DISMISSED] * 2 + [DeliveryState.DEAD] == [delivery.state for delivery in found]
    await office.bridge.store.dismiss(numbers, only=True, now=office.bridge.app.health.clock())


async def test_what_senders_wrote_runs_nowhere_and_breaks_no_policy(office: Office, visitor: Page) -> None:
    await sign_in(visitor, office)
    events = [stored.id for name in EVIL for stored in await office.bridge.store.find_events(f"evil {name}")]
    for path in [*PATHS, *(f"/events/{number}" for number in events)]:
        await office.visit(visitor, path)
        assert 0 == await visitor.locator("script, iframe, svg, img, object, embed, main style").count()
    assert len(EVIL) == len(events)


async def test_signing_out_shows_the_sign_in_and_going_back_shows_nothing(office: Office, visitor: Page) -> None:
    await sign_in(visitor, office, "/events/1")
    await visitor.get_by_role("button", name="Sign out").click()
    await expect(visitor.get_by_label("Admin token")).to_be_visible()
    await visitor.go_back()
    assert "Ada Lovelace" not in await visitor.content()
    await office.visit(visitor, "/events/1")
    assert "Ada Lovelace" not in await visitor.content()


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_a_phone_shows_it_all_without_scrolling_sideways_and_readably(
    browser: Browser, office: Office, theme: Theme
) -> None:
    """No element is wider than the screen, and every text has WCAG's contrast of 4.5:1."""
    context = await browser.new_context(viewport={"width": 360, "height": 700}, color_scheme=theme)
    async for page in _quiet(context):
        await office.visit(page)
        assert [[], [], True] == [await page.evaluate(look) for look in (_WIDE, _FAINT, _FITS)]
        await sign_in(page, office)
        for path in PATHS:
            await office.visit(page, path)
            assert [[], [], True] == [await page.evaluate(look) for look in (_WIDE, _FAINT, _FITS)]


async def test_every_field_has_a_name_and_every_page_a_heading(browser: Browser, office: Office) -> None:
    context = await browser.new_context()
    async for page in _quiet(context):
        await sign_in(page, office)
        for path in PATHS:
            await office.visit(page, path)
            assert 1 == await page.locator("h1").count()
            nameless = await page.evaluate(
                "[...document.querySelectorAll('input:not([type=hidden]), select, button')].filter(e => "
                "!(e.labels && e.labels.length) && !e.textContent.trim()).map(e => e.outerHTML)"
            )
            twice = await page.evaluate(
                "[...document.querySelectorAll('[id]')].map(e => e.id).filter((id, n, all) => all.indexOf(id) !== n)"
            )
            assert ([], []) == (nameless, twice)
        await page.keyboard.press("Tab")
        assert re.match("Skip", await page.evaluate("document.activeElement.textContent"))


_FITS = "document.documentElement.scrollWidth <= 360"
#: What reaches beyond the screen; what has a scroll bar of its own may.
_WIDE = """[...document.querySelectorAll('body *')]
  .filter(node => node.getBoundingClientRect().right > 361 && !node.closest('pre')).map(node => node.outerHTML)"""

#: Texts whose colour is too near to the colour behind them.
_FAINT = """() => {
  const rgb = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const lum = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, n) => sum + v * [0.2126, 0.7152, 0.0722][n], 0);
  const behind = node => {
    for (; node; node = node.parentElement) {
      const colour = rgb(getComputedStyle(node).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll('body *')].filter(node =>
    [...node.childNodes].some(child => child.nodeType === 3 && child.textContent.trim()) && node.checkVisibility()
  ).map(node => {
    const [one, other] = [lum(rgb(getComputedStyle(node).color)), lum(behind(node))];
    return [(Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05), node.outerHTML.slice(0, 80)];
  }).filter(([ratio]) => ratio < 4.5);
}"""
