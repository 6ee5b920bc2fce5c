"""CRM, bookings, accounts and apps: what single examples cannot show, and the mappings that their pages offer."""

import json
import re
from collections.abc import Callable
from textwrap import dedent
from typing import Any
from urllib.parse import urlencode

import pytest

from bridge import sources
from bridge.mapping import Mapping, compare, parse
from bridge.model import Conversion, EventState, Meaning, Webhook
from tests.contract.tellings import MAPPINGS, RECEIVED_AT, mapping_of, meanings

JSON_HEADERS = {"content-type": "application/json"}
PAGES = {
    "crm": ["hubspot", "calendly", "calcom"],
    "accounts": ["clerk", "supabase"],
    "apps": ["intercom", "github", "meta", "slack", "zoom"],
}


def shipped(source: str) -> Mapping:
    return mapping_of(MAPPINGS / f"{source}.yaml")


def written(text: str) -> Mapping:
    """A mapping as somebody would copy it from a page."""
    found = parse(text, file="page.yaml", base=lambda name: (MAPPINGS / f"{name}.yaml").read_text(encoding="utf-8"))
    assert [] == [str(problem) for problem in found.problems]
    assert found.mapping is not None
    return found.mapping


def page(name: str) -> str:
    return (MAPPINGS.parent / "docs" / "sources" / f"{name}.md").read_text(encoding="utf-8")


def told(mapping: Mapping, body: bytes, headers: dict[str, str] = JSON_HEADERS) -> tuple[Meaning, ...]:
    given = tuple((name.encode(), value.encode()) for name, value in headers.items())
    webhook = Webhook(source=mapping.source, headers=given, body=body, received_at=RECEIVED_AT)
    return meanings(mapping, sources.sample(webhook))


def example(source: str, name: str) -> Any:
    """An example's body, and nothing around it."""
    value = json.loads((MAPPINGS / "examples" / source / f"{name}.json").read_bytes())
    return value["body"] if isinstance(value, dict) and {"headers", "body"} <= value.keys() else value


def of(source: str, value: Any) -> tuple[Meaning, ...]:
    return told(shipped(source), json.dumps(value).encode())


def conversions(source: str, *values: Any) -> list[Conversion]:
    return [found for value in values for meaning in of(source, value) for found in meaning.conversions]


def changed(source: str, name: str, change: Callable[[Any], object]) -> Any:
    value = example(source, name)
    change(value)
    return value


# Keys: a retry is a known event, another event is not ------------------------------------------------------------


def test_a_retry_of_hubspot_is_known_by_every_event_of_it() -> None:
    retried = [{**event, "attemptNumber": 3} for event in example("hubspot", "batch")]
    first, again = of("hubspot", example("hubspot", "batch")), of("hubspot", retried)
    assert [meaning.event.key for meaning in first] == [meaning.event.key for meaning in again]
    assert len(first) == len({meaning.event.key for meaning in first})


@pytest.mark.parametrize(
    "field", ["portalId", "subscriptionType", "objectTypeId", "objectId", "propertyName", "occurredAt", "eventId"]
)
def test_an_event_of_hubspot_that_differs_is_another_one(field: str) -> None:
    event = example("hubspot", "object_property_change")[0]
    other = {**event, field: f"{event[field]}9"}
    assert len({meaning.event.key for meaning in of("hubspot", [event, other])}) == 2


def test_the_same_ids_in_two_portals_are_two_leads() -> None:
    event = example("hubspot", "object_property_change")[0]
    one, other = conversions("hubspot", [event, {**event, "portalId": 1}])
    assert set(one.claims).isdisjoint(other.claims)


def test_an_odd_event_in_a_batch_of_hubspot_spoils_no_other() -> None:
    good = example("hubspot", "object_property_change")[0]
    odd = {**good, "objectId": {"id": 1}, "eventId": 7}
    states = [meaning.state for meaning in of("hubspot", [odd, good, "odd", None])]
    assert [EventState.UNMAPPED, EventState.ACCEPTED, EventState.IGNORED, EventState.IGNORED] == states


def test_a_hundred_events_of_hubspot_are_a_hundred_events() -> None:
    event = example("hubspot", "object_property_change")[0]
    found = of("hubspot", [{**event, "objectId": number} for number in range(1, 101)])
    assert len({meaning.event.key for meaning in found}) == 100


def test_a_retry_of_supabase_is_known_though_its_header_is_new() -> None:
    mapping = shipped("supabase")
    body = json.dumps(example("supabase", "before_user_created")).encode()
    keys = {told(mapping, body, {**JSON_HEADERS, "webhook-id": name})[0].event.key for name in ("a", "b")}
    assert {"8b34dcdd-9df1-4c10-850a-b3277c653040"} == keys


def test_clerk_is_known_by_the_signed_header() -> None:
    mapping = shipped("clerk")
    body = json.dumps(example("clerk", "user_created")).encode()
    (meaning,) = told(mapping, body, {**JSON_HEADERS, "svix-id": "msg_1"})
    assert meaning.event.key == "msg_1"


# One person, told several times ----------------------------------------------------------------------------------


def set_seat(value: Any) -> None:
    value["createdAt"] = "2026-09-21T14:15:00.002Z"
    value["payload"]["responses"]["email"]["value"] = "grace.hopper@example.com"


def as_user(value: Any) -> None:
    value["topic"] = "contact.user.created"


TOLD_TWICE = {
    "hubspot, click id and cms_rf": ("hubspot", "batch", lambda v: v[2].update(propertyName="cms_rf", eventId=5)),
    "hubspot, e-mail after the click": ("hubspot", "batch", lambda v: v[2].update(propertyName="email", eventId=5)),
    "cal.com, another webhook": ("calcom", "booking_created", lambda v: v.update(createdAt="2026-09-21T14:13:20.119Z")),
    "supabase, both hooks": (
        "supabase",
        "after_user_created",
        lambda v: v["metadata"].update(name="before-user-created"),
    ),
    "intercom, signed up and created": ("intercom", "lead_signed_up", as_user),
    "intercom, e-mail with the lead": (
        "intercom",
        "lead_created",
        lambda v: v.update(topic="contact.lead.added_email"),
    ),
    "zoom, an hour later": ("zoom", "webinar_registration", lambda v: v.update(event_ts=1790003600118)),
    "slack, another message": ("slack", "metadata_posted", lambda v: v.update(event_id="Ev2")),
    "clerk": ("clerk", "user_created", lambda v: v.update(timestamp=1790000000119)),
}


@pytest.mark.parametrize(("source", "name", "change"), TOLD_TWICE.values(), ids=TOLD_TWICE)
def test_a_person_told_twice_is_one_lead(source: str, name: str, change: Callable[[Any], object]) -> None:
    found = conversions(source, example(source, name), changed(source, name, change))
    assert len(found) >= 2
    assert 1 == len({claim for conversion in found for claim in conversion.claims})


def test_two_guests_of_one_event_with_seats_are_two_leads() -> None:
    values = example("calcom", "booking_created"), changed("calcom", "booking_created", set_seat)
    one, other = conversions("calcom", *values)
    assert set(one.claims).isdisjoint(other.claims)
    assert 2 == len({meaning.event.key for value in values for meaning in of("calcom", value)})


def test_one_registrant_of_two_webinars_is_two_leads() -> None:
    other = changed("zoom", "webinar_registration", lambda v: v["payload"]["object"].update(id="97871060100"))
    one, two = conversions("zoom", example("zoom", "webinar_registration"), other)
    assert set(one.claims).isdisjoint(two.claims)


def test_one_charge_of_calendly_is_one_sale_however_it_is_told() -> None:
    booking = example("calendly", "booking_paid")
    again = changed("calendly", "reschedule_created", lambda v: v["payload"].update(old_invitee=None))
    sales = [found for found in conversions("calendly", booking, again) if found.rule == "paid booking"]
    assert 2 == len(sales)
    assert sales[0].claims == sales[1].claims


def test_github_as_a_form_is_the_same_as_json() -> None:
    mapping = shipped("github")
    value = example("github", "sponsorship_created")
    form = urlencode({"payload": json.dumps(value)}).encode()
    kind = {"content-type": "application/x-www-form-urlencoded", "x-github-event": "sponsorship"}
    (as_form,) = told(mapping, form, kind)
    (as_json,) = told(mapping, json.dumps(value).encode(), {**JSON_HEADERS, "x-github-event": "sponsorship"})
    assert [one.payload for one in as_form.conversions] == [one.payload for one in as_json.conversions]
    assert 1 == len(as_form.conversions)


def test_an_odd_entry_of_meta_spoils_no_other() -> None:
    value = example("meta", "leadgen_with_field_data")
    value["entry"] = [None, {"id": "1"}, {"changes": "odd"}, *value["entry"]]
    assert [EventState.IGNORED, EventState.ACCEPTED] == [meaning.state for meaning in of("meta", value)]


# The pages --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "found"), PAGES.items(), ids=PAGES)
def test_the_page_names_every_type_that_a_rule_wants_and_every_secret(name: str, found: list[str]) -> None:
    text = page(name)
    for source in found:
        mapping = shipped(source)
        wanted = {kind for rule in mapping.rules for kind in rule.types}
        assert set() == {kind for kind in wanted if f"`{kind}`" not in text}
        assert f"`{source.upper()}_WEBHOOK_SECRET`" in text
        assert f"/webhooks/{source}" in text


OFFERED = [
    pytest.param(name, number, id=f"{name} {number}")
    for name in PAGES
    for number in range(page(name).count("```yaml\n"))
]


@pytest.mark.parametrize(("name", "number"), OFFERED)
def test_a_mapping_that_a_page_offers_keeps_its_examples(name: str, number: int) -> None:
    """The JSON behind a mapping is its examples' payloads, in order."""
    block = page(name).split("```yaml\n")[number + 1]
    mapping = written(block.split("```")[0])
    scheme, problems = sources.parse(mapping.verify)
    assert [] == [str(problem) for problem in problems]
    assert scheme is not None
    assert "token" == scheme.name
    bodies = re.findall(r"```json\n(.*?)```", block, flags=re.DOTALL)
    for one, body in zip(mapping.examples, bodies, strict=True):
        assert [] == compare(one, told(mapping, body.encode())), one.name


def test_a_workflow_of_hubspot_may_sign_instead() -> None:
    signed = dedent("  " + page("crm").split("  ```text\n  ")[1].split("```")[0])
    own = re.sub(r"verify:\n(  .*\n)+", signed, page("crm").split("```yaml\n")[1].split("```")[0])
    scheme, problems = sources.parse(written(own).verify)
    assert [] == [str(problem) for problem in problems]
    assert scheme is not None
    verifier = sources.bind(scheme, ["a-client-secret"], url="https://bridge.example.com/webhooks/hubspot-workflow")
    webhook = Webhook(source="hubspot-workflow", method="POST", body=b'{"email": null}', received_at=RECEIVED_AT)
    assert "signature 1" == verifier.verify(verifier.sign(webhook, RECEIVED_AT), RECEIVED_AT).by
