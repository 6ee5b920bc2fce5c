"""What --update writes: the values that differ, in their place and style, and nothing else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.mapping import apply, compare, verdict
from bridge.mapping.rewrite import updated
from bridge.mapping.yaml_text import text as yaml_text
from bridge.model import Json
from tests.unit.mapping.factories import LEAD, MAPPING, a_webhook, an_order, parsed, proven

HEAD = MAPPING.partition("examples:")[0]
#: A sale with every expected field, as it is written where there was none.
FULL = """\
      - track: sale
        event_name: purchase_completed
        click_id: click_1
        customer_external_id: cus_1
        invoice_id: in_1
        amount: 4999
        currency: USD
"""
IN_FLOW = (
    "{track: sale, event_name: purchase_completed, click_id: click_1, customer_external_id: cus_1, "
    "invoice_id: in_1, amount: 4999, currency: USD}"
)


def rewritten(text: str, document: Json) -> str:
    """The text after its first example was made to expect what comes of the document; it then holds."""
    mapping = parsed(text).mapping
    assert mapping is not None, parsed(text).problems
    meanings = apply(mapping, proven(a_webhook(document)), document)
    after = updated(text, mapping.examples[0], verdict(mapping.examples[0], meanings), meanings)
    again = parsed(after).mapping
    assert again is not None, after
    assert [] == compare(again.examples[0], meanings), after
    return after


def an_example(expect: str) -> str:
    return f"examples:\n  - name: a paid order\n    webhook: paid.json\n    expect:{expect}"


PAID = an_order()
OPEN = an_order(status="open")
TWO = HEAD.replace("event:\n", "event:\n  for_each: '@'\n")


@pytest.mark.parametrize(
    ("before", "document", "after"),
    [
        (" [{amount: 1, currency: USD}]  # why\n", PAID, " [{amount: 4999, currency: USD}]  # why\n"),
        (" [{click_id: 'x', currency: \"EUR\"}]\n", PAID, " [{click_id: 'click_1', currency: \"USD\"}]\n"),
        ("\n      - amount: 1   # so\n        # and so\n", PAID, "\n      - amount: 4999   # so\n        # and so\n"),
        ("\n      - click_id:\n        amount: 4999\n", PAID, "\n      - click_id: click_1\n        amount: 4999\n"),
        (" [{click_id: click_1}]\n", an_order(click=None), " [{click_id: null}]\n"),
        ("\n      - click_id: >-\n          x\n          y\n", PAID, "\n      - click_id: click_1\n"),
        (" ignored  # no\n", OPEN | {"order": None, "status": "paid"}, " unmapped  # no\n"),
        ("  # why\n      - amount: 4999\n        currency: USD\n", OPEN, " ignored  # why\n"),
        (" [{amount: 4999}]\n", OPEN, " ignored\n"),
        (" ignored\n", PAID, "\n" + FULL),
        (" ignored", PAID, ("\n" + FULL).rstrip("\n")),
    ],
    ids=[
        "a value in brackets",
        "quotes stay",
        "a value below a dash",
        "nothing before",
        "nothing now",
        "a folded value",
        "unmapped",
        "ignored, below",
        "ignored, in brackets",
        "a list where there was none",
        "without a last line end",
    ],
)  # fmt: skip
def test_only_what_differs_is_written(before: str, document: Json, after: str) -> None:
    assert HEAD + an_example(after) == rewritten(HEAD + an_example(before), document)


@pytest.mark.parametrize(
    ("before", "documents", "after"),
    [
        (
            "\n      # one\n      - amount: 4999\n      # two\n      - amount: 5\n      # end\n",
            [PAID],
            "\n      # one\n      - amount: 4999\n      # two\n      # end\n",
        ),
        (
            "\n      - amount: 5\n      - amount: 4999  # second\n",
            [PAID],
            "\n      - amount: 4999  # second\n",
        ),
        ("\n      - amount: 4999\n", [PAID, PAID], f"\n      - amount: 4999\n{FULL}"),
        (
            "\n      - amount: 7\n",
            [PAID, an_order(total=7)],
            f"\n{FULL}      - amount: 7\n",
        ),
        (" [{amount: 4999}, {amount: 5}]\n", [PAID], " [{amount: 4999}]\n"),
        (" [{amount: 4999}]\n", [PAID, PAID], f" [{{amount: 4999}}, {IN_FLOW}]\n"),
    ],
    ids=["one less", "the first less", "one more", "one more before", "less in brackets", "more in brackets"],
)
def test_conversions_come_and_go(before: str, documents: list[Json], after: str) -> None:
    assert TWO + an_example(after) == rewritten(TWO + an_example(before), documents)


def test_an_example_in_brackets_stays_in_brackets() -> None:
    before = "examples:\n  - {name: a, webhook: b, expect: ignored}\n"
    assert f"{HEAD}examples:\n  - {{name: a, webhook: b, expect: [{IN_FLOW}]}}\n" == rewritten(HEAD + before, PAID)


def test_line_ends_stay_as_they_are() -> None:
    text = (HEAD + an_example(" ignored\n")).replace("\n", "\r\n")
    assert (HEAD + an_example("\n" + FULL)).replace("\n", "\r\n") == rewritten(text, PAID)


def test_the_right_one_of_several_examples_is_written() -> None:
    other = "  - name: another\n    webhook: b\n    expect: ignored\n"
    text = HEAD + an_example(" [{amount: 1}]\n") + other
    assert text.replace("amount: 1", "amount: 4999") == rewritten(text, PAID)


def test_an_example_that_is_not_there_is_an_error() -> None:
    mapping = parsed(MAPPING).mapping
    assert mapping is not None
    meanings = apply(mapping, proven(a_webhook(PAID)), PAID)
    with pytest.raises(LookupError):
        updated(LEAD, mapping.examples[0], verdict(mapping.examples[0], meanings), meanings)


@given(st.text(min_size=1, max_size=30))
@settings(max_examples=200, deadline=None)
def test_whatever_text_came_is_read_back_as_it_is(text: str) -> None:
    order = an_order(click=text)
    rewritten(HEAD + an_example(" [{click_id: x}]\n"), order)
    rewritten(HEAD + an_example("\n      - click_id: 'x'\n"), order)
    rewritten(HEAD + an_example(" ignored\n"), order)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Ada Lovelace", "Ada Lovelace"),
        ("in_1", "in_1"),
        ("77", '"77"'),
        ("4.5", '"4.5"'),
        ("null", '"null"'),
        ("yes", '"yes"'),
        ("2026-04-10", '"2026-04-10"'),
        ("a: b", '"a: b"'),
        ("a #b", '"a #b"'),
        ("- a", '"- a"'),
        ("a, b", '"a, b"'),
        ("", '""'),
        ("ada@example.com", "ada@example.com"),
        ("Zoë", "Zoë"),
        ("O'Neil", "O'Neil"),
        ("https://a.example/b", "https://a.example/b"),
    ],
)
def test_text_is_quoted_where_yaml_would_read_something_else(text: str, written: str) -> None:
    assert written == yaml_text(text)
