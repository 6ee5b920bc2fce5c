"""What leaves this machine: our own words, never the tracker's or a customer's, in either form."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook

from bridge import notices
from bridge.model import Delivery, DeliveryState, Lead
from bridge.notices import TOPICS, Digest, Kind, Notice, Outlet, outlet

NOW = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
URL = "https://alerts.example.com/in?key=hunter2"


def a_delivery(**changes: Any) -> Delivery:
    fields: dict[str, Any] = {
        "id": 42,
        "event_id": 17,
        "source": "shop",
        "rule": "paid order",
        "lane": "ada@example.com",
        "payload": Lead(event_name="x", customer_external_id="ada@example.com", timestamp=NOW),
        "state": DeliveryState.SENDING,
        "due_at": NOW,
        "created_at": NOW,
    }
    return Delivery(**{**fields, **changes})


def a_notice(**changes: Any) -> Notice:
    return Notice(**{"kind": Kind.SILENT, "at": NOW, "text": "it is silent", "source": "shop", **changes})


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("the tracker refused it: 422 customer_name Ada Byron is odd", "the tracker refused it: 422"),
        ("unattributed: 404 no Ada\nno Byron", "unattributed: 404"),
        ("the token is not accepted (401 tok_1 is no token)", "the token is not accepted (401)"),
        ("refused 3 times while others pass: the token may not do this (403 no)", None),
        ("gave up after 120 attempts in 3.0 days: 500 Ada", "gave up after 120 attempts in 3.0 days: 500"),
        ("outage: timeout", "outage: timeout"),
        ("the tracker redirects (302): CMS_BASE_URL names another host", ...),
        ("the tracker asks for patience (429)", ...),
        ("an operator paused it", ...),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_a_reason_is_told_without_what_the_tracker_said(reason: str, told: object) -> None:
    expected = reason if told is ... else told or "refused 3 times while others pass: the token may not do this (403)"

    assert expected == notices.ours(reason)


def test_a_dead_letter_names_no_person() -> None:
    notice = notices.dead(NOW, a_delivery(), why="the tracker refused it: 422 ada@example.com is odd")

    assert 'delivery 42 of "shop" (paid order) is a dead letter: the tracker refused it: 422' in notice.text
    assert {"delivery": 42, "event": 17, "rule": "paid order", "why": "the tracker refused it: 422"} == notice.data
    assert "ada" not in repr(notice)


def test_the_generic_form_is_what_standard_webhooks_verifies() -> None:
    now = datetime.now(UTC)
    headers, body = notices.request(outlet("x", URL, SECRET), Digest(notice=a_notice(at=now)), id="msg_1", now=now)

    told = Webhook(SECRET).verify(body, headers)

    assert {"type": "source.silent", "timestamp": _iso(now)} == {key: told[key] for key in ("type", "timestamp")}
    assert {"text": "it is silent", "source": "shop", "left_out": 0} == told["data"]


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_without_a_secret_nothing_is_signed() -> None:
    headers, _ = notices.request(outlet("x", URL), Digest(notice=a_notice()), id="msg_1", now=NOW)

    assert "webhook-signature" not in headers
    assert "msg_1" == headers["webhook-id"]


def test_slack_gets_text_that_cannot_be_markup() -> None:
    notice = a_notice(text='the rule "<!channel> & co" is silent')
    headers, body = notices.request(outlet("x", URL, form="slack"), Digest(notice=notice), id="msg_1", now=NOW)

    assert {"text": 'trackbridge: the rule "&lt;!channel&gt; &amp; co" is silent'} == json.loads(body)
    assert {"content-type": "application/json"} == headers


@pytest.mark.parametrize(
    ("url", "form", "expected"),
    [
        ("https://hooks.slack.com/services/T0/B0/x", None, "slack"),
        ("https://hooks.slack.com/services/T0/B0/x", "generic", "generic"),
        ("https://hooks.slack.com.example.com/x", None, "generic"),
        ("https://chat.example.com/hooks/x", None, "generic"),
        ("https://chat.example.com/hooks/x", "slack", "slack"),
    ],
)
def test_the_form_follows_the_address_unless_it_is_said(url: str, form: Any, expected: str) -> None:
    assert expected == outlet("x", url, form=form).format


def test_what_was_left_out_is_counted_and_named() -> None:
    digest = Digest(notice=a_notice(), left_out=3, since=NOW, sources=("shop", "forms"))

    assert "it is silent (and 3 more of this kind since 12:30:00 UTC: shop, forms)" == digest.text


@pytest.mark.parametrize(
    ("to", "notice", "wanted"),
    [
        (outlet("x", URL), a_notice(), True),
        (outlet("x", URL), a_notice(kind=Kind.PAUSED, source=""), True),
        (outlet("x", URL, source="shop", topics=list(TOPICS)), a_notice(), True),
        (outlet("x", URL, source="shop", topics=["silent"]), a_notice(kind=Kind.HEARD), True),
        (outlet("x", URL, source="shop", topics=["dead"]), a_notice(), False),
        (outlet("x", URL, source="forms", topics=list(TOPICS)), a_notice(), False),
        (outlet("x", URL, source="shop", topics=list(TOPICS)), a_notice(kind=Kind.PAUSED, source=""), False),
    ],
)
def test_an_outlet_hears_what_concerns_it(to: Outlet, notice: Notice, *, wanted: bool) -> None:
    assert wanted == to.wants(notice)


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("http://alerts.example.com/hunter2", ""),
        ("https://user:hunter2@alerts.example.com/", ""),
        ("ftp://alerts.example.com/hunter2", ""),
        ("https:///hunter2", ""),
        ("https://alerts.example.com:0/hunter2", ""),
        ("https://alerts.example.com:x/hunter2", ""),
        ("https://alerts.example.com/hunter2 x", ""),
        ("https://alerts.example.com/hunter2#x", ""),
        ("", ""),
        (URL, "hunter2"),
        (URL, "whsec_hunter2="),
        (URL, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        (URL, "whsec_" + "A" * 400),
    ],
)
def test_what_cannot_be_an_outlet_is_refused_without_showing_it(url: str, secret: str) -> None:
    with pytest.raises(ValueError, match=r"expected|plain http") as caught:
        outlet("x", url, secret)

    assert "hunter2" not in str(caught.value)


def test_an_outlet_never_shows_its_address_or_key() -> None:
    assert "hunter2" not in repr(outlet("x", URL, SECRET))
    assert "key" not in repr(outlet("x", URL, SECRET))


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (timedelta(minutes=5), "5 min"),
        (timedelta(minutes=90), "1 h 30 min"),
        (timedelta(hours=26), "26 h"),
        (timedelta(days=7), "7 d"),
        (timedelta(days=7, hours=3, minutes=5), "7 d 3 h"),
    ],
    ids=str,
)
def test_a_span_is_said_in_its_largest_units(span: timedelta, said: str) -> None:
    assert said == notices.spell(span)


@pytest.mark.parametrize(
    "notice",
    [
        notices.paused(NOW, why="outage: timeout", next_at=NOW, since=NOW),
        notices.resumed(NOW, after="outage: timeout", since=NOW),
        notices.silent(NOW, source="s", rule="r", since=NOW, span=timedelta(hours=1), is_first=False),
        notices.heard(NOW, source="s", rule="", after=timedelta(hours=1), since=None),
        notices.stale(NOW, problems=2, digest="d"),
        notices.mended(NOW),
        notices.differ(NOW, ['mapping "stripe"', "CMS_RATE_LIMIT"], key="k"),
        notices.agree(NOW),
        notices.gaps(NOW, source="s", count=1, since=NOW),
    ],
    ids=lambda notice: str(notice.kind.value),
)
def test_every_notice_can_be_sent_in_both_forms(notice: Notice) -> None:
    told = [
        json.loads(notices.request(to, Digest(notice=notice), id="m", now=NOW)[1])
        for to in (outlet("x", URL, form="slack"), outlet("x", URL, form="generic"))
    ]

    assert [f"trackbridge: {notice.text}", notice.text] == [told[0]["text"], told[1]["data"]["text"]]
    assert notice.kind.value == told[1]["type"]
