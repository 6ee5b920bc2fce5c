"""`extends`: what a mapping of one's own keeps of the shipped one's `verify`, and what it does not."""

import pytest

from bridge.mapping import Rule, parse
from bridge.model import Node

SHIPPED = """\
source: shop
verify:
  scheme: hmac
  header: X-Shop
  encoding: base64
  secret: ${SHOP_WEBHOOK_SECRET}
event:
  id: id
rules:
  - name: signed up
    track: lead
    event_name: signed_up
    fields: {click_id: click, customer_external_id: customer}
"""


def verify_of(own: str) -> dict[str, str]:
    """The `verify` section of a mapping that extends the shipped one."""
    mapping = parse(f"extends: shop\n{own}", file="own.yaml", base={"shop": SHIPPED}.get).mapping
    assert mapping is not None
    return {key.text: written(value) for key, value in mapping.verify.entries}


def written(value: Node) -> str:
    return value.text or ", ".join(item.text for item in value.items)


@pytest.mark.parametrize(
    ("own", "verify"),
    [
        ("", {"scheme": "hmac", "header": "X-Shop", "encoding": "base64", "secret": "${SHOP_WEBHOOK_SECRET}"}),
        (
            "verify: {secret: '${MY_SECRET}'}",
            {"scheme": "hmac", "header": "X-Shop", "encoding": "base64", "secret": "${MY_SECRET}"},
        ),
        (
            "verify: {header: [X-Mine, X-Shop]}",
            {
                "scheme": "hmac",
                "header": "X-Mine, X-Shop",
                "encoding": "base64",
                "secret": "${SHOP_WEBHOOK_SECRET}",
            },
        ),
        (
            "verify: {scheme: token, query: key, secret: '${MY_SECRET}'}",
            {"scheme": "token", "query": "key", "secret": "${MY_SECRET}"},
        ),
        ("verify: {scheme: hmac, header: X-Mine}", {"scheme": "hmac", "header": "X-Mine"}),
    ],
)
def test_keys_of_verify_merge_unless_a_scheme_is_said(own: str, verify: dict[str, str]) -> None:
    assert verify == verify_of(own)


WHOLE = """\
- name: signed up
  track: lead
  event_name: joined
  fields: {customer_external_id: person, click_id: cms_rf}
"""
PART = """\
- name: signed up
  fields: {customer_external_id: "lower(email)", customer_name: name}
"""
NEITHER = """\
- name: signed off
  fields: {customer_external_id: person}
"""


def rule_of(own: str) -> Rule:
    """The one rule of a mapping that extends the shipped one."""
    mapping = parse(f"extends: shop\nrules:\n{own}", file="own.yaml", base={"shop": SHIPPED}.get).mapping
    assert mapping is not None
    (rule,) = mapping.rules
    return rule


def texts(rule: Rule) -> dict[str, str]:
    return {key: expression.text for key, expression in rule.fields.items() if not expression.is_constant}


def test_a_rule_of_the_same_name_takes_the_place_of_the_shipped_one() -> None:
    assert {"click_id": "cms_rf", "customer_external_id": "person"} == texts(rule_of(WHOLE))


def test_one_that_does_not_say_what_it_makes_changes_what_it_names() -> None:
    assert {
        "click_id": "click",
        "customer_external_id": "lower(email)",
        "customer_name": "name",
    } == texts(rule_of(PART))


def test_a_change_of_a_rule_that_is_not_there_is_a_rule_without_track() -> None:
    parsed = parse(f"extends: shop\nrules:\n{NEITHER}", file="own.yaml", base={"shop": SHIPPED}.get)
    assert 'this rule has no "track"' in [problem.what for problem in parsed.problems]
    assert parsed.mapping is None


def test_what_is_wrong_with_a_change_is_shown_where_it_is_written() -> None:
    wrong = PART.replace("lower(email)", "lower(")
    problems = parse(f"extends: shop\nrules:\n{wrong}", file="own.yaml", base={"shop": SHIPPED}.get).problems
    assert ("own.yaml", 4) in [(problem.place.file, problem.place.line) for problem in problems]
