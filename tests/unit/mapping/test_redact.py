"""redact: rules see the real values, and nothing that is kept of the event does."""

import json
from dataclasses import fields
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import Place, Problem
from bridge.mapping import apply, unreadable
from bridge.mapping.reader import Reader
from bridge.mapping.redact import Redaction, kept_of, redaction_of
from bridge.model import Event, EventState, Json, Meaning, Node
from tests.unit.mapping.factories import a_mapping, a_webhook, an_order, mapping_text, meaning_of, problems_of, proven

GONE = "[redacted]"


def read_path(text: str) -> tuple[Redaction | None, list[Problem]]:
    problems: list[Problem] = []
    node = Node(kind="scalar", place=Place(file="shop.yaml", line=3, column=5), text=text)
    return redaction_of(node, Reader(problems)), problems


def redacted(document: Json, *paths: str) -> Json:
    found = [redaction for path in paths if (redaction := read_path(path)[0]) is not None]
    return Redaction([path for redaction in found for path in redaction.paths]).of(document)


@pytest.mark.parametrize(
    ("path", "document", "expected"),
    [
        ("a", {"a": "x", "b": "x"}, {"a": GONE, "b": "x"}),
        ("a", {"a": {"b": 1}}, {"a": GONE}),
        ("a", {"a": None}, {"a": GONE}),
        ("a.b", {"a": {"b": 1, "c": 2}, "b": 3}, {"a": {"b": GONE, "c": 2}, "b": 3}),
        ("a[].b", {"a": [{"b": 1}, {"c": 2}, "b", None]}, {"a": [{"b": GONE}, {"c": 2}, "b", None]}),
        ("a[]", {"a": [1, {"b": 2}]}, {"a": [GONE, GONE]}),
        ("a", {"a": [1, 2]}, {"a": GONE}),
        ("[].a", [{"a": 1}, {"b": 2}], [{"a": GONE}, {"b": 2}]),
        ("a[][].b", {"a": [[{"b": 1}]]}, {"a": [[{"b": GONE}]]}),
        ('"odd-name"."a.b"', {"odd-name": {"a.b": 1}}, {"odd-name": {"a.b": GONE}}),
        ('a."\\u00e9 \\""', {"a": {'é "': 1}}, {"a": {'é "': GONE}}),
        ('"[]"', {"[]": 1}, {"[]": GONE}),
        ("none", {"a": 1}, {"a": 1}),
        # not as the path expects: rather too much than too little
        ("a.b", {"a": [{"b": 1}, [{"b": 2}]]}, {"a": [{"b": GONE}, [{"b": GONE}]]}),
        ("a[].b", {"a": {"b": 1}}, {"a": {"b": GONE}}),
        ("a[]", {"a": "x"}, {"a": GONE}),
        ("a.b", {"a": "x"}, {"a": "x"}),
        # JSON in text
        ("a.b", {"a": '{"b": 1.10, "c": [1e3, "\\u00e9"]}'}, {"a": '{"b":"[redacted]","c":[1E+3,"é"]}'}),
        ("a.b", {"a": ' {"c": 1.10}'}, {"a": ' {"c": 1.10}'}),
        ("a.b", {"a": '{"b": 1'}, {"a": GONE}),
        ("a.b", {"a": '[{"b": NaN}]'}, {"a": GONE}),
        ("a.b", {"a": "[" * 100_000}, {"a": GONE}),
        ("a.b.c", {"a": json.dumps({"b": json.dumps({"c": 1})})}, {"a": '{"b":"{\\"c\\":\\"[redacted]\\"}"}'}),
    ],
)
def test_what_a_path_names_is_replaced(path: str, document: Json, expected: Json) -> None:
    before = json.dumps(document)

    assert expected == redacted(document, path)
    assert before == json.dumps(document)


def test_paths_may_share_their_beginning() -> None:
    document: Json = {"a": [{"b": 1, "c": {"d": 2, "e": 3}}], "f": 4}

    assert {"a": [{"b": GONE, "c": {"d": GONE, "e": 3}}], "f": GONE} == redacted(document, "a[].b", "a.c.d", "f", "f.g")


@pytest.mark.parametrize(
    ("path", "offset"),
    [
        (".a", 0), ("a.", 2), ("a..b", 2), ("a b", 1), ("a-b", 1), ("a[0]", 1), ("a.*", 2), ("a.[]", 2), ("a[]b", 3),
        ("1a", 0), ('"a', 0), ('"a"b', 3), ("a[?b]", 1), ("root().a", 4), ("é", 0), ("a[", 1), ("@.a", 0),
    ],
)  # fmt: skip
def test_what_is_no_path_is_a_problem_with_its_place(path: str, offset: int) -> None:
    _, (problem,) = read_path(path)

    assert ("redact-path", offset, path) == (problem.code, problem.offset, problem.expression)
    assert (3, 5) == (problem.place.line, problem.place.column)
    assert problem.fix


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("redact: []", 'shop.yaml:2:9: "redact" is an empty list'),
        ("redact:", 'shop.yaml:2:8: "redact" has no value'),
        ("redact: {a: b}", 'shop.yaml:2:9: "redact" must be a list'),
        ("redact: [a, a]", '"a" is listed twice in "redact"'),
        ("redact: [a, [b]]", '"redact" must be text, and it is a list'),
        ("redact: [a-b]", 'unexpected "-"'),
    ],
)
def test_a_redact_that_says_nothing_is_a_problem(line: str, told: str) -> None:
    assert told in problems_of(mapping_text(f"source: shop\n{line}"))


TOLD = "source: shop\nredact: [customer, email, 'lines[].note']"


def test_rules_see_what_is_not_kept() -> None:
    mapping = a_mapping(TOLD)
    document = an_order(customer="cus_secret", email="ada@example.com", lines=[{"note": "call me", "sku": 1.50}])

    meaning = meaning_of(mapping, document, content_type="application/x-www-form-urlencoded", user_agent="x")

    assert EventState.ACCEPTED is meaning.state
    assert ["cus_secret"] == [one.payload.customer_external_id for one in meaning.conversions]
    kept = json.loads(meaning.event.body)
    assert document | {"customer": GONE, "email": GONE, "lines": [{"note": GONE, "sku": 1.5}]} == kept
    assert (("content-type", "application/json"), ("user-agent", "x")) == meaning.event.headers
    assert "cus_secret" not in everything(meaning.event)


def everything(event: Event) -> str:
    """All that is stored of the event itself."""
    return "\n".join(str(getattr(event, field.name)) for field in fields(event))


def test_the_key_is_made_of_the_body_as_it_came() -> None:
    plain, redacted = a_mapping("id: nothing"), a_mapping("id: nothing", TOLD)

    keys = {meaning_of(mapping, an_order(email=email)).event.key for mapping in (plain, redacted) for email in "ab"}

    assert 2 == len(keys)


@pytest.mark.parametrize("expression", ["email", "join('-', [id, email])", "lower(email)", "email || id"])
def test_an_id_that_is_redacted_is_none(expression: str) -> None:
    mapping = a_mapping(f"id: {expression}", TOLD)

    meaning = meaning_of(mapping, an_order(email="Ada@example.com"))

    assert meaning.event.source_id is None
    assert meaning.event.key.startswith("sha256:")
    assert "holds what is redacted; the body's digest is the key" in meaning.steps[0].why
    assert "xample.com" not in everything(meaning.event)
    assert EventState.ACCEPTED is meaning.state


@pytest.mark.parametrize(("key", "lines"), [("type", "type: email"), ("account", "type: type\naccount: email")])
def test_a_type_that_is_redacted_maps_nothing(key: str, lines: str) -> None:
    meaning = meaning_of(a_mapping(lines, TOLD), an_order(email="ada@example.com"))

    assert EventState.UNMAPPED is meaning.state
    assert f"cannot map: event, {key} (email): holds what is redacted" == meaning.reason
    assert "example.com" not in everything(meaning.event)


BATCH = ("id: id\nfor_each: events", "source: shop\nredact: events[].email")


def test_a_batch_keeps_one_body_and_its_items_ids() -> None:
    document: Json = {"events": [an_order(id=f"evt_{number}", email="ada@example.com") for number in range(3)]}

    meanings = apply(a_mapping(*BATCH), proven(a_webhook(document)), document)

    assert ["evt_0", "evt_1", "evt_2"] == [one.event.source_id for one in meanings]
    assert [0, 1, 2] == [one.event.item for one in meanings]
    assert 1 == len({id(one.event.body) for one in meanings})
    assert b"ada@" not in meanings[0].event.body


@pytest.mark.parametrize("for_each", ["events[?email != '[redacted]']", "from_json(email)"])
def test_a_batch_that_depends_on_what_is_redacted_maps_nothing(for_each: str) -> None:
    mapping = a_mapping(f"id: id\nfor_each: {for_each}", "source: shop\nredact: [email, 'events[].email']")
    document: Json = {"events": [an_order(email="ada@example.com")], "email": json.dumps([an_order(), an_order()])}

    meanings = apply(mapping, proven(a_webhook(document)), document)

    why = "cannot map: event, document or for_each depends on what is redacted"
    assert {(EventState.UNMAPPED, why)} == {(one.state, one.reason) for one in meanings}
    assert len(meanings) == len({one.event.key for one in meanings})


def test_a_packed_document_is_redacted_through_its_text() -> None:
    mapping = a_mapping("id: id\ndocument: from_json(payload)", "source: shop\nredact: payload.email")
    document: Json = {"payload": json.dumps(an_order(email="ada@example.com"))}

    meaning = meaning_of(mapping, document)

    assert (EventState.ACCEPTED, "evt_1") == (meaning.state, meaning.event.source_id)
    assert GONE == json.loads(json.loads(meaning.event.body)["payload"])["email"]


def test_of_what_cannot_be_read_nothing_is_kept() -> None:
    webhook = a_webhook("email=ada@example.com")

    kept = unreadable(a_mapping(TOLD), proven(webhook), "not JSON").event
    plain = unreadable(a_mapping(), proven(webhook), "not JSON").event

    assert (b"[redacted]", webhook.body) == (kept.body, plain.body)
    assert plain.key == kept.key


def hide(kept: bytes) -> bytes:
    return kept.replace(b"tok_secret", b"[redacted]")


def told_with_token(*lines: str, **document: Json) -> Meaning:
    given = an_order(**document)
    (meaning,) = apply(a_mapping(*lines), proven(a_webhook(given)), given, hide=hide)
    return meaning


@pytest.mark.parametrize("told", [(), (TOLD,)], ids=["alone", "with redact"])
def test_an_echoed_token_is_kept_nowhere(told: tuple[str, ...]) -> None:
    meaning = told_with_token("id: url", *told, url="https://hooks.example.com/webhooks/shop/tok_secret")

    assert "tok_secret" not in everything(meaning.event)
    assert meaning.event.source_id is None
    assert b"/webhooks/shop/[redacted]" in meaning.event.body
    assert EventState.ACCEPTED is meaning.state


def test_an_echoed_token_leaves_the_rest_of_the_body_as_it_came() -> None:
    body = json.dumps(an_order(url="tok_secret")).encode()

    assert body.replace(b"tok_secret", b"[redacted]") == told_with_token(url="tok_secret").event.body


@pytest.mark.parametrize("name", ["X-Key", "x-other"])
def test_no_rule_may_read_what_proves_the_sender_in_any_of_its_headers(name: str) -> None:
    text = mapping_text("header: [X-Key, X-Other]", f"when: header('{name}') == 'x'")

    assert "this expression reads the sender's proof" in problems_of(text)
    assert "" == problems_of(text.replace(f"header('{name}')", "header('X-Third')"))


DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc") | st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(DOCUMENTS, st.lists(st.sampled_from(["a", "b", "a.b", "a[].b", "[].a", "a[]", "b.c[].a"])))
def test_what_is_kept_is_the_document_as_json_whatever_it_is(document: Json, paths: list[str]) -> None:
    redaction = Redaction([path for text in paths if (read := read_path(text)[0]) for path in read.paths])

    kept = kept_of(redaction, b"raw", document, None)

    assert kept is not None
    assert redaction.of(document) == json.loads(kept.body, parse_float=Decimal)
