"""The schema and the parser agree: what one finds out of place, the other does.

Structural is what a schema can say at all: which keys there are, what type and which words stand under them, what must
stand beside what. Outside stay whether an expression can work, names that clash, what refers to something else, and
what one axis of an hmac means for another; `OUTSIDE` lists those problems.
"""

import json
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from bridge import schema, sources
from bridge.drafts import shapes
from bridge.errors import Problem, Severity
from bridge.mapping import attribution, example_parser, glossary, notify, parse, parser, rule_parser
from bridge.mapping.rules import LEAD_FIELDS, RECORD_FIELDS, SALE_FIELDS
from bridge.sources.hmac_parser import AXES

ROOT = Path(__file__).parents[2]
VALIDATOR = Draft202012Validator(schema.document())

#: Problems that no schema of ours speaks of; every other one is structural.
OUTSIDE = {
    # YAML before it is a document, and its bounds
    *("yaml", "too-large", "too-deep"),
    # expressions: whether one can work
    *(
        "expression",
        "bare-word",
        "unknown-function",
        "arity",
        "argument",
        "comparison",
        "constant",
        "constant-condition",
        "slice",
        "to-number",
        "precedence",
    ),
    "credential",
    # whether there is money of that name, or of that amount
    *("currency", "amount"),
    # names that clash, or that refer to something else
    *("duplicate", "duplicate-name", "no-base"),
    # what one axis of `verify` means for another
    *("no-place", "two-places", "not-signed", "one-header-twice", "no-such-part", "tolerance-without-time"),
    *("unknown-placeholder", "stray-brace", "borderless-id", "pasted-timestamp", "secret-in-template", "unused-token"),
    *("separator", "pattern"),
}

TEXTS = ("name", "webhook", "rule", "event_name", "customer_name")


def as_yaml(value: Any) -> str:
    """The value as YAML on one line: JSON, but that nothing is written where there is nothing."""
    match value:
        case None:
            return ""
        case dict():
            return "{" + ", ".join(f"{json.dumps(key)}: {as_yaml(item)}" for key, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(as_yaml(item) or "''" for item in value) + "]"
        case _:
            return json.dumps(value)


def problems_of(document: Any) -> list[Problem]:
    """Every real problem the two parsers have with it."""
    text = as_yaml(document)
    parsed = parse(text, file="a.yaml", base=lambda name: BASE if name == "stripe" else None)
    problems = [problem for problem in parsed.problems if problem.severity is Severity.PROBLEM]
    if parsed.mapping is not None:
        problems += [p for p in sources.parse(parsed.mapping.verify)[1] if p.severity is Severity.PROBLEM]
    return problems


def accepts(document: Any) -> bool:
    return bool(VALIDATOR.is_valid(document))


def a_sale(**changes: Any) -> dict[str, Any]:
    rule = {
        "name": "paid order",
        "track": "sale",
        "event_name": "purchase_completed",
        "fields": {"customer_external_id": "customer", "invoice_id": "id", "amount": "total", "currency": "currency"},
        "unit": "minor",
    }
    return changed(rule, changes)


def a_lead(**changes: Any) -> dict[str, Any]:
    rule = {
        "name": "signed up",
        "track": "lead",
        "event_name": "signed_up",
        "fields": {"customer_external_id": "customer", "click_id": "click"},
    }
    return changed(rule, changes)


def a_refund(**changes: Any) -> dict[str, Any]:
    rule = {
        "name": "refund",
        "record": "refund",
        "fields": {"of": ["order", "payment"], "amount": "total", "currency": "currency"},
        "unit": "minor",
    }
    return changed(rule, changes)


def a_document(**changes: Any) -> dict[str, Any]:
    document = {
        "source": "shop",
        "verify": {"scheme": "token", "header": "X-Key", "secret": "${SHOP_WEBHOOK_SECRET}"},
        "rules": [a_lead()],
    }
    return changed(document, changes)


GONE = object()


def changed(given: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in (given | changes).items() if value is not GONE}


BASE = as_yaml(a_document(source="stripe"))

#: The longest and the shortest of each unit, and what lies just beyond.
WAITS = ("1s", "604799s", "604800s", "599999s", "10080m", "9999m", "168h", "99h", "7d")
NO_WAITS = (
    "0s",
    "604801s",
    "604900s",
    "1000000s",
    "10081m",
    "169h",
    "8d",
    "010m",
    "10",
    "1.5h",
    "10 m",
    "10min",
    "P1D",
)

VALID: dict[str, Any] = {
    "the least": a_document(),
    "a sale": a_document(rules=[a_sale()]),
    "both": a_document(rules=[a_sale(), a_lead()]),
    "types": a_document(event={"type": "type"}, rules=[a_lead(types=["a", "b"])]),
    "one type": a_document(event={"type": "type"}, rules=[a_lead(types="a")]),
    "every key of event": a_document(event=dict.fromkeys(parser.EVENT_KEYS, "a.b")),
    "a flag as text": a_document(send_test="true"),
    "a flag": a_document(send_test=False, rules=[a_lead(stop=True)]),
    "a number as a name": a_document(rules=[a_lead(name=42)]),
    "a constant": a_document(rules=[a_sale(fields=a_sale()["fields"] | {"currency": {"value": "USD"}})]),
    "an event name among the fields": a_document(
        rules=[a_lead(event_name=GONE, fields={"customer_external_id": "a", "event_name": "b"})]
    ),
    "once per one": a_document(rules=[a_lead(once_per="a")]),
    "once per several": a_document(rules=[a_lead(once_per=["a", "b"])]),
    "deferred": a_document(rules=[a_lead(mode="deferred")]),
    "a refund": a_document(rules=[a_refund()]),
    "a dispute of one name": a_document(
        rules=[
            a_refund(record="dispute", fields=a_refund()["fields"] | {"of": "order", "timestamp": "at"}, once_per="id")
        ]
    ),
    "a wait": a_document(rules=[a_lead(wait={"for": "click_id", "up_to": "10m"})]),
    "a usual wait": a_document(rules=[a_lead(without_click_id="wait")]),
    "a wait said twice": a_document(rules=[a_lead(without_click_id="wait", wait={"for": "click_id", "up_to": "7d"})]),
    **{f"a wait of {span}": a_document(rules=[a_lead(wait={"for": "click_id", "up_to": span})]) for span in WAITS},
    "fill nothing": a_document(rules=[a_sale(fill=[])]),
    "fill by customer": a_document(rules=[a_sale(fill="customer")]),
    "fill by address": a_document(
        rules=[a_sale(fill=["email", "customer"], fields=a_sale()["fields"] | {"customer_email": "mail"})]
    ),
    "an expected refund": a_document(
        examples=[{"name": "x", "webhook": "x.json", "expect": [{"record": "refund", "amount": 5, "of": "in_1, pi_1"}]}]
    ),
    "every choice": a_document(rules=[a_lead(without_click_id="send", when_unsure="hold", once_namespace="shops")]),
    "an expectation": a_document(
        examples=[{"name": "x", "webhook": "x.json", "expect": [{"amount": 1, "click_id": None, "mode": "deferred"}]}]
    ),
    "an empty expectation": a_document(examples=[{"name": "x", "webhook": "x.json", "expect": [{}]}]),
    "ignored": a_document(examples=[{"name": "x", "webhook": "x.json", "expect": "ignored"}]),
    "paths to redact": a_document(redact=["a", "a.b[].c", "[].a", 'a."b \\" c"[]', "a[][]"]),
    "a path to redact": a_document(redact="a.b"),
    "extends alone": {"extends": "stripe"},
    "extends with a secret": {"extends": "stripe", "source": "eu", "verify": {"secret": "${X}"}},
    "extends with a change of a rule": {"extends": "stripe", "rules": [{"name": "signed up", "when": "a"}]},
    "extends with types": {"extends": "stripe", "event": {"type": "kind"}, "rules": [a_lead(name="x", types="a")]},
    "a preset": a_document(verify={"scheme": "typeform", "secret": "${X}"}),
    "a preset with an axis": a_document(verify={"scheme": "paddle", "secret": "${X}", "tolerance": 5}),
    "two secrets": a_document(verify={"scheme": "stripe", "secret": ["${X}", "${Y}"]}),
    "every axis": a_document(
        verify={
            "scheme": "hmac",
            "secret": "${X}",
            "header": "X-Sign",
            "pattern": "v1={signature}",
            "algorithm": "sha512",
            "encoding": "base64",
            "key": "hex",
            "signed": "{id}.{timestamp}.{body}",
            "timestamp": {"header": "X-Time", "unit": "ms"},
            "tolerance": "300",
            "id": {"header": "X-Id"},
        }
    ),
    "a token in the query": a_document(verify={"scheme": "token", "secret": "${X}", "query": "key"}),
    "a token in the path": a_document(verify={"scheme": "token", "secret": "${X}", "path": True}),
    "a token with a prefix": a_document(
        verify={"scheme": "token", "secret": "${X}", "header": "Authorization", "prefix": "Bearer "}
    ),
    "basic": a_document(verify={"scheme": "basic", "secret": "${X}"}),
    "nothing to prove": a_document(verify={"scheme": "none"}),
}

INVALID: dict[str, Any] = {
    "no map": [],
    "text": "source",
    "nothing": None,
    "no source": a_document(source=GONE),
    "no verify": a_document(verify=GONE),
    "no rules": a_document(rules=GONE),
    "an unknown key": a_document(sauce="shop"),
    "a path of a number": a_document(redact=7),
    "a path that ends too early": a_document(redact=["a."]),
    "a path with two names and no dot": a_document(redact=["a[]b"]),
    "a path with an open quote": a_document(redact=['a."b']),
    "a source in capitals": a_document(source="Shop"),
    "a source of 65 letters": a_document(source="a" * 65),
    "a source with a leading hyphen": a_document(source="-a"),
    "a source that is a list": a_document(source=["shop"]),
    "no rule": a_document(rules=[]),
    "a rule that is text": a_document(rules=["a"]),
    "rules that are a map": a_document(rules=a_lead()),
    "event that is text": a_document(event="id"),
    "an unknown key of event": a_document(event={"kind": "a"}),
    "an expression that is a list": a_document(event={"id": ["a"]}),
    "an expression that is empty": a_document(event={"id": ""}),
    "an expression that is missing": a_document(event={"id": None}),
    "types without a type": a_document(rules=[a_lead(types=["a"])]),
    "no type": a_document(event={"type": "type"}, rules=[a_lead(types=[])]),
    "a type that is a map": a_document(event={"type": "type"}, rules=[a_lead(types=[{}])]),
    "no name": a_document(rules=[a_lead(name=GONE)]),
    "no track": a_document(rules=[a_lead(track=GONE)]),
    "another track": a_document(rules=[a_lead(track="purchase")]),
    "no fields": a_document(rules=[a_lead(fields=GONE)]),
    "fields that are text": a_document(rules=[a_lead(fields="a")]),
    "an unknown field": a_document(rules=[a_lead(fields={"customer_external_id": "a", "email": "b"})]),
    "a lead without a customer": a_document(rules=[a_lead(fields={"click_id": "a"})]),
    "a lead with an amount": a_document(rules=[a_lead(fields={"customer_external_id": "a", "amount": "b"})]),
    "a lead with a unit": a_document(rules=[a_lead(unit="minor")]),
    "a sale without a unit": a_document(rules=[a_sale(unit=GONE)]),
    "a sale in cents": a_document(rules=[a_sale(unit="cents")]),
    "a sale without an amount": a_document(rules=[a_sale(fields={"customer_external_id": "a"})]),
    "a deferred sale": a_document(rules=[a_sale(mode="deferred")]),
    "a deferred lead without a click": a_document(
        rules=[a_lead(mode="deferred", fields={"customer_external_id": "a"})]
    ),
    "a deferred lead that is sent anyway": a_document(rules=[a_lead(mode="deferred", without_click_id="send")]),
    "a refund of nothing": a_document(rules=[a_refund(fields={"amount": "a", "currency": "b"})]),
    "a refund without a unit": a_document(rules=[a_refund(unit=GONE)]),
    "a refund of a click": a_document(rules=[a_refund(fields=a_refund()["fields"] | {"click_id": "a"})]),
    "a sale of names": a_document(rules=[a_sale(fields=a_sale()["fields"] | {"of": "a"})]),
    "a refund that is tracked": a_document(rules=[a_refund(track="sale")]),
    "a refund with an event's name": a_document(rules=[a_refund(event_name="refunded")]),
    "a refund that waits": a_document(rules=[a_refund(without_click_id="wait")]),
    "another record": a_document(rules=[a_refund(record="chargeback")]),
    "a tracked refund": a_document(rules=[a_sale(track="refund")]),
    "a wait that is skipped": a_document(
        rules=[a_lead(without_click_id="skip", wait={"for": "click_id", "up_to": "10m"})]
    ),
    "a deferred lead that waits": a_document(rules=[a_lead(mode="deferred", wait={"for": "click_id", "up_to": "10m"})]),
    "a wait of text": a_document(rules=[a_lead(wait="10m")]),
    "a wait for something else": a_document(rules=[a_lead(wait={"for": "email", "up_to": "10m"})]),
    "a wait for nothing": a_document(rules=[a_lead(wait={"up_to": "10m"})]),
    "a wait for ever": a_document(rules=[a_lead(wait={"for": "click_id"})]),
    **{f"a wait of {span}": a_document(rules=[a_lead(wait={"for": "click_id", "up_to": span})]) for span in NO_WAITS},
    "a lead that is filled": a_document(rules=[a_lead(fill="customer")]),
    "fill by something else": a_document(rules=[a_sale(fill=["phone"])]),
    "fill by an address that is not read": a_document(rules=[a_sale(fill=["customer", "email"])]),
    "no event name": a_document(rules=[a_lead(event_name=GONE)]),
    "two event names": a_document(rules=[a_lead(fields={"customer_external_id": "a", "event_name": "b"})]),
    "an event name that is an expression": a_document(rules=[a_lead(event_name="a == 'b' && 'c' || 'd'")]),
    "an event name that is a template": a_document(rules=[a_lead(event_name="{{ plan }}")]),
    "an event name of two lines": a_document(rules=[a_lead(event_name="a\nb")]),
    "an event name of 256 letters": a_document(rules=[a_lead(event_name="a" * 256)]),
    "a constant with another key": a_document(
        rules=[a_lead(fields={"customer_external_id": {"value": "a", "or": "b"}})]
    ),
    "a flag that is no flag": a_document(rules=[a_lead(stop="yes")]),
    "an example without a webhook": a_document(examples=[{"name": "x", "expect": "ignored"}]),
    "an unknown state": a_document(examples=[{"name": "x", "webhook": "x", "expect": "accepted"}]),
    "a single expectation": a_document(examples=[{"name": "x", "webhook": "x", "expect": {}}]),
    "no expectation": a_document(examples=[{"name": "x", "webhook": "x", "expect": []}]),
    "an unknown expectation": a_document(examples=[{"name": "x", "webhook": "x", "expect": [{"email": "a"}]}]),
    "an amount with decimals": a_document(examples=[{"name": "x", "webhook": "x", "expect": [{"amount": "49.99"}]}]),
    "a negative amount": a_document(examples=[{"name": "x", "webhook": "x", "expect": [{"amount": -1}]}]),
    "verify that is text": a_document(verify="stripe"),
    "no scheme": a_document(verify={"secret": "${X}"}),
    "an unknown scheme": a_document(verify={"scheme": "stirpe", "secret": "${X}"}),
    "no secret": a_document(verify={"scheme": "stripe"}),
    "no secret in a list": a_document(verify={"scheme": "stripe", "secret": []}),
    "hmac without a header": a_document(verify={"scheme": "hmac", "secret": "${X}"}),
    "an axis of hmac on stripe": a_document(verify={"scheme": "stripe", "secret": "${X}", "header": "a"}),
    "a secret for nothing": a_document(verify={"scheme": "none", "secret": "${X}"}),
    "a token nowhere": a_document(verify={"scheme": "token", "secret": "${X}"}),
    "a token in two places": a_document(verify={"scheme": "token", "secret": "${X}", "query": "a", "header": "b"}),
    "a token in two headers": a_document(verify={"scheme": "token", "secret": "${X}", "header": ["a", "b"]}),
    "a prefix without a header": a_document(verify={"scheme": "token", "secret": "${X}", "query": "a", "prefix": "b"}),
    "a header with a space": a_document(verify={"scheme": "hmac", "secret": "${X}", "header": "X Sign"}),
    "another hash": a_document(verify={"scheme": "hmac", "secret": "${X}", "header": "a", "algorithm": "md5"}),
    "a pattern without a signature": a_document(
        verify={"scheme": "hmac", "secret": "${X}", "header": "a", "pattern": "sha256="}
    ),
    "signed without the body": a_document(
        verify={"scheme": "hmac", "secret": "${X}", "header": "a", "signed": "{method}"}
    ),
    "no tolerance": a_document(verify={"scheme": "calendly", "secret": "${X}", "tolerance": 0}),
    "extends with a change of nothing named": {"extends": "stripe", "rules": [{"when": "a"}]},
    "extends with half a new rule": {"extends": "stripe", "rules": [{"name": "x", "track": "lead"}]},
    "extends with an unknown key in a change": {"extends": "stripe", "rules": [{"name": "signed up", "wen": "a"}]},
    "extends with another scheme and no secret": {"extends": "stripe", "verify": {"scheme": "stirpe"}},
}


@pytest.mark.parametrize("document", VALID.values(), ids=VALID)
def test_what_is_sound_is_sound_to_both(document: Any) -> None:
    assert ([], []) == (
        list(map(str, problems_of(document))),
        [error.message for error in VALIDATOR.iter_errors(document)],
    )


@pytest.mark.parametrize("document", INVALID.values(), ids=INVALID)
def test_what_is_out_of_place_is_so_to_both(document: Any) -> None:
    assert [problem for problem in problems_of(document) if problem.code not in OUTSIDE]
    assert not accepts(document)


def test_a_change_of_a_rule_that_is_not_there_is_for_check_to_find() -> None:
    document = {"extends": "stripe", "rules": [{"name": "no such rule", "when": "a"}]}
    assert ("missing-key", True) == (problems_of(document)[0].code, accepts(document))


# Documents made of the tables ------------------------------------------------------------------------------------

NAMES = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
#: What people write for values stands alone nowhere.
VALUES = ("true", "false", "null", "yes", "no", "on", "off", "y", "n", "nil", "undefined")
#: A currency's code alone is taken for the code, and refused as a path.
PATHS = st.lists(
    NAMES.filter(lambda name: name not in VALUES and not shapes.is_currency(name)), min_size=1, max_size=3
).map(".".join)
SPANS = st.sampled_from(["1m", "90m", "26h", "7d", " 999d "])
WRONG: tuple[Any, ...] = ({}, [], {"odd": "b"}, ["b", ["c"]], True, 7, -7, None, "", "some words", "Nonsense!")


def subset(kinds: dict[str, Any], required: tuple[str, ...]) -> st.SearchStrategy[dict[str, Any]]:
    optional = {key: kind for key, kind in kinds.items() if key not in required}
    return st.fixed_dictionaries({key: kinds[key] for key in required}, optional=optional)


def rules_of(track: str) -> st.SearchStrategy[dict[str, Any]]:
    """A rule with any keys of the parser's table that go with its track."""
    known = SALE_FIELDS if track == "sale" else LEAD_FIELDS
    fields = {key: PATHS | NAMES.map(lambda text: {"value": text}) for key in known if key != "event_name"}
    if track == "sale":
        fields |= {"currency": PATHS | st.just({"value": "USD"}), "amount": PATHS | st.just({"value": "49.99"})}
    kinds: dict[str, Any] = dict.fromkeys(rule_parser.KEYS, PATHS) | {
        "name": st.uuids().map(str),
        "types": st.lists(NAMES, min_size=1, unique=True),
        "track": st.just(track),
        "event_name": NAMES,
        "fields": subset(fields, rule_parser.NEEDED[track]),
        "unit": st.sampled_from(["minor", "major", "stripe"]),
        "once_per": PATHS | st.lists(PATHS, min_size=1),
        "once_namespace": NAMES,
        "stop": st.booleans(),
        "without_click_id": st.sampled_from(["skip", "send", "wait"]),
        "when_unsure": st.sampled_from(["repeat", "hold"]),
        "silence": SPANS,
    }
    for key in ("mode", "record", "wait", "fill", *(["unit"] if track == "lead" else [])):
        del kinds[key]
    return subset(kinds, tuple(key for key in ("name", "track", "event_name", "fields", "unit") if key in kinds))


def records_of(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """A rule that records, with any of the keys it may have."""
    fields = dict.fromkeys(RECORD_FIELDS, PATHS) | {"of": PATHS | st.lists(PATHS, min_size=1)}
    kinds: dict[str, Any] = {
        "name": st.uuids().map(str),
        "types": st.lists(NAMES, min_size=1, unique=True),
        "for_each": PATHS,
        "when": PATHS,
        "record": st.just(kind),
        "fields": subset(fields, rule_parser.NEEDED[kind]),
        "unit": st.sampled_from(["minor", "major", "stripe"]),
        "once_per": PATHS | st.lists(PATHS, min_size=1),
        "once_namespace": NAMES,
        "stop": st.booleans(),
    }
    return subset(kinds, ("name", "record", "fields", "unit"))


RULES = st.sampled_from(["lead", "sale"]).flatmap(rules_of) | st.sampled_from(rule_parser.RECORDS).flatmap(records_of)


EXPECTATIONS = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(example_parser.EXPECTED, NAMES | st.none())
    | {
        "track": st.sampled_from(["lead", "sale"]),
        "record": st.sampled_from(["refund", "dispute"]),
        "mode": st.just("deferred") | st.none(),
        "amount": st.integers(0, 10**15 - 1),
        "timestamp": st.just("2026-04-10T12:34:56Z"),
    },
)
EXAMPLES = st.fixed_dictionaries(
    {
        "name": st.uuids().map(str),
        "webhook": NAMES,
        "expect": st.sampled_from(["ignored", "unmapped"]) | st.lists(EXPECTATIONS, min_size=1, max_size=3),
    }
)
SECRET = {"secret": "${X}"}
PROOFS = st.sampled_from(
    [
        *({"scheme": name, **SECRET} for name in sources.SCHEMES if name not in ("none", "token", "hmac")),
        *(VALID[name]["verify"] for name in ("the least", "a token in the query", "a token in the path", "every axis")),
        {"scheme": "none"},
    ]
)
DOCUMENTS = subset(
    {
        "source": NAMES,
        "verify": PROOFS,
        "event": subset(dict.fromkeys(parser.EVENT_KEYS, PATHS), ("type",)),
        "send_test": st.booleans(),
        "silence": SPANS,
        "notify": st.fixed_dictionaries(
            {"url": st.just("${X}")},
            optional={
                "secret": st.just("${Y}"),
                "format": st.sampled_from(["slack", "generic"]),
                "on": st.lists(st.sampled_from(["dead", "silent", "gaps"]), min_size=1, unique=True),
            },
        ),
        "rules": st.lists(RULES, min_size=1, max_size=3),
        "examples": st.lists(EXAMPLES, min_size=1, max_size=2),
    },
    ("source", "verify", "event", "rules"),
)


def holders(value: Any) -> list[Any]:
    """Every map and list inside."""
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    found = [value] if isinstance(value, dict | list) else []
    return found + [holder for item in inner for holder in holders(item)]


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """A sound document with one thing in it that may not be."""
    document = deepcopy(draw(DOCUMENTS))
    holder = draw(st.sampled_from(holders(document)))
    keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
    kind = draw(st.sampled_from(["gone", "unknown", "wrong", "wrong"]))
    if isinstance(holder, dict) and (kind == "unknown" or not keys):
        names = sorted({*parser.KEYS, *parser.EVENT_KEYS, *rule_parser.KEYS, *SALE_FIELDS, "of", *AXES, "nonsense"})
        holder[draw(st.sampled_from(names))] = draw(PATHS | st.sampled_from(WRONG))
    elif kind == "gone" and keys:
        del holder[draw(st.sampled_from(keys))]
    elif keys:
        holder[draw(st.sampled_from(keys))] = draw(st.sampled_from(WRONG))
    return document


@given(DOCUMENTS)
@settings(max_examples=60, deadline=None)
def test_what_the_tables_allow_both_accept(document: dict[str, Any]) -> None:
    assert [] == [str(problem) for problem in problems_of(document)]
    assert [] == [error.message for error in VALIDATOR.iter_errors(document)]


@given(mutated())
@settings(max_examples=150, deadline=None)
def test_whatever_is_changed_both_say_the_same(document: dict[str, Any]) -> None:
    problems = problems_of(document)
    structural = [str(problem) for problem in problems if problem.code not in OUTSIDE]
    errors = [error.message for error in VALIDATOR.iter_errors(document)]

    assert not structural or errors, structural
    assert problems or not errors, errors


# The file --------------------------------------------------------------------------------------------------------


def test_the_shipped_schema_is_the_one_in_force() -> None:
    shipped = (ROOT / "mappings" / schema.FILE).read_text(encoding="utf-8")
    assert schema.text() == shipped, "write it anew: trackbridge schema --output mappings/mapping.schema.json"


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(schema.document())


@cache
def _as_json(file: Path) -> Any:
    """The mapping as an editor sees it: YAML 1.2, where a date and the word yes are text."""

    class Loader(yaml.SafeLoader):
        pass

    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in kinds if not tag.endswith(("timestamp", "bool"))]
        for first, kinds in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    return yaml.load(file.read_text(encoding="utf-8"), Loader)


MAPPINGS = sorted((ROOT / "mappings").glob("*.yaml"))


@pytest.mark.parametrize("file", MAPPINGS, ids=lambda file: file.stem)
def test_a_shipped_mapping_is_sound_to_an_editor(file: Path) -> None:
    assert [] == [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(_as_json(file))]


def test_every_key_has_its_sentence_and_no_other() -> None:
    assert {*parser.KEYS} <= glossary.MAPPING.keys()
    assert {*parser.EVENT_KEYS} <= glossary.EVENT.keys()
    assert {*rule_parser.KEYS} == glossary.RULE.keys()
    assert {*SALE_FIELDS, *RECORD_FIELDS} == glossary.FIELD.keys()
    assert {*attribution.WAIT_KEYS} == glossary.WAIT.keys()
    assert {*example_parser.EXPECTED} == glossary.EXPECTED.keys()
    assert {*notify.KEYS} == glossary.NOTIFY.keys()
    assert {*AXES} <= schema.WORDS.keys()
