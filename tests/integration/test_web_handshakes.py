"""Handshakes over HTTP: each sender's own question gets its own answer, and what is stored and counted of it."""

import hashlib
import hmac
import json
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import NoReturn

import pytest

from bridge.assembly import Running
from bridge.errors import Refused
from bridge.library import Library
from bridge.model import EventState, Webhook
from bridge.sources import Verifier
from bridge.store.base import EventFilter
from tests.integration.web_hand import Answer, a_body, a_bridge, answers, ask
from tests.support import a_checkout, stripe_headers

SECRET = "a secret of some length"
VERIFY_TOKEN = "we-chose-this"
ON = {f"{name}_WEBHOOK_SECRET": SECRET for name in ("META", "WOOCOMMERCE", "SLACK", "ZOOM", "INTERCOM")}
ON |= {"XERO_WEBHOOK_SECRET": SECRET, "META_VERIFY_TOKEN": VERIFY_TOKEN}

HUB = f"hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={VERIFY_TOKEN}"


async def get(bridge: Running, path: str, query: str = "", method: str = "GET") -> Answer:
    return await ask(bridge.app, a_body(b""), path=path, query=query, method=method)


async def counted(bridge: Running) -> list[str]:
    return [line.partition("{")[2] for line in answers(await get(bridge, "/metrics"))]


async def stored(bridge: Running) -> list[tuple[str, EventState, str]]:
    found = await bridge.store.events(EventFilter())
    return [(one.event.source, one.state, one.reason) for one in found]


async def test_metas_get_is_answered_with_its_challenge(tmp_path: Path) -> None:
    async with a_bridge(tmp_path, **ON) as bridge:
        answer = await get(bridge, "/webhooks/meta", HUB)
        slashed = await get(bridge, "/webhooks/meta/", HUB)

        assert (200, b"1158201444", b"text/plain") == (answer.status, answer.body, answer.headers[b"content-type"])
        assert answer == slashed
        assert [] == await stored(bridge)
        assert ['answer="challenge",source="meta"} 2.0'] == await counted(bridge)


async def test_a_get_with_a_wrong_token_is_refused_and_remembered(tmp_path: Path) -> None:
    async with a_bridge(tmp_path, **ON) as bridge:
        answer = await get(bridge, "/webhooks/meta", HUB + "x")
        numbers = await get(bridge, "/metrics")

    assert (403, "unproven") == (answer.status, answer.word)
    assert b'trackbridge_refused_total{source="meta",why="mismatch"} 1.0' in numbers.body


async def test_without_a_verify_token_nobody_is_greeted(tmp_path: Path) -> None:
    async with a_bridge(tmp_path, **ON | {"META_VERIFY_TOKEN": ""}) as bridge:
        assert 403 == (await get(bridge, "/webhooks/meta", HUB.removesuffix(VERIFY_TOKEN))).status


@pytest.mark.parametrize(
    ("method", "path", "query"),
    [
        ("GET", "/webhooks/meta", ""),
        ("GET", "/webhooks/stripe", HUB),
        ("GET", "/webhooks/nobody", HUB),
        ("GET", "/webhooks/meta/token", HUB + "&more/slashes"),
        ("HEAD", "/webhooks/meta", HUB),
        ("HEAD", "/webhooks/stripe", ""),
        ("HEAD", "/webhooks/intercom/token", ""),
        ("GET", "/webhooks/intercom", HUB),
        ("PUT", "/webhooks/meta", HUB),
        ("OPTIONS", "/webhooks/stripe", ""),
    ],
)
async def test_what_is_no_handshake_is_405(tmp_path: Path, method: str, path: str, query: str) -> None:
    async with a_bridge(tmp_path, **ON) as bridge:
        answer = await get(bridge, path.replace("/token", "/a/b"), query, method)

    assert (405, b"POST") == (answer.status, answer.headers[b"allow"])


async def test_a_handshake_with_a_source_that_is_off_or_at_the_end_is_try_later(tmp_path: Path) -> None:
    async with a_bridge(tmp_path, **ON | {"META_WEBHOOK_SECRET": ""}) as bridge:
        off = await get(bridge, "/webhooks/meta", HUB)
    async with a_bridge(tmp_path, **ON) as bridge:
        bridge.app.webhooks.drain()
        ending = await get(bridge, "/webhooks/meta", HUB)

    assert [(503, b"30")] * 2 == [(answer.status, answer.headers[b"retry-after"]) for answer in (off, ending)]


async def test_intercom_asks_by_head_whether_anybody_is_there(tmp_path: Path) -> None:
    """It takes no address that does not answer: https://developers.intercom.com/docs/webhooks/setting-up-webhooks"""
    async with a_bridge(tmp_path, **ON) as bridge:
        answer = await get(bridge, "/webhooks/intercom", method="HEAD")

        assert (200, b"") == (answer.status, answer.body)
        assert [] == await stored(bridge)
        assert ['answer="challenge",source="intercom"} 1.0'] == await counted(bridge)


async def test_woocommerces_ping_is_counted_and_nothing_else(tmp_path: Path) -> None:
    async with a_bridge(tmp_path, **ON) as bridge:
        ping = await ask(bridge.app, a_body(b"webhook_id=12"), path="/webhooks/woocommerce")
        more = await ask(bridge.app, a_body(b"webhook_id=12&total=99"), path="/webhooks/woocommerce")

        assert [200, 401] == [ping.status, more.status]
        assert [] == await stored(bridge)
        assert ['answer="ping",source="woocommerce"} 1.0', 'answer="401",source="woocommerce"} 1.0'] == await counted(
            bridge
        )


def v0(body: bytes, prefix: str, secret: str = SECRET) -> dict[str, str]:
    """Slack's and Zoom's headers, made by hand."""
    moment = int(time.time())
    digest = hmac.new(secret.encode(), f"v0:{moment}:".encode() + body, hashlib.sha256).hexdigest()
    return {f"{prefix}-Signature": f"v0={digest}", f"{prefix}-Request-Timestamp": str(moment)}


async def test_slacks_challenge_is_answered_and_recorded_once_however_often_it_comes(tmp_path: Path) -> None:
    body = json.dumps(
        {"token": "Jhj5dZrVaK7ZwHHjRyZWjbDl", "challenge": "3eZbrw1a", "type": "url_verification"}
    ).encode()
    async with a_bridge(tmp_path, **ON) as bridge:
        forged = await ask(
            bridge.app, a_body(body), path="/webhooks/slack", headers=v0(body, "X-Slack", "somebody else's")
        )
        both = [
            await ask(bridge.app, a_body(body), path="/webhooks/slack", headers=v0(body, "X-Slack")) for _ in range(2)
        ]

        assert 401 == forged.status
        assert [(200, b"3eZbrw1a", b"text/plain")] * 2 == [
            (answer.status, answer.body, answer.headers[b"content-type"]) for answer in both
        ]
        assert [("slack", EventState.IGNORED, "handshake")] == await stored(bridge)
        (event,) = await bridge.store.events(EventFilter())
        assert b"Jhj5dZrVaK7ZwHHjRyZWjbDl" not in event.event.body


async def test_zooms_challenge_is_answered_with_its_hmac(tmp_path: Path) -> None:
    payload = {"plainToken": "qgg8vlvZRS6UYooatFL8Aw"}
    body = json.dumps({"payload": payload, "event_ts": 1654503849680, "event": "endpoint.url_validation"}).encode()
    async with a_bridge(tmp_path, **ON) as bridge:
        answer = await ask(bridge.app, a_body(body), path="/webhooks/zoom", headers=v0(body, "x-zm"))

        token = hmac.new(SECRET.encode(), b"qgg8vlvZRS6UYooatFL8Aw", hashlib.sha256).hexdigest()
        assert (200, b"application/json") == (answer.status, answer.headers[b"content-type"])
        assert {"plainToken": "qgg8vlvZRS6UYooatFL8Aw", "encryptedToken": token} == json.loads(answer.body)
        assert [("zoom", EventState.IGNORED, "handshake")] == await stored(bridge)


async def test_what_xero_signs_wrongly_is_refused_in_silence(tmp_path: Path) -> None:
    async with a_bridge(tmp_path, **ON) as bridge:
        xero = await ask(
            bridge.app, a_body(b'{"events": []}'), path="/webhooks/xero", headers={"x-xero-signature": "AAAA"}
        )
        other = await ask(bridge.app, a_body(b"{}"), path="/webhooks/zoom")

        assert (401, b"", b"0") == (xero.status, xero.body, xero.headers[b"content-length"])
        assert (401, "unproven") == (other.status, other.word)


class NotNow(Verifier):
    """A verifier that waits for something."""

    def verify(self, webhook: Webhook, now: datetime) -> NoReturn:
        raise Refused("unavailable", status=503, detail="certificate", retry_after=5)

    def sign(self, webhook: Webhook, now: datetime, *, event_id: str = "") -> Webhook:
        return webhook


async def test_what_cannot_be_proven_right_now_is_told_when_to_come_back(tmp_path: Path) -> None:
    async with a_bridge(tmp_path) as bridge:
        source = replace(bridge.reloader.library.sources["stripe"], verifier=NotNow())
        bridge.reloader.library = Library(sources={"stripe": source})
        answer = await ask(bridge.app, a_body(a_checkout(1)), headers=stripe_headers(a_checkout(1)))
        numbers = await get(bridge, "/metrics")

    assert (503, "unavailable", b"5") == (answer.status, answer.word, answer.headers[b"retry-after"])
    assert b"trackbridge_refused_total{" not in numbers.body
