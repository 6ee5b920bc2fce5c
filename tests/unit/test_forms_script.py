"""mappings/google-forms.gs, run by node with stand-ins for Google's services: our own verifier lets its requests in,
and the shipped mapping makes leads of them."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bridge import sources
from bridge.errors import Refused
from bridge.mapping import Mapping, apply, parse
from bridge.model import Lead, Meaning, Verified, Webhook
from bridge.read import Document, read

ROOT = Path(__file__).parents[2]
HARNESS = Path(__file__).with_name("forms_script.js")
NODE = shutil.which("node")

#: any text may be a secret, and no key derivation may change it
SECRET = "correct horse — Batterie ✓ whsec_ 1.2"
URL = "https://hooks.example.com/webhooks/google-forms"
NOBODY = {"id": "2_ABaOnuXk7vQpLr0yZs3tUw", "at": "2026-09-22T08:31:45.120Z", "email": "", "items": []}
ADA: dict[str, Any] = NOBODY | {
    "items": [
        ["Name", "Zoë “Ada” Lovelace 🏮"],
        ["Email", "Ada@Example.com"],
        ["What is it about?", ["Lanterns", "Repairs"]],
        ["How was it?", [["good", None], ["fair"]]],
        ["click_id", "Zug6qD9qOC"],
    ],
}
ROW: dict[str, Any] = {
    "row": 42,
    "first": {"date": "2026-09-22T08:31:45Z"},
    "namedValues": {"Timestamp": ["9/22/2026 10:31:45"], "Email Address": ["ada@example.com"], "click_id": ["Sh33t"]},
}

pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed: the Apps Script is not run")


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What the script did."""

    requests: list[dict[str, Any]]
    sleeps: list[int]
    triggers: list[dict[str, str]]
    deleted: int
    error: str | None


def run(call: str, **given: Any) -> Done:
    told = {
        "script": str(ROOT / "mappings" / "google-forms.gs"),
        "call": call,
        "container": "form",
        "properties": {"TRACKBRIDGE_URL": URL, "TRACKBRIDGE_SECRET": SECRET},
        "statuses": [200],
    } | given
    assert NODE is not None
    finished = subprocess.run(
        [NODE, str(HARNESS)], input=json.dumps(told), capture_output=True, text=True, timeout=30, check=True
    )
    return Done(**json.loads(finished.stdout))


def the_mapping() -> Mapping:
    file = ROOT / "mappings" / "google-forms.yaml"
    mapping = parse(file.read_text(encoding="utf-8"), file=file.name, base=lambda _: None).mapping
    assert mapping is not None
    return mapping


MAPPING = the_mapping()


def proven(request: dict[str, Any], *, secret: str = SECRET, body: bytes | None = None) -> Verified:
    """The request as it reaches the bridge, let in by the shipped mapping's scheme. Raises Refused."""
    scheme, problems = sources.parse(MAPPING.verify)
    assert scheme is not None, problems
    now = datetime.now(UTC)
    headers = {"content-type": request["contentType"]} | request["headers"]
    webhook = Webhook(
        source="google-forms",
        headers=tuple((name.lower().encode("ascii"), value.encode("ascii")) for name, value in headers.items()),
        body=request["payload"].encode("ascii") if body is None else body,
        received_at=now,
    )
    return sources.bind(scheme, [secret]).verify(webhook, now)


def meaning_of(request: dict[str, Any]) -> Meaning:
    verified = proven(request)
    document = read(verified)
    assert isinstance(document, Document)
    (meaning,) = apply(MAPPING, verified, document.value)
    return meaning


def lead_of(request: dict[str, Any]) -> Lead:
    (conversion,) = meaning_of(request).conversions
    assert isinstance(conversion.payload, Lead)
    return conversion.payload


def test_a_forms_response_is_let_in_and_becomes_a_lead() -> None:
    done = run("onFormSubmit", event="form", response=ADA)

    (request,) = done.requests
    assert (None, URL, "post") == (done.error, request["url"], request["method"])
    lead = lead_of(request)
    assert ("Zug6qD9qOC", "ada@example.com") == (lead.click_id, lead.customer_external_id)
    assert "Zoë “Ada” Lovelace 🏮" == lead.customer_name
    assert NOBODY["at"] == json.loads(request["payload"])["submitted_at"]


def test_answers_are_lists_of_texts_under_their_titles() -> None:
    twice = {"items": [["Email", ""], ["Email", "max@example.com"], ["Nothing", None], ["constructor", "Lego"]]}
    (request,) = run(
        "onFormSubmit", event="form", response=ADA | {"items": ADA["items"][2:4] + twice["items"]}
    ).requests

    expected = {
        "What is it about?": ["Lanterns, Repairs"],
        "How was it?": ["good, , fair"],
        "Email": ["", "max@example.com"],
        "Nothing": [""],
        "constructor": ["Lego"],
    }
    assert expected == json.loads(request["payload"])["namedValues"]


def test_a_collected_address_needs_no_question() -> None:
    response = NOBODY | {"email": "Max@Example.com", "items": [["click_id", "C0llected"]]}
    (request,) = run("onFormSubmit", event="form", response=response).requests

    assert "max@example.com" == lead_of(request).customer_external_id


def test_a_response_has_one_id_however_often_its_trigger_fires() -> None:
    edited = ADA | {"at": "2026-09-23T10:00:00.000Z", "items": [["Email", "ada.king@example.com"]]}
    events = [meaning_of(run("onFormSubmit", event="form", response=one).requests[0]).event for one in (ADA, edited)]

    assert [ADA["id"]] * 2 == [event.source_id for event in events]
    assert 1 == len({event.key for event in events})


def test_a_row_of_the_sheet_is_let_in_and_becomes_a_lead() -> None:
    done = run("onFormSubmit", event="row", container="sheet", row=ROW)

    lead = lead_of(done.requests[0])
    assert ("Sh33t", "ada@example.com") == (lead.click_id, lead.customer_external_id)
    assert datetime(2026, 9, 22, 8, 31, 45, tzinfo=UTC) == lead.timestamp


def test_a_row_that_is_used_again_is_another_response() -> None:
    later = ROW | {"first": {"date": "2026-09-29T08:00:00Z"}}
    ids = [
        meaning_of(run("onFormSubmit", event="row", container="sheet", row=row).requests[0]).event.source_id
        for row in (ROW, later)
    ]

    assert "sheet-1cSheetId-1841207535-42-1790065905000" == ids[0]
    assert ids[0] != ids[1]


def test_a_row_without_a_time_happened_now() -> None:
    before = datetime.now(UTC)
    (request,) = run("onFormSubmit", event="row", container="sheet", row=ROW | {"first": {"text": "gone"}}).requests

    sent = datetime.fromisoformat(json.loads(request["payload"])["submitted_at"])
    assert abs((sent - before).total_seconds()) < 60


def test_the_signature_holds_for_this_secret_and_these_bytes_alone() -> None:
    (request,) = run("onFormSubmit", event="form", response=ADA).requests

    for changed in (
        {"secret": SECRET.replace("—", "?").replace("✓", "?")},
        {"body": request["payload"].encode() + b" "},
    ):
        with pytest.raises(Refused) as refused:
            proven(request, **changed)
        assert "mismatch" == refused.value.detail


@pytest.mark.parametrize("passing", [500, 503, 429, 408, "Address unavailable: hooks.example.com"])
def test_what_may_pass_is_tried_again_and_signed_anew(passing: int | str) -> None:
    done = run("onFormSubmit", event="form", response=ADA, statuses=[passing, passing, 200])

    assert (None, [2000, 10000]) == (done.error, done.sleeps)
    assert 1 == len({request["payload"] for request in done.requests})
    assert [ADA["id"]] * 3 == [meaning_of(request).event.source_id for request in done.requests]


def test_after_five_attempts_google_tells_the_owner() -> None:
    done = run("onFormSubmit", event="form", response=ADA, statuses=[503] * 5)

    assert 5 == len(done.requests)
    assert sum(done.sleeps) < 120_000
    assert "trackbridge: it answered 503" == done.error


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, "trackbridge: it answered 401: the secrets differ"),
        (404, "trackbridge: it answered 404"),
        (413, "trackbridge: it answered 413"),
        (301, "trackbridge: it answered 301"),
    ],
)
def test_what_somebody_must_mend_is_told_at_once(status: int, error: str) -> None:
    done = run("onFormSubmit", event="form", response=ADA, statuses=[status])

    assert ([], error) == (done.sleeps, done.error)


@pytest.mark.parametrize("name", ["TRACKBRIDGE_URL", "TRACKBRIDGE_SECRET"])
def test_a_property_that_is_missing_is_named(name: str) -> None:
    properties = {"TRACKBRIDGE_URL": URL, "TRACKBRIDGE_SECRET": SECRET} | {name: "  "}
    done = run("setUp", properties=properties)

    assert f"Missing {name}: add it under Project Settings → Script Properties." == done.error
    assert ([], []) == (done.requests, done.triggers)


@pytest.mark.parametrize(("container", "document"), [("form", "1aFormId"), ("sheet", "1cSheetId")])
def test_setting_up_pings_and_installs_one_trigger(container: str, document: str) -> None:
    done = run("setUp", container=container)

    assert [{"handler": "onFormSubmit", "for": document, "event": "onFormSubmit"}] == done.triggers
    assert 1 == done.deleted
    meaning = meaning_of(done.requests[0])
    assert ("ignored", "no rule", ()) == (meaning.state.value, meaning.reason, meaning.conversions)


def test_setting_up_with_the_wrong_secret_installs_nothing() -> None:
    done = run("setUp", statuses=[401])

    assert ("trackbridge: it answered 401: the secrets differ", []) == (done.error, done.triggers)


def test_setting_up_outside_a_form_says_where_to_go() -> None:
    error = run("setUp", container="nowhere").error

    assert error is not None
    assert error.startswith("This script must live in a form")


def test_what_is_sent_again_by_hand_has_the_ids_it_had() -> None:
    (again,) = run("resendLastDay", response=ADA).requests
    (first,) = run("onFormSubmit", event="form", response=ADA).requests

    assert first["payload"] == again["payload"]
    assert first["headers"]["webhook-id"] == again["headers"]["webhook-id"]


def test_requests_follow_no_redirect_and_read_every_answer() -> None:
    (request,) = run("onFormSubmit", event="form", response=ADA).requests

    assert (False, True, "application/json") == (
        request["followRedirects"],
        request["muteHttpExceptions"],
        request["contentType"],
    )
