"""The vendor's own client as the oracle: for every call, ours puts the same request on the wire.

`cutmeshort` 1.0.1 is compared call by call: path, headers that matter, parsed body and order of its keys. The one
wanted difference is the timestamp: the vendor's client writes `+00:00` (or no zone), its documents ask for `Z`.
"""

import asyncio
import inspect
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import cutmeshort
import pytest

from bridge.demo.tracker import Answer, FakeTracker, Received
from bridge.model import Sale
from bridge.tracking import AsyncCMSClient, CMSClient, Wire

TOKEN = "eyJhbGciOi.J9-x_y"
NOON = datetime(2026, 4, 10, 12, 34, 56, tzinfo=UTC)
PERSON = {
    "customer_name": 'Jäne "J" O\'Döe 😀',
    "customer_email": "jane@example.com",
    "customer_avatar": "https://example.com/j.png?a=1&b=2",
}

LEADS: list[Any] = [
    pytest.param((), {"event_name": "signup", "customer_external_id": "u1", "click_id": "c1"}, id="standard lead"),
    pytest.param(("signup", "u1", "c1"), {}, id="standard lead by position"),
    pytest.param(("Sign up", "u1"), {"click_id": "c1", "mode": "deferred"}, id="deferred lead"),
    pytest.param(("email_verified", "u1"), {}, id="follow-up lead"),
    pytest.param(("signup", "u1", "c1"), {**PERSON, "timestamp": NOON}, id="lead with everything"),
    pytest.param(
        ("signup", "u1", "c1", "Jane", "jane@example.com", "https://example.com/j.png", NOON, "deferred"),
        {},
        id="lead with everything by position",
    ),
    pytest.param(("signup", "u1", "c1"), {"timestamp": NOON.replace(microsecond=250_000)}, id="lead with milliseconds"),
    pytest.param(
        ("signup", "u1", "c1"),
        {"timestamp": datetime(2026, 4, 10, 18, 4, 56, tzinfo=timezone(timedelta(hours=5, minutes=30)))},
        id="lead from another zone",
    ),
    pytest.param(("signup", "u1", "c1"), {"timestamp": "2026-04-10T12:34:56.000Z"}, id="lead with a text timestamp"),
]
SALES: list[Any] = [
    pytest.param(("purchase", "u1", "inv_1", 4999, "USD"), {}, id="sale without click"),
    pytest.param(("purchase", "u1", "inv_1", 4999, "USD", "c1"), {}, id="sale with click by position"),
    pytest.param(
        (),
        {
            "event_name": "purchase",
            "customer_external_id": "u1",
            "invoice_id": "inv_1",
            "amount": 4999,
            "currency": "USD",
            "click_id": "c1",
        },
        id="sale by keyword",
    ),
    pytest.param(
        ("purchase", "u1", "inv_1", 4999, "EUR", "c1"), {**PERSON, "timestamp": NOON}, id="sale with everything"
    ),
    pytest.param(("purchase", "u1", "inv_1", 0, "JPY"), {}, id="sale of nothing"),
    pytest.param(("purchase", "u1", "inv_1", 10**15, "USD"), {}, id="a very large sale"),
]


@pytest.fixture
async def tracker() -> AsyncIterator[FakeTracker]:
    """Answers in the one shape that the vendor's client takes."""
    async with FakeTracker(Answer(body={"status": True, "data": "tracked"})) as fake:
        yield fake


@pytest.fixture
def vendor(tracker: FakeTracker) -> Iterator[Any]:
    client = cutmeshort.CMSClient(token=TOKEN, host=tracker.url)
    yield client
    client.api_client.rest_client.pool_manager.clear()  # its own close() raises AttributeError


def essentials(received: Received) -> tuple[object, ...]:
    """A request without what may differ: spaces in its JSON, the user agent, the spelling of a moment."""
    body = json.loads(received.body)
    moment = {"timestamp": datetime.fromisoformat(body["timestamp"])} if "timestamp" in body else {}
    headers = {name: received.headers[name] for name in ("authorization", "content-type", "accept", "accept-encoding")}
    return received.method, received.path, headers, list(body), body | moment


async def assert_same(
    tracker: FakeTracker, vendor: Any, name: str, args: tuple[Any, ...], named: dict[str, Any]
) -> None:
    theirs = await asyncio.to_thread(getattr(vendor, name), *args, **named)
    async with AsyncCMSClient(TOKEN, tracker.url) as client:
        ours = await getattr(client, name)(*args, **named)
    with CMSClient(TOKEN, tracker.url) as plain:
        plainly = await asyncio.to_thread(getattr(plain, name), *args, **named)

    expected, asynchronous, synchronous = map(essentials, tracker.requests)
    assert expected == asynchronous == synchronous
    assert {"status": True, "data": "tracked"} == theirs
    assert "tracked" == ours.data == plainly.data
    for received in tracker.requests[1:]:
        assert str(json.loads(received.body).get("timestamp", "Z")).endswith("Z")


@pytest.mark.parametrize(("args", "named"), LEADS)
async def test_a_lead_is_the_same_request(
    tracker: FakeTracker, vendor: Any, args: tuple[Any, ...], named: dict[str, Any]
) -> None:
    await assert_same(tracker, vendor, "track_lead", args, named)


@pytest.mark.parametrize(("args", "named"), SALES)
async def test_a_sale_is_the_same_request(
    tracker: FakeTracker, vendor: Any, args: tuple[Any, ...], named: dict[str, Any]
) -> None:
    await assert_same(tracker, vendor, "track_sale", args, named)


@pytest.mark.parametrize("name", ["track_lead", "track_sale"])
@pytest.mark.parametrize("ours", [CMSClient, AsyncCMSClient])
def test_arguments_stand_in_the_vendors_order_with_the_vendors_defaults(ours: type, name: str) -> None:
    """cms-python-client 1.0.0 had click_id first; positional callers broke silently. Ours follows cutmeshort 1.0.1."""

    def shape(function: Any) -> list[tuple[str, object]]:
        return [(each.name, each.default) for each in inspect.signature(function).parameters.values()]

    assert shape(getattr(cutmeshort.CMSClient, name)) == shape(getattr(ours, name))


def test_the_default_host_is_the_vendors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CMS_BASE_URL", raising=False)
    vendors = inspect.signature(cutmeshort.CMSClient.__init__).parameters["host"].default

    assert f"CMSClient(host={vendors!r})" == repr(CMSClient(TOKEN))


async def test_the_wire_sends_what_the_client_sends(tracker: FakeTracker) -> None:
    """The bridge's deliveries and a caller's calls are one encoding."""
    async with AsyncCMSClient(TOKEN, tracker.url) as client:
        await client.track_sale("purchase", "u1", "inv_1", 4999, "usd", "c1", **PERSON, timestamp=NOON)
    from_client = tracker.requests[0]
    wire = Wire(tracker.url, TOKEN)
    await wire.send(
        Sale(
            event_name="purchase",
            customer_external_id="u1",
            invoice_id="inv_1",
            amount=4999,
            currency="USD",
            click_id="c1",
            timestamp=NOON,
            **PERSON,
        )
    )
    await wire.aclose()

    assert from_client.body == tracker.requests[1].body
