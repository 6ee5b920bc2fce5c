"""The admin pages asked like by a browser, over a bridge with one of everything an operator may meet."""

import itertools
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import httpx

from bridge.assembly import Running
from bridge.assembly.changing import InForce
from bridge.assembly.pages import AdminPages
from bridge.config.kinds import Secret
from bridge.model import Dead, Delivered, Event, EventState, RetryAt, Reversal, Step, Wait
from bridge.web.app import Bridge
from bridge.web.attempts import Attempts
from tests.contract.store_hand import Hand, a_conversion, a_lead, a_meaning, a_sale, an_event, an_outcome

ADMIN = "adm_0123456789abcdef_for_tests"
HOST = "http://127.0.0.1:8000"

SCRIPT = "<script>alert(1)</script>"
#: What senders write who mean it badly: HTML, addresses that run, text turned around, ends of lines, attributes.
EVIL = {
    "a script": SCRIPT,
    "an image": "<img src=x onerror=alert(1)>",
    "the end of an attribute": '"><svg onload=alert(1)>',
    "an address that runs": "javascript:alert(1)",
    "an expression": "{{ 7*7 }}{% raw %}",
    "text turned around": "\u202egnp.exe\u2066",
    "lines and escapes": "a\r\nSet-Cookie: x=y\n\x1b[2J\x07\x00",
    "nothing to see": "\u200b\u2060\ufeff",
    "a comment": "--><!--",
    "the end of a text field": "</textarea></title></style>",
    "half a pair": "\ud83d",
}


class Browser:
    """Keeps cookies, fills in our forms, follows nothing by itself."""

    def __init__(self, client: httpx.AsyncClient, app: Bridge, inforce: InForce) -> None:
        self.client = client
        self.app = app
        self.inforce = inforce

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.client.get(path, headers=headers)

    async def sign_in(self, token: str = ADMIN, **form: str) -> httpx.Response:
        return await self.client.post("/admin/sign-in", data={"token": token, **form})

    async def proof(self, path: str = "/admin/tracker") -> str:
        (found, *_) = re.findall(r'name="proof" value="([^"]+)"', (await self.get(path)).text)
        return str(found)

    async def post(self, path: str, data: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
        """A form of ours, with its proof."""
        return await self.client.post(path, data={"proof": await self.proof(), **(data or {})}, headers=headers)


def words(page: httpx.Response) -> str:
    """What a page says, without its tags."""
    text = re.sub(r"<[^>]*>", " ", page.text.partition("<main")[2])
    return " ".join(unescape(text).split())


@asynccontextmanager
async def an_admin(
    bridge: Running, *, sign_in: bool = True, token: str = ADMIN, public_url: str | None = None
) -> AsyncIterator[Browser]:
    """Somebody at the pages of a bridge of which only the token and the public URL are others."""
    inforce = InForce(
        settings=replace(bridge.inforce.settings, admin_token=Secret(token) if token else None, public_url=public_url)
    )
    health = replace(
        bridge.app.health,
        admin_token=lambda: inforce.settings.admin_token.reveal() if inforce.settings.admin_token else "",
        attempts=Attempts(),
    )
    app = Bridge(bridge.app.webhooks, health, AdminPages(inforce, health, bridge.intake, bridge.worker))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=HOST) as client:
        browser = Browser(client, app, inforce)
        if sign_in:
            assert 303 == (await browser.sign_in()).status_code
        yield browser


def an_odd_event(key: str, at: datetime, **changes: Any) -> Event:
    fields = {"received_at": at, "occurred_at": at, "type": "checkout.session.completed", "verified_by": "signature 2"}
    return an_event(key, **{**fields, **changes})


async def fill(bridge: Running) -> Hand:
    """One of everything: event 1 delivered with a refund, 2 dead, 3 a test, 4 unmapped, 5 held up, 6 behind it, …"""
    hand = Hand(bridge.store)
    hand.now = now = datetime.now(UTC).replace(microsecond=0)
    steps = (
        Step(rule="one-time checkout", result="matched"),
        Step(rule="trial started", result="skipped", why="when is not met: data.object.mode == 'subscription'"),
    )
    key = '["sale","stripe","","in_1"]'
    ada = {"customer_name": "Ada Lovelace", "customer_email": "ada@example.com"}
    sale = a_sale("purchase_completed", "cus_ada", invoice_id="in_1", click_id="google_cpc-81", timestamp=now, **ada)
    body = b'{"id": "evt_paid", "type": "checkout.session.completed", "data": {"object": {"amount_total": 4999}}}'
    paid = an_odd_event(
        "evt_paid", now - timedelta(hours=3), body=body, headers=(("content-type", "application/json"),)
    )
    await hand.record(a_meaning(a_conversion(sale, claims=[key], rule="one-time checkout"), event=paid, steps=steps))
    said = an_outcome(started_at=now - timedelta(hours=3), text='{"status": true, "message": "Sale tracked"}')
    await hand.end(
        await hand.claim_one(), Delivered(flags=("already there",)), said, cautious=False, last_success_at=now
    )
    back = Reversal(
        item=0,
        rule="refund",
        kind="refund",
        of=("in_1",),
        sale=(key,),
        claims=('["event","stripe","evt_refund",0,"refund"]',),
        amount=1500,
        currency="USD",
        timestamp=now,
    )
    await hand.record(
        a_meaning(
            event=an_odd_event("evt_refund", now - timedelta(hours=1), type="charge.refunded"),
            state=EventState.IGNORED,
            reason="refund",
            reversals=(back,),
        ),
        a_meaning(
            event=an_odd_event("evt_test", now - timedelta(minutes=50), test=True),
            state=EventState.IGNORED,
            reason="test mode",
        ),
        a_meaning(
            event=an_odd_event("sha256:ab12", now - timedelta(minutes=40), source="typeform", source_id=None),
            state=EventState.UNMAPPED,
            reason="cannot map: sale “bought”: amount is missing",
            steps=(Step(rule="bought", result="failed", why="amount is missing"),),
        ),
    )
    grace = a_sale("renewal", "cus_grace", amount=1000, currency="JPY", timestamp=now)
    await hand.record(a_meaning(grace, event=an_odd_event("evt_dead", now - timedelta(minutes=30))))
    refused = an_outcome(
        422, started_at=now, text='{"message": "invoiceId is too long"}', message="invoiceId is too long"
    )
    await hand.end(await hand.claim_one(), Dead(reason="422: invoiceId is too long"), refused)
    await hand.record(a_meaning(a_lead("sign_up", "cus_held"), event=an_odd_event("evt_held", now)))
    busy = an_outcome(502, started_at=now, text="<html>Bad gateway</html>", is_html=True)
    await hand.end(await hand.claim_one(), RetryAt(at=now + timedelta(minutes=4), reason="502"), busy)
    await hand.record(a_meaning(a_sale("first_order", "cus_held"), event=an_odd_event("evt_behind", now)))
    await hand.record(a_meaning(a_lead("demo_booked", "cus_late"), event=an_odd_event("evt_late", now)))
    unknown = an_outcome(404, started_at=now, text='{"error": "customer not found"}')
    wait = Wait(until=now + timedelta(minutes=1), reason="404: customer not found")
    await hand.end(await hand.claim_one(), wait, unknown)
    await hand.record(
        *(a_meaning(a_sale(f"order_{n}", f"cus_{n}"), event=an_odd_event(f"evt_{n}", now)) for n in range(3))
    )
    return hand


_graves = itertools.count(1)


async def bury(hand: Hand, count: int, *, reason: str = "422: no amount", **changes: Any) -> list[int]:
    """So many more dead letters, of customers of their own; their numbers, oldest first."""
    hand.now = datetime.now(UTC)
    names = [f"buried_{next(_graves)}" for _ in range(count)]
    sales = [a_sale(name, f"cus_{name}", **changes) for name in names]
    await hand.record(*(a_meaning(one, event=an_odd_event(f"evt_{one.event_name}", hand.now)) for one in sales))
    return await end_all(hand, set(names), reason)


async def end_all(hand: Hand, names: set[str], reason: str, answer: str = "") -> list[int]:
    """Have the tracker refuse these, and take everything else that is due."""
    found = list[int]()
    while len(found) < len(names):
        claimed = (await hand.ask()).deliveries
        assert claimed, "nothing is due"
        for delivery in claimed:
            if delivery.payload.event_name in names:
                found.append(delivery.id)
                refused = an_outcome(422, started_at=hand.now, text=answer, message=answer)
                await hand.end(delivery, Dead(reason=reason), refused, cautious=False)
            else:
                await hand.end(delivery, Delivered(), an_outcome(started_at=hand.now), cautious=False)
    return sorted(found)
