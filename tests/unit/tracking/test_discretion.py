"""Nothing of a person in what is kept of an answer, in whatever spelling the tracker repeats it."""

import html
import json
from datetime import UTC, datetime
from time import perf_counter
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.model import Lead
from bridge.tracking.answer import Answer, outcome, read
from bridge.tracking.discretion import hider

NOW = datetime(2026, 4, 10, 12, 0, 0, tzinfo=UTC)
EMAIL, NAME, CUSTOMER = "zoe+shop@post.example", "Zoë Brandt", "cus_QX81"


def a_lead(**changes: Any) -> Lead:
    fields = {
        "event_name": "signup",
        "customer_external_id": CUSTOMER,
        "customer_email": EMAIL,
        "customer_name": NAME,
        "timestamp": NOW,
    }
    return Lead(**{**fields, **changes})


def hidden(text: str, *, secrets: tuple[str, ...] = (), **person: Any) -> str:
    return hider(a_lead(**person), secrets=secrets)(text)


def escaped(text: str) -> str:
    """Every character as JSON may write it."""
    units = text.encode("utf-16-be").hex()
    return "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4))


SPELLINGS = {
    "as it is": str,
    "upper case": str.upper,
    "JSON": lambda text: json.dumps(text)[1:-1],
    "every character as a JSON escape": escaped,
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)),
    "percent-encoded": quote,
    "every byte percent-encoded": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "a form's value": quote_plus,
    "percent-encoded twice": lambda text: quote(quote(text)),
    "HTML": lambda text: html.escape(text).replace("@", "&#64;").replace("ë", "&euml;"),
    "HTML in JSON": lambda text: json.dumps("".join(f"&#x{ord(char):x};" for char in text)),
    "a form's value in upper case JSON": lambda text: json.dumps(quote_plus(text).upper()),
}


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize(
    ("word", "blank"), [(EMAIL, "[e-mail]"), (NAME, "[…]"), (CUSTOMER, "[…]")], ids=["e-mail", "name", "customer"]
)
def test_a_person_is_blanked_in_every_spelling(word: str, blank: str, spell: Any) -> None:
    spelled = spell(word)
    bare = spelled.strip('"').removeprefix('\\"').removesuffix("\\")

    assert spelled.replace(bare, blank) == hidden(spelled)
    assert f'{{"error": "no <{spelled.replace(bare, blank)}> here"}}' == hidden(f'{{"error": "no <{spelled}> here"}}')


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        pytest.param("who is [e-mail]?", "who is somebody.else@example.com?", id="somebody else's address"),
        pytest.param('{"to":"[e-mail]"}', '{"to":"somebody\\u0040example.com"}', id="escaped"),
        pytest.param("to=[e-mail]&x=1", "to=somebody%40example.com&x=1", id="in a query"),
        pytest.param("[e-mail]", "root@localhost", id="without a dot"),
        pytest.param("mailto:[e-mail], [e-mail]", "mailto:a@b.c, d@e.f", id="two"),
        pytest.param('"@type": an @ alone', '"@type": an @ alone', id="no address"),
        pytest.param("[e-mail]", "somebody＠example.com", id="a wide at"),
        pytest.param("[e-mail]", "some\u200bbody@\u00adexample.com", id="with invisible characters in it"),
        pytest.param("[e-mail]", "a\0d\0a\0@\0x\0.\0y", id="UTF-16 read as UTF-8"),
    ],
)
def test_whatever_looks_like_an_address_is_blanked(expected: str, text: str) -> None:
    assert expected == hidden(text)


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("dear […], dear […]", "dear Zoe, dear BRANDT"),
        ("Zoes and Brandtner stay", "Zoes and Brandtner stay"),
        ("user=[…]+x", "user=ZOE%20BRANDT+x"),
        ("[…] in two lines", "Zoë\nBrandt in two lines"),
        ("an order of 49.99 USD is not unique", "an order of 49.99 USD is not unique"),
    ],
)
def test_a_name_is_blanked_in_parts_and_nothing_else_is(expected: str, text: str) -> None:
    assert expected == hidden(text)


@pytest.mark.parametrize(
    ("expected", "customer", "text"),
    [
        ('{"customer": […], "statusCode": 422}', "42", '{"customer": 42, "statusCode": 422}'),
        ("no […] here", "7", "no 7 here"),
        ("no […]here", "cus_9", "no CUS_9here"),
        ("a b c", "", "a b c"),
    ],
    ids=["a short number", "one digit", "within a word", "empty"],
)
def test_a_short_id_is_blanked_where_it_stands_alone(expected: str, customer: str, text: str) -> None:
    assert expected == hidden(text, customer_external_id=customer)


def test_our_own_token_is_blanked() -> None:
    assert "the key […] is not known" == hidden("the key tok.en-42_x is not known", secrets=("tok.en-42_x",))


def test_nobody_is_known_of_a_payload_that_names_nobody() -> None:
    text = "Zoë Brandt"

    assert text == hidden(text, customer_email=None, customer_name=None)


def test_half_a_name_at_the_end_of_what_is_kept_is_not_kept() -> None:
    """It is hidden first, and cut then; and what was cut unread is far from what is kept."""
    for size in range(2_020, 2_060):
        answer = Answer(status=400, headers={}, body=("x" * size + f" {NAME} {EMAIL} " + "y" * 90_000).encode())
        told = outcome(
            answer, read(answer), started_at=NOW, duration_ms=1.0, now=NOW, hide=hider(a_lead(), secrets=("tok",))
        )

        assert "Z" not in told.text
        assert "z" not in told.text
        assert len(told.text.encode()) <= 2048


def test_a_message_is_hidden_before_it_is_cut() -> None:
    for size in range(180, 200):
        answer = Answer(status=400, headers={}, body=json.dumps({"error": "x " * (size // 2) + f"{NAME}"}).encode())
        told = outcome(answer, read(answer), started_at=NOW, duration_ms=1.0, now=NOW, hide=hider(a_lead()))

        assert "Z" not in told.message
        assert "B" not in told.message


SPELL = st.sampled_from([*SPELLINGS.values()])


@given(
    before=st.text(max_size=40),
    after=st.text(max_size=40),
    name=st.text(st.characters(categories=["L", "Nd"]), min_size=3, max_size=20),
    spell=SPELL,
)
@example(before="", after="", name="ǅ00", spell=str)
@example(before="%C3", after="%9", name="abc", spell=quote)
def test_no_name_gets_through(before: str, after: str, name: str, spell: Any) -> None:
    spelled = spell(name)

    assert "[" in hidden(f"{before} {spelled} {after}", customer_name=name)


@given(st.text() | st.text(alphabet='\\%&u0041;#x"@dD89 a', max_size=300))
def test_no_text_breaks_it(text: str) -> None:
    assert len(hidden(text)) <= 8 * len(text) + 1


@pytest.mark.parametrize("piece", ["a", "@", "a@", "\\", "%25", "\\u00e9", "&", "é"])
def test_a_long_answer_is_read_in_no_time(piece: str) -> None:
    begun = perf_counter()
    hidden(piece * 70_000)

    assert perf_counter() - begun < 0.5
