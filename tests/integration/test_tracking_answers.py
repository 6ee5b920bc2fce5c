"""Every answer that broke, repeated or endangered a call of the vendor's client: one request, one true Outcome.

The vendor's `cutmeshort` 1.0.1 raises on most 2xx bodies, retries POSTs up to three times, sleeps for hours when
told to, and follows redirects with the customer's data. Each row is something it was measured to get wrong.
"""

import gzip
import json
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote_plus

import pytest

from bridge.demo.tracker import Act, Answer, FakeTracker, Received
from bridge.model import Lead, Outcome, Sale, Sent
from bridge.tracking import Wire

NOON = datetime(2026, 4, 10, 12, 34, 56, tzinfo=UTC)
LEAD = Lead(
    event_name="signup",
    customer_external_id="user_42",
    click_id="c1",
    customer_email="jane@example.com",
    timestamp=NOON,
)
SALE = Sale(
    event_name="purchase",
    customer_external_id="user_42",
    invoice_id="inv_1",
    amount=4999,
    currency="USD",
    timestamp=NOON,
)
TOKEN = "tok.en-42_x"


@pytest.fixture
async def tracker() -> AsyncIterator[FakeTracker]:
    async with FakeTracker() as fake:
        yield fake


async def send(tracker: FakeTracker, answer: Answer) -> Outcome:
    """One try against one answer; a second request would be a retry that nobody asked for."""
    tracker.answer = answer
    wire = Wire(tracker.url, TOKEN, timeout_seconds=5)
    try:
        outcome = await wire.send(SALE)
    finally:
        await wire.aclose()
    assert 1 == len(tracker.requests)
    return outcome


def page(body: bytes, content_type: str = "text/html", status: int = 200) -> Answer:
    return Answer(status=status, body=body, headers=(("Content-Type", content_type),))


async def test_a_payload_is_one_post_with_the_headers_that_matter(tracker: FakeTracker) -> None:
    outcome = await send(tracker, Answer())

    received = tracker.requests[0]
    assert ("POST", "/track/sale") == (received.method, received.path)
    assert 4999 == json.loads(received.body)["amount"]
    assert f"Bearer {TOKEN}" == received.headers["authorization"]
    assert "application/json" == received.headers["content-type"]
    assert "application/json" == received.headers["accept"]
    assert tracker.url.removeprefix("http://") == received.headers["host"]
    assert str(len(received.body)) == received.headers["content-length"]
    assert (Sent.YES, 200, "", "") == (outcome.sent, outcome.status, outcome.error, outcome.message)
    assert outcome.duration_ms > 0
    assert UTC == outcome.started_at.tzinfo


async def test_a_path_prefix_stays_before_the_endpoint(tracker: FakeTracker) -> None:
    wire = Wire(f"{tracker.url}/v2/", TOKEN)
    await wire.send(LEAD)
    await wire.aclose()

    assert ["/v2/track/lead"] == [received.path for received in tracker.requests]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Answer(body={"status": True, "data": "x"}), id="the modelled body"),
        pytest.param(Answer(body={"status": True, "data": "x", "more": 1}), id="an extra key"),
        pytest.param(Answer(body={"success": True, "timestamp": "2026-04-10T12:00:00Z"}), id="the documented body"),
        pytest.param(Answer(body={"success": True, "message": "ok", "data": {"id": 1}}), id="the README body"),
        pytest.param(Answer(body={"status": "ok"}), id="the TypeScript body"),
        pytest.param(Answer(body={"status": True, "data": {"id": 1}}), id="a data object"),
        pytest.param(Answer(body=[]), id="a list"),
        pytest.param(Answer(body=None), id="null"),
        pytest.param(Answer(body=b""), id="empty"),
        pytest.param(page(b"thanks", "text/plain"), id="text"),
        pytest.param(page(b"{oops", "application/json"), id="invalid JSON"),
        pytest.param(page(b"\x00\xff", "application/octet-stream"), id="bytes"),
        pytest.param(Answer(body=b'{"status": true}'), id="no content type"),
        pytest.param(Answer(status=201), id="201"),
        pytest.param(Answer(status=202, body={"queued": True}), id="202"),
        pytest.param(Answer(status=204, body=b""), id="204"),
        pytest.param(Answer(act=Act.RAW, body=b"HTTP/1.1 200 OK\r\n\r\n{}"), id="no length, until it closes"),
        pytest.param(Answer(act=Act.RAW, body=b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}"), id="HTTP/1.0"),
        pytest.param(
            Answer(act=Act.RAW, body=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
            id="chunked",
        ),
        pytest.param(
            Answer(
                act=Act.RAW,
                body=b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n"
                b"Content-Length: 0\r\n\r\n",
            ),
            id="informational answers first",
        ),
    ],
)
async def test_any_2xx_is_a_success_whatever_its_body(tracker: FakeTracker, answer: Answer) -> None:
    outcome = await send(tracker, answer)

    assert outcome.succeeded
    assert Sent.YES is outcome.sent
    assert not outcome.is_html
    assert "" == outcome.message


async def test_a_page_in_a_200_is_told_apart(tracker: FakeTracker) -> None:
    outcome = await send(tracker, page(b"<!doctype html><title>Welcome</title>"))

    assert outcome.succeeded
    assert outcome.is_html
    assert "a web page: Welcome" == outcome.message


async def test_status_false_in_a_200_is_told_apart(tracker: FakeTracker) -> None:
    outcome = await send(tracker, Answer(body={"status": False, "data": "Duplicate invoice"}))

    assert outcome.succeeded
    assert outcome.says_false
    assert "Duplicate invoice" == outcome.message


async def test_a_compressed_answer_is_read_although_identity_was_asked_for(tracker: FakeTracker) -> None:
    body = gzip.compress(b'{"status": false}')
    outcome = await send(tracker, Answer(body=body, headers=(("Content-Encoding", "gzip"),)))

    assert "identity" == tracker.requests[0].headers["accept-encoding"]
    assert outcome.says_false


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 408, 409, 413, 418, 422, 425, 451, 499])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"success": False, "error": "no", "type": "x", "statusCode": 400}, id="the modelled error"),
        pytest.param(b"<html>no</html>", id="a page"),
        pytest.param(b"", id="nothing"),
    ],
)
async def test_a_refusal_is_an_outcome_whatever_its_body(
    tracker: FakeTracker, status: int, body: bytes | dict[str, str]
) -> None:
    outcome = await send(tracker, Answer(status=status, body=dict(body) if isinstance(body, dict) else body))

    assert (Sent.YES, status) == (outcome.sent, outcome.status)
    assert not outcome.succeeded
    assert isinstance(body, dict) == outcome.is_json


@pytest.mark.parametrize(
    ("expected", "retry_after"),
    [
        pytest.param(None, None, id="without Retry-After"),
        pytest.param(1.0, "1", id="a second"),
        pytest.param(3_600.0, "3600", id="an hour"),
        pytest.param(86_400.0, "9999999", id="115 days"),
        pytest.param(None, "soon", id="unreadable"),
        pytest.param(None, "Fri, 10 Apr 2020 12:00:00 GMT", id="past"),
    ],
)
@pytest.mark.parametrize("status", [413, 429, 500, 501, 502, 503, 504, 520])
async def test_retry_after_is_reported_at_once_and_never_slept(
    tracker: FakeTracker, status: int, expected: float | None, retry_after: str | None
) -> None:
    headers = (("Retry-After", retry_after),) if retry_after else ()
    outcome = await send(tracker, Answer(status=status, headers=headers))

    assert (Sent.YES, status) == (outcome.sent, outcome.status)
    assert expected == outcome.retry_after_seconds
    assert outcome.duration_ms < 1_000


async def test_a_retry_after_date_is_measured_by_the_trackers_clock(tracker: FakeTracker) -> None:
    headers = (("Date", "Fri, 10 Apr 2020 12:00:00 GMT"), ("retry-after", "Fri, 10 Apr 2020 12:01:30 GMT"))

    assert 90.0 == (await send(tracker, Answer(status=429, headers=headers))).retry_after_seconds


async def test_a_500_that_would_pass_the_second_time_is_not_tried_twice(tracker: FakeTracker) -> None:
    def once(_received: Received) -> Answer:
        return Answer(status=500 if len(tracker.requests) == 1 else 200)

    tracker.answer = once
    wire = Wire(tracker.url, TOKEN)
    outcome = await wire.send(SALE)
    await wire.aclose()

    assert 500 == outcome.status
    assert 1 == len(tracker.requests)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
async def test_a_redirect_is_never_followed(tracker: FakeTracker, status: int) -> None:
    """The vendor's client sends the customer's data again to wherever it is pointed."""
    async with FakeTracker() as elsewhere:
        outcome = await send(tracker, Answer(status=status, headers=(("Location", f"{elsewhere.url}/track/sale"),)))

        assert 0 == elsewhere.connections
    assert (Sent.YES, status, "redirects to 127.0.0.1") == (outcome.sent, outcome.status, outcome.message)
    assert not outcome.succeeded


async def test_a_redirect_to_itself_is_one_request(tracker: FakeTracker) -> None:
    outcome = await send(tracker, Answer(status=307, headers=(("Location", "/track/sale"),)))

    assert 307 == outcome.status


async def test_cookies_are_not_kept(tracker: FakeTracker) -> None:
    tracker.answer = Answer(headers=(("Set-Cookie", "session=1; Path=/"),))
    wire = Wire(tracker.url, TOKEN)
    await wire.send(SALE)
    await wire.send(SALE)
    await wire.aclose()

    assert 2 == len(tracker.requests)
    assert not [received for received in tracker.requests if "cookie" in received.headers]


async def test_proxies_and_netrc_of_the_environment_are_not_used(
    tracker: FakeTracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with FakeTracker() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        outcome = await send(tracker, Answer())

        assert 0 == proxy.connections
    assert outcome.succeeded


async def test_a_long_answer_is_read_to_its_bound_and_its_connection_closed(tracker: FakeTracker) -> None:
    tracker.answer = Answer(body=b"x" * 5_000_000, headers=(("Content-Type", "text/plain"),))
    wire = Wire(tracker.url, TOKEN)
    first = await wire.send(SALE)
    tracker.answer = Answer()
    second = await wire.send(SALE)
    await wire.aclose()

    assert (200, "x" * 2048) == (first.status, first.text)
    assert second.succeeded
    assert [1, 2] == [received.connection for received in tracker.requests]


async def test_token_and_customer_are_in_no_log(tracker: FakeTracker, caplog: pytest.LogCaptureFixture) -> None:
    for library in (None, "httpx", "httpcore"):
        caplog.set_level(logging.DEBUG, logger=library)
    tracker.answer = Answer(status=500)
    wire = Wire(tracker.url, TOKEN)
    await wire.send(LEAD)
    await wire.aclose()

    assert "send_request" in caplog.text  # the libraries below did log
    assert TOKEN not in caplog.text
    assert "jane" not in caplog.text
    assert TOKEN not in repr(wire)
    assert TOKEN not in wire.fingerprint


@pytest.mark.parametrize(
    "spell",
    [
        pytest.param(lambda text: text, id="as it came"),
        pytest.param(str.upper, id="upper case"),
        pytest.param(lambda text: json.dumps(json.dumps(text)), id="JSON in JSON"),
        pytest.param(quote_plus, id="a form's value"),
        pytest.param(lambda text: text.replace("@", "\\u0040").replace(" ", "&#32;"), id="escapes and entities"),
    ],
)
@pytest.mark.parametrize("wrap", ['{{"error":{0}}}', '{{"error":"no","was":{0}}}', "<html><title>{0}</title>", "{0}"])
async def test_of_an_answer_that_repeats_the_request_nobody_is_kept(
    tracker: FakeTracker, spell: Callable[[str], str], wrap: str
) -> None:
    lead = replace(LEAD, customer_name="Jane Doe")

    def echo(received: Received) -> Answer:
        said = spell(f"{received.body.decode()} of {received.headers['authorization']}")
        return page(wrap.format(json.dumps(said)).encode(), status=422)

    tracker.answer = echo
    wire = Wire(tracker.url, TOKEN)
    outcome = await wire.send(lead)
    await wire.aclose()
    kept = f"{outcome.text} {outcome.message}".lower()

    assert "eventname" in kept
    assert [] == [word for word in ("jane", "doe", "user_42", "example.com", TOKEN) if word in kept]


def test_the_wire_refuses_what_cannot_work_without_showing_it() -> None:
    for token in ("two words", "line\nbreak", "jäne"):
        with pytest.raises(ValueError, match="token") as refused:
            Wire("https://api.cme.sh", token)
        assert token not in str(refused.value)
    with pytest.raises(ValueError, match="timeout"):
        Wire("https://api.cme.sh", TOKEN, timeout_seconds=0)
    with pytest.raises(ValueError, match="timeout"):
        Wire("https://api.cme.sh", TOKEN, timeout_seconds=float("nan"))
    with pytest.raises(ValueError, match="plain http"):
        Wire("http://api.cme.sh", TOKEN)
    with pytest.raises(ValueError, match="unit"):
        Wire("https://api.cme.sh", TOKEN, amount_unit="cents")  # type: ignore[arg-type]


async def test_major_units_go_out_as_exact_decimals(tracker: FakeTracker) -> None:
    wire = Wire(tracker.url, TOKEN, amount_unit="major")
    await wire.send(SALE)
    await wire.aclose()

    assert b'"amount":49.99,' in tracker.requests[0].body


async def test_a_currency_that_has_no_major_unit_is_not_sent(tracker: FakeTracker) -> None:
    wire = Wire(tracker.url, TOKEN, amount_unit="major")
    odd = Sale(event_name="x", customer_external_id="u", invoice_id="i", amount=1, currency="XXY", timestamp=NOON)
    outcome = await wire.send(odd)
    await wire.aclose()

    assert (Sent.NO, None, "unsendable") == (outcome.sent, outcome.status, outcome.error)
    assert [] == tracker.requests


async def test_without_a_token_nothing_leaves(tracker: FakeTracker) -> None:
    """The bridge may start without one; what it has recorded waits."""
    wire = Wire(tracker.url, "")
    outcome = await wire.send(SALE)
    await wire.aclose()

    assert not wire.has_token
    assert (Sent.NO, "unsendable", "no token") == (outcome.sent, outcome.error, outcome.message)
    assert 0 == tracker.connections
