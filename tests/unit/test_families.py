"""Two families of Stripe's events in one set of mappings would count money twice: said at load, with its place."""

from pathlib import Path
from textwrap import dedent, indent

import pytest

from bridge import library
from bridge.errors import Problem, Severity

RULE = """
- name: {name}
  types: [{types}]
  track: {track}
  event_name: it_happened
  fields:
    click_id: data.object.metadata.click_id
    customer_external_id: data.object.customer
"""
MONEY = """
    invoice_id: data.object.id
    amount: data.object.amount
    currency: data.object.currency
  unit: stripe
"""


def a_rule(name: str, types: str, *, track: str = "sale", more: str = "") -> str:
    return RULE.format(name=name, types=types, track=track).rstrip() + (MONEY if track == "sale" else "\n") + more


def a_mapping(*rules: str, source: str = "stripe", base: str = "", scheme: str = "stripe") -> str:
    top = f"source: {source}\n" + (f"extends: {base}\n" if base else "")
    variable = "STRIPE_WEBHOOK_SECRET" if source == "stripe" else "OTHER_WEBHOOK_SECRET"
    scheme = f"{scheme}\n  header: X-Key" if scheme == "token" else scheme
    verify = f"verify:\n  scheme: {scheme}\n  secret: ${{{variable}}}\nevent:\n  type: type\n"
    return top + verify + "rules:\n" + indent("".join(rules).strip(), "  ") + "\n"


def told_twice(folder: Path, *texts: str, key: str = "", **variables: str) -> list[Problem]:
    """The problems of a folder with these mappings about money that is told twice."""
    for number, text in enumerate(texts):
        (folder / f"mapping{number}.yaml").write_text(dedent(text), encoding="utf-8")
    known = {"STRIPE_WEBHOOK_SECRET": "whsec_of_some_length"} | variables | ({"STRIPE_API_KEY": key} if key else {})
    loaded = library.load(shipped=library.shipped_folder(), folder=folder, lookup=known.get)
    assert [] == [problem for problem in loaded.errors if problem.code != "told-twice"]
    return [problem for problem in loaded.problems if problem.code == "told-twice"]


CHARGE = a_rule("my charges", "charge.succeeded")
INTENT = a_rule("my payments", "payment_intent.succeeded")
INVOICE = a_rule("my invoices", "invoice.paid")
BOTH = a_rule("everything", "invoice.paid, charge.succeeded")


def test_the_shipped_set_tells_nothing_twice(tmp_path: Path) -> None:
    assert [] == told_twice(tmp_path)


@pytest.mark.parametrize("rule", [CHARGE, INTENT], ids=["charge", "payment intent"])
def test_a_payment_added_to_checkouts_and_invoices_is_a_problem_where_it_stands(tmp_path: Path, rule: str) -> None:
    (problem,) = told_twice(tmp_path, a_mapping(rule, base="stripe"))

    assert Severity.PROBLEM is problem.severity
    assert 'tells the same money as "one-time checkout" once more' in problem.what
    assert (str(tmp_path / "mapping0.yaml"), 9, 5) == (problem.place.file, problem.place.line, problem.place.column)
    assert "STRIPE_API_KEY" in problem.fix


def test_every_rule_of_the_other_family_is_named(tmp_path: Path) -> None:
    found = told_twice(tmp_path, a_mapping(INVOICE, CHARGE, INTENT))

    assert ["my charges", "my payments"] == [problem.what.split('"')[1] for problem in found]


def test_a_rule_that_takes_both_by_itself_is_a_problem(tmp_path: Path) -> None:
    (problem,) = told_twice(tmp_path, a_mapping(BOTH))

    assert 'the rule "everything" tells each payment twice' == problem.what


ALLOWED = {
    "one family alone": a_mapping(CHARGE, INTENT),
    "a lead is no money": a_mapping(INVOICE, a_rule("a lead", "charge.succeeded", track="lead")),
    "a namespace of its own says other payments": a_mapping(
        INVOICE, a_rule("tips", "charge.succeeded", more="  once_namespace: tips\n")
    ),
    "another sender's names mean nothing": a_mapping(INVOICE, CHARGE, source="other", scheme="token"),
}


@pytest.mark.parametrize("text", ALLOWED.values(), ids=ALLOWED)
def test_what_tells_nothing_twice_is_let_be(tmp_path: Path, text: str) -> None:
    assert [] == told_twice(tmp_path, text)


def test_with_an_api_key_the_names_are_joined_and_both_may_be(tmp_path: Path) -> None:
    assert [] == told_twice(tmp_path, a_mapping(INVOICE, CHARGE), key="rk_live_1")


SHARED = "  once_namespace: stripe\n"
OTHER = a_mapping(a_rule("other charges", "charge.succeeded", more=SHARED), source="other")


def test_two_sources_of_one_namespace_are_a_problem(tmp_path: Path) -> None:
    (problem,) = told_twice(tmp_path, OTHER, OTHER_WEBHOOK_SECRET="whsec_of_the_other_one")

    assert Severity.PROBLEM is problem.severity
    assert '"other" and "stripe" tell the same money' in problem.what


def test_a_source_that_is_off_tells_nothing(tmp_path: Path) -> None:
    assert [] == told_twice(tmp_path, OTHER)


def test_two_sources_of_two_namespaces_are_two_accounts(tmp_path: Path) -> None:
    other = a_mapping(CHARGE, source="other")

    assert [] == told_twice(tmp_path, other, OTHER_WEBHOOK_SECRET="whsec_of_the_other_one")
