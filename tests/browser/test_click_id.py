"""docs/click-id.js in a real browser: what it fills, what it leaves alone."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, Route

SCRIPT = (Path(__file__).parents[2] / "docs" / "click-id.js").read_text(encoding="utf-8")
SITE = "http://127.0.0.1:1"
ID = "google_cpc-81"

#: one browser for all: they share the session's loop
pytestmark = pytest.mark.asyncio(loop_scope="session")

Visit = Callable[..., Awaitable[Page]]


@pytest_asyncio.fixture(loop_scope="session")
async def visit(page: Page) -> AsyncIterator[Visit]:
    """Opens a page with this body, under a policy as strict as they come; the site is answered from here."""
    bodies: dict[str, str] = {}
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)

    async def answer(route: Route) -> None:
        if "/click-id.js" in route.request.url:
            await route.fulfill(body=SCRIPT, content_type="text/javascript")
        else:
            html = f"<!doctype html><title>t</title><body>{bodies['html']}<script src='/click-id.js' defer></script>"
            policy = "default-src 'none'; script-src 'self'; frame-src *"
            await route.fulfill(body=html, content_type="text/html", headers={"content-security-policy": policy})

    await page.context.route(f"{SITE}/**", answer)

    async def visit(html: str, *, query: str = f"?cms_rf={ID}", cookie: str = "") -> Page:
        bodies["html"] = html
        if cookie:
            await page.context.add_cookies([{"name": "cms_rf", "value": cookie, "url": SITE}])
        await page.goto(f"{SITE}/shop{query}")
        return page

    yield visit
    refused = "net::ERR_FAILED"  # frames of other hosts: nothing leaves the machine
    assert [] == [error for error in errors if refused not in error]


async def attribute(page: Page, name: str) -> str | None:
    return await page.locator("#x").get_attribute(name)


LINKS = {
    "https://buy.stripe.com/test_8wM": "?client_reference_id=cms_rf_google_cpc-81",
    "https://form.typeform.com/to/abc123": "#click_id=google_cpc-81",
    "https://tally.so/r/w5Dq": "?click_id=google_cpc-81",
    "https://form.jotform.com/241234567890": "?click_id=google_cpc-81",
    "https://forms.fillout.com/t/abc": "?click_id=google_cpc-81",
    "https://quiz.paperform.co": "?click_id=google_cpc-81",
    "https://app.formbricks.com/s/cm1": "?click_id=google_cpc-81",
    "https://calendly.com/ada/intro": "?utm_content=cms_rf_google_cpc-81",
    "https://cal.com/ada/intro": "?click_id=google_cpc-81",
    "https://shop.lemonsqueezy.com/buy/1f2e": "?checkout%5Bcustom%5D%5Bclick_id%5D=google_cpc-81",
    "https://ada.gumroad.com/l/course": "?click_id=google_cpc-81",
    "https://buy.polar.sh/polar_cl_abc": "?reference_id=cms_rf_google_cpc-81",
}


@pytest.mark.parametrize(("address", "added"), LINKS.items(), ids=[link.split("/")[2] for link in LINKS])
async def test_a_link_to_a_known_tool_carries_the_click_id(visit: Visit, address: str, added: str) -> None:
    page = await visit(f'<a id="x" href="{address}">Go</a>')
    assert address + added == await attribute(page, "href")


@pytest.mark.parametrize(
    ("address", "filled"),
    [
        ("https://tally.so/r/1?a=b", "https://tally.so/r/1?a=b&click_id=google_cpc-81"),
        ("https://tally.so/r/1?a=b&", "https://tally.so/r/1?a=b&click_id=google_cpc-81"),
        ("https://tally.so/r/1?", "https://tally.so/r/1?click_id=google_cpc-81"),
        ("https://tally.so/r/1?a=b#top", "https://tally.so/r/1?a=b&click_id=google_cpc-81#top"),
        ("https://f.typeform.com/to/1?a=b#c=d", "https://f.typeform.com/to/1?a=b#c=d&click_id=google_cpc-81"),
        ("//tally.so/r/1", "//tally.so/r/1?click_id=google_cpc-81"),
        ("https://tally.so/r/1?click_id=&a=b", "https://tally.so/r/1?a=b&click_id=google_cpc-81"),
        ("https://f.typeform.com/to/1#click_id=xxxxx&c=d", "https://f.typeform.com/to/1#c=d&click_id=google_cpc-81"),
        ("https://f.typeform.com/to/1#click_id=xxxxx", "https://f.typeform.com/to/1#click_id=google_cpc-81"),
        ("https://tally.so/r/1?q=%zz&l=%C3%BC", "https://tally.so/r/1?q=%zz&l=%C3%BC&click_id=google_cpc-81"),
    ],
)
async def test_the_rest_of_an_address_stays_letter_for_letter(visit: Visit, address: str, filled: str) -> None:
    page = await visit(f'<a id="x" href="{address.replace("&", "&amp;")}">Go</a>')
    assert filled == await attribute(page, "href")


@pytest.mark.parametrize(
    "address",
    [
        "https://tally.so/r/1?click_id=mine",
        "https://tally.so/r/1?click%5Fid=mine",
        "https://f.typeform.com/to/1#click_id=mine",
        "https://example.com/about",
        "/about",
        "#top",
        "mailto:ada@example.com",
        "javascript:void(0)",
        "https://tally.so.example.com/r/1",
        "https://nottally.so/r/1",
        "https://shop.lemonsqueezy.com/affiliates",
        "http://[",
    ],
)
async def test_what_is_filled_and_what_is_somebody_elses_stays(visit: Visit, address: str) -> None:
    page = await visit(f'<a id="x" href="{address}">Go</a>')
    assert address == await attribute(page, "href")


@pytest.mark.parametrize(
    ("html", "name", "value"),
    [
        ("<stripe-buy-button id=x></stripe-buy-button>", "client-reference-id", f"cms_rf_{ID}"),
        ("<stripe-pricing-table id=x></stripe-pricing-table>", "client-reference-id", f"cms_rf_{ID}"),
        ("<stripe-buy-button id=x client-reference-id=mine></stripe-buy-button>", "client-reference-id", "mine"),
        ("<div id=x data-tf-live=01HX></div>", "data-tf-hidden", f"click_id={ID}"),
        ("<div id=x data-tf-widget=a data-tf-hidden='plan=pro'></div>", "data-tf-hidden", f"plan=pro,click_id={ID}"),
        ("<div id=x data-tf-popup=a data-tf-hidden='click_id=mine'></div>", "data-tf-hidden", "click_id=mine"),
        ("<div id=x data-tf-live=a data-tf-hidden='click_id=xxxxx,b=c'></div>", "data-tf-hidden", f"b=c,click_id={ID}"),
        ("<div id=x data-paperform-id=quiz></div>", "prefill", f"click_id={ID}"),
        ("<div id=x data-paperform-id=quiz prefill='a=b'></div>", "prefill", f"a=b&click_id={ID}"),
        ("<div id=x data-fillout-id=abc></div>", "data-click_id", ID),
        ("<button id=x data-cal-link=ada/intro></button>", "data-cal-config", f'{{"click_id":"{ID}"}}'),
        ("<button id=x data-cal-link=a data-cal-config='nonsense'></button>", "data-cal-config", "nonsense"),
        (
            "<div id=x class=calendly-inline-widget data-url='https://calendly.com/ada/intro'></div>",
            "data-url",
            f"https://calendly.com/ada/intro?utm_content=cms_rf_{ID}",
        ),
        ("<iframe id=x data-tally-src='https://tally.so/embed/1?x=1'></iframe>", "data-tally-src", None),
        ("<iframe id=x src='https://form.jotform.com/1'></iframe>", "src", f"https://form.jotform.com/1?click_id={ID}"),
        ("<a id=x data-click-id='entry.42' href='https://docs.google.com/forms/d/e/1/viewform'>f</a>", "href", None),
        ("<a id=x data-click-id=off href='https://tally.so/r/1'>f</a>", "href", "https://tally.so/r/1"),
    ],
)
async def test_embeds_get_it_in_their_own_way(visit: Visit, html: str, name: str, value: str | None) -> None:
    page = await visit(html)
    expected = value or {
        "data-tally-src": f"https://tally.so/embed/1?x=1&click_id={ID}",
        "href": f"https://docs.google.com/forms/d/e/1/viewform?entry.42={ID}",
    }.get(name)
    assert expected == await attribute(page, name)


@pytest.mark.parametrize(
    ("html", "value"),
    [
        ("<input id=x type=hidden name=click_id>", ID),
        ("<input id=x type=hidden name=cms_rf>", ID),
        ("<input id=x type=hidden name='attributes[click_id]'>", ID),
        ("<input id=x type=text name=anything data-click-id>", ID),
        ("<input id=x type=hidden name=click_id value=mine>", "mine"),
        ("<input id=x type=hidden name=email>", ""),
        ("<input id=x type=password name=click_id>", ""),
        ("<input id=x type=hidden name=click_id data-click-id=off>", ""),
    ],
)
async def test_form_fields_are_filled_when_they_are_ours_and_empty(visit: Visit, html: str, value: str) -> None:
    page = await visit(f"<form>{html}</form>")
    assert value == await page.locator("#x").input_value()


FIELD = "<input id=x type=hidden name=click_id>"


@pytest.mark.parametrize(
    ("query", "cookie", "value"),
    [
        ("", "from_cookie", "from_cookie"),
        ("?cms_rf=from_address", "from_cookie", "from_address"),
        ("?cms_rf=", "from_cookie", "from_cookie"),
        ("?a=1&cms%5Frf=caf%65", "", "cafe"),
        ("", "", ""),
        ("?xcms_rf=no", "", ""),
        ("?cms_rf=%3Cscript%3Ealert(1)%3C/script%3E", "", ""),
        ("?cms_rf=a%26b", "from_cookie", "from_cookie"),
        ("?cms_rf=" + "a" * 129, "", ""),
        ("?cms_rf=%E0%A4%A", "", ""),
    ],
)
async def test_the_click_id_is_the_addresss_else_the_cookies(visit: Visit, query: str, cookie: str, value: str) -> None:
    page = await visit(FIELD, query=query, cookie=cookie)
    assert value == await page.locator("#x").input_value()
    assert value == await page.evaluate("trackbridge.clickId()")


async def test_without_a_click_id_nothing_is_touched(visit: Visit) -> None:
    html = '<a id="x" href="https://tally.so/r/1?a=b">Go</a><div data-tf-live="1"></div><input name="click_id">'
    page = await visit(html, query="")
    assert html in await page.content()


async def test_stripe_gets_only_what_it_takes(visit: Visit) -> None:
    """Stripe would drop a value with a dot in it, and the payment's own reference with it."""
    page = await visit('<a id="x" href="https://buy.stripe.com/a">Go</a>', query="?cms_rf=a.b")
    assert "https://buy.stripe.com/a" == await attribute(page, "href")


@pytest.mark.parametrize(
    ("html", "address"),
    [
        ('data-click-id="client_reference_id" href="/pay"', f"/pay?client_reference_id=cms_rf_{ID}"),
        ('data-click-id="utm_content" href="/book?a=b"', f"/book?a=b&utm_content=cms_rf_{ID}"),
        ('data-click-id="entry.12" href="/form"', f"/form?entry.12={ID}"),
    ],
    ids=["one slot", "another", "a name of one's own"],
)
async def test_a_parameter_that_has_one_slot_is_marked_as_ours_under_any_domain(
    visit: Visit, html: str, address: str
) -> None:
    page = await visit(f'<a id="x" {html}>Go</a>')
    assert address == await attribute(page, "href")


async def test_what_comes_later_is_filled_too(visit: Visit) -> None:
    page = await visit("<div id=here></div>")
    await page.evaluate("here.innerHTML = '<p><a id=x href=\"https://tally.so/r/1\">Go</a></p>'")
    await page.wait_for_function("document.querySelector('#x').href.includes('click_id')")
    assert f"https://tally.so/r/1?click_id={ID}" == await attribute(page, "href")


async def test_a_link_whose_address_was_changed_is_filled_when_it_is_clicked(visit: Visit) -> None:
    page = await visit('<a id="x" href="#">Go</a>')
    await page.evaluate("x.href = 'https://tally.so/r/1'; x.addEventListener('click', e => e.preventDefault())")
    await page.locator("#x").click()
    assert f"https://tally.so/r/1?click_id={ID}" == await attribute(page, "href")


async def test_filling_twice_changes_nothing(visit: Visit) -> None:
    page = await visit('<a id="x" href="https://tally.so/r/1">Go</a>')
    await page.evaluate("var s = document.createElement('script'); s.src = '/click-id.js?2'; document.body.append(s)")
    await page.wait_for_function("document.scripts.length === 2")
    await page.locator("#x").dispatch_event("auxclick")
    assert f"https://tally.so/r/1?click_id={ID}" == await attribute(page, "href")
