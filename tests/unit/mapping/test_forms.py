"""A form's answers: every tool's shape, by every name of a question, as a person would say them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.mapping.answers import Form, titled
from bridge.mapping.values import Unfit
from bridge.model import EventState, Json
from tests.unit.mapping.factories import LEAD, a_mapping, a_signup, evaluated, lead_of, meaning_of


def answered(answers: Json, *names: str) -> Json:
    return Form(lambda: answers).answer(*names)


TYPEFORM: Json = [
    {"type": "text", "text": "Ada", "field": {"id": "a1", "type": "short_text", "ref": "name"}},
    {"type": "email", "email": "ada@example.com", "field": {"id": "a2", "type": "email", "ref": "mail"}},
    {"type": "choice", "choice": {"id": "c1", "label": "1–10"}, "field": {"id": "a3", "ref": "size"}},
    {
        "type": "choices",
        "choices": {"labels": ["tea", "coffee"], "other": "milk"},
        "field": {"id": "a4", "ref": "likes"},
    },
    {"type": "choice", "choice": {"other": "elsewhere"}, "field": {"id": "a5", "ref": "where"}},
    {"type": "boolean", "boolean": False, "field": {"id": "a6", "ref": "news"}},
    {"type": "phone_number", "phone_number": "+49170", "field": {"id": "a7", "type": "phone_number", "ref": "x"}},
    {"type": "number", "number": 0, "field": {"id": "a8", "ref": "children"}},
]
TALLY: Json = [
    {"key": "question_1", "label": "Work e-mail *", "type": "INPUT_EMAIL", "value": "ada@example.com"},
    {
        "key": "question_2",
        "label": "Size",
        "type": "DROPDOWN",
        "value": ["o2"],
        "options": [{"id": "o2", "text": "more"}],
    },
    {
        "key": "question_3",
        "label": "Likes",
        "type": "CHECKBOXES",
        "value": ["o1", "o2", "o9"],
        "options": [{"id": "o1", "text": "tea"}, {"id": "o2", "text": "coffee"}],
    },
    {"key": "question_3_o1", "label": "Likes (tea)", "type": "CHECKBOXES", "value": True},
    {"key": "question_4", "label": "clickId", "type": "HIDDEN_FIELDS", "value": "5e6e"},
    {"key": "question_5", "label": "Phone", "type": "INPUT_PHONE_NUMBER", "value": ""},
]
JOTFORM: Json = {
    "q3_name": {"first": "Ada", "last": "Byron"},
    "q4_email": "ada@example.com",
    "q5_clickId": "5e6e",
    "q6_likes": ["tea", "coffee"],
    "q7_address": {"city": "", "street": None},
    "q8_when": {"day": "10", "month": "04", "year": "2026"},
}
JOTFORM_NUMBERED: Json = {
    "q3_fullName3": {"first": "Ada", "last": "Byron"},
    "q4_email4": "ada@example.com",
    "q15_clickId15": "5e6e",
    "q6_route66": "coast",
}
GOOGLE: Json = {"Email Address": ["ada@example.com"], "Likes": ["tea", "coffee"], "Empty": [""], "None": []}
CALCOM: Json = {
    "name": {"label": "your_name", "value": "Ada", "isHidden": False},
    "email": {"label": "email_address", "value": "ada@example.com"},
    "guests": {"label": "additional_guests", "value": []},
}
FILLOUT: Json = [
    {"id": "q1", "name": "Your mail?", "type": "EmailInput", "value": "ada@example.com"},
    {"id": "q2", "name": "Files", "type": "FileUpload", "value": [{"url": "https://a"}, {"url": "https://b"}]},
    {"id": "q3", "name": "One file", "type": "FileUpload", "value": [{"url": "https://a"}]},
]
CALENDLY: Json = [{"question": "Company?", "answer": "Engines", "position": 0}]
META: Json = [{"name": "full_name", "values": ["Ada Byron"]}, {"name": "email", "values": ["ada@example.com"]}]
JOTFORM_API: Json = {
    "3": {"name": "yourName", "text": "Who are you?", "type": "control_fullname", "answer": {"first": "Ada"}},
    "4": {"name": "mail", "text": "Your mail", "type": "control_email", "answer": "ada@example.com"},
}
PAPERFORM: Json = [
    {"title": "Mail", "key": "ab12", "custom_key": "work_mail", "type": "email", "value": "ada@example.com"}
]
GOOGLE_ADS: Json = [{"column_id": "EMAIL", "column_name": "User Email", "string_value": "ada@example.com"}]
NESTED: Json = [{"question": {"title": "Mail?", "id": "q1"}, "answer": "ada@example.com"}]


@pytest.mark.parametrize(
    ("answers", "name", "expected"),
    [
        (TYPEFORM, "mail", "ada@example.com"),
        (TYPEFORM, "email", "ada@example.com"),
        (TYPEFORM, "a2", "ada@example.com"),
        (TYPEFORM, "name", "Ada"),
        (TYPEFORM, "size", "1–10"),
        (TYPEFORM, "likes", "tea, coffee, milk"),
        (TYPEFORM, "where", "elsewhere"),
        (TYPEFORM, "news", False),
        (TYPEFORM, "phone", "+49170"),
        (TYPEFORM, "children", 0),
        (TALLY, "question_1", "ada@example.com"),
        (TALLY, "work E-Mail", "ada@example.com"),
        (TALLY, "email", "ada@example.com"),
        (TALLY, "Size", "more"),
        (TALLY, "likes", "tea, coffee, o9"),
        (TALLY, "likes (tea)", True),
        (TALLY, "click_id", "5e6e"),
        (TALLY, "phone", None),
        (JOTFORM, "email", "ada@example.com"),
        (JOTFORM, "q4_email", "ada@example.com"),
        (JOTFORM, "name", {"first": "Ada", "last": "Byron"}),
        (JOTFORM, "click id", "5e6e"),
        (JOTFORM, "likes", "tea, coffee"),
        (JOTFORM, "address", None),
        (JOTFORM, "when", {"day": "10", "month": "04", "year": "2026"}),
        (JOTFORM_NUMBERED, "email", "ada@example.com"),
        (JOTFORM_NUMBERED, "full name", {"first": "Ada", "last": "Byron"}),
        (JOTFORM_NUMBERED, "click_id", "5e6e"),
        (JOTFORM_NUMBERED, "route6", "coast"),
        (JOTFORM_NUMBERED, "route", None),
        (GOOGLE, "email address", "ada@example.com"),
        (GOOGLE, "likes", "tea, coffee"),
        (GOOGLE, "empty", None),
        (GOOGLE, "none", None),
        (CALCOM, "name", "Ada"),
        (CALCOM, "your_name", "Ada"),
        (CALCOM, "guests", None),
        (FILLOUT, "email", "ada@example.com"),
        (FILLOUT, "your mail", "ada@example.com"),
        (FILLOUT, "files", [{"url": "https://a"}, {"url": "https://b"}]),
        (FILLOUT, "one file", {"url": "https://a"}),
        (CALENDLY, "company", "Engines"),
        (META, "full_name", "Ada Byron"),
        (JOTFORM_API, "yourName", {"first": "Ada"}),
        (JOTFORM_API, "who are you?", {"first": "Ada"}),
        (JOTFORM_API, "name", {"first": "Ada"}),
        (JOTFORM_API, "email", "ada@example.com"),
        (PAPERFORM, "work_mail", "ada@example.com"),
        (GOOGLE_ADS, "EMAIL", "ada@example.com"),
        (GOOGLE_ADS, "user email", "ada@example.com"),
        (NESTED, "mail", "ada@example.com"),
        (TALLY, "nobody", None),
        (None, "email", None),
        ([], "email", None),
        ({}, "email", None),
        ([None, 1, "email", ["email"], {}], "email", None),
    ],
)
def test_an_answer_is_found_by_any_of_its_names(answers: Json, name: str, expected: Json) -> None:
    assert expected == answered(answers, name)


def test_an_exact_name_goes_before_what_people_read_and_that_before_the_type() -> None:
    by_type: Json = {"ref": "a", "type": "phone", "value": "type"}
    by_label: Json = {"ref": "b", "label": "Phone", "value": "label"}
    by_name: Json = {"ref": "phone", "value": "name"}

    assert "name" == answered([by_type, by_label, by_name], "phone")
    assert "label" == answered([by_type, by_label], "phone")
    assert "type" == answered([by_type], "phone")


@pytest.mark.parametrize("name", ["email", "E-mail", "email address", "your email", "INPUT_EMAIL"])
@pytest.mark.parametrize(
    "odd",
    ["yes, please", ["newsletter", "offers"], True, 7, {"choice": "yes"}],
    ids=["text", "several", "box", "n", "o"],
)
def test_asked_for_an_email_only_an_address_is_an_answer(name: str, odd: Json) -> None:
    consent: Json = {"label": name, "type": "CHECKBOXES", "value": odd}
    address: Json = {"label": "Where do we reach you?", "type": "INPUT_EMAIL", "value": "ada@example.com"}

    assert "ada@example.com" == answered([consent, address], name)
    assert None is answered([consent], name)


@pytest.mark.parametrize("name", ["email", "E-mail address", "your email"])
@pytest.mark.parametrize(
    "answers",
    [
        {"E-Mail-Adresse": ["ada@example.com"], "Nachricht": "Mail: eve@example.com", "@": "@", "Handle": "@ada"},
        {"Email 2": " ada@example.com ", "Name 2": "Ada", "Site": "https://ada@example.com/"},
        [{"key": "x", "label": "Correo", "type": "INPUT_TEXT", "value": "ada@example.com"}],
        {"Mail": "ada@example.com", "Once more": "ada@example.com"},
    ],
    ids=["another language", "numbered", "no type", "twice"],
)
def test_the_only_address_in_a_form_is_it_whatever_its_question_is_called(answers: Json, name: str) -> None:
    found = answered(answers, name)

    assert isinstance(found, str)
    assert "ada@example.com" == found.strip()


@pytest.mark.parametrize(
    "answers",
    [
        {"Mine": "ada@example.com", "A friend's": "eve@example.com"},
        {"Both": "ada@example.com, eve@example.com"},
        {
            "Handle": "ada@example",
            "Two": "a@b@example.com",
            "Odd": "@example.com",
            "Dots": "ada@..",
            "Shown": "A <a@b.c>",
        },
        {"Files": [{"url": "https://a@b.c"}], "No": None},
    ],
    ids=["two", "joined", "none", "objects"],
)
def test_of_several_addresses_none_is_guessed(answers: Json) -> None:
    assert None is answered(answers, "email")


def test_only_an_address_is_looked_for_by_what_it_is() -> None:
    assert None is answered({"Correo": "ada@example.com"}, "name", "click_id")


def test_the_first_question_that_was_answered_counts() -> None:
    values: list[Json] = [None, " ", [], "first", "second"]

    assert "first" == answered([{"label": "Mail", "value": value} for value in values], "mail")


def test_a_question_left_blank_makes_way_for_the_next_way_of_looking() -> None:
    assert "b@example.com" == answered(
        [{"ref": "email", "value": ""}, {"type": "email", "value": "b@example.com"}], "email"
    )


def test_of_several_names_the_first_that_was_answered_counts() -> None:
    assert "5e6e" == answered(TALLY, "cms_rf", "click_id")
    assert None is answered(TALLY, "cms_rf", "utm_source")


def test_no_is_an_answer() -> None:
    assert False is answered([{"ref": "news", "value": False}, {"label": "News", "value": True}], "news")


@pytest.mark.parametrize(
    ("options", "value", "expected"),
    [
        ([{"id": "o1", "text": "tea"}], "o1", "tea"),
        ([{"id": 7, "label": "tea"}], 7, "tea"),
        ([{"value": "o1", "name": "tea"}], "o1", "tea"),
        ([{"value": "tea"}], "tea", "tea"),
        ([{"id": "o1"}], "o1", "o1"),
        ([{"id": "o1", "text": "a"}, {"id": "o1", "text": "b"}], "o1", "a"),
        (["o1", None, {}], "o1", "o1"),
        ([{"id": "o1", "text": "tea"}], ["o1", None, {"id": "o1"}, "free"], "tea, free"),
        ([], ["a"], "a"),
        ([{"id": "o1", "text": "tea"}], [], None),
    ],
)
def test_options_are_told_by_their_texts(options: Json, value: Json, expected: Json) -> None:
    assert expected == evaluated("option_text(options, value)", {"options": options, "value": value})


def test_chosen_options_cannot_be_blown_up() -> None:
    field: Json = {"ref": "a", "value": ["o"] * 3000, "options": [{"id": "o", "text": "x" * 1000}]}

    with pytest.raises(Unfit, match="too long a text"):
        answered([field], "a")


# Titles that stand elsewhere ---------------------------------------------------------------------------------------

QUESTIONS: Json = [
    {"id": "a2", "ref": "other", "title": "Your *work* e-mail?", "type": "email"},
    {"id": "a3", "ref": "size", "title": "How many?", "choices": [{"id": "c1", "label": "1–10"}]},
]


def test_answers_find_their_titles() -> None:
    document: Json = {"answers": TYPEFORM, "questions": QUESTIONS}
    expression = "titled(answers, questions)"

    assert "ada@example.com" == evaluated("answer('your work e-mail?')", document, answers=expression)
    assert "1–10" == evaluated("answer('how many')", document, answers=expression)
    assert "Ada" == evaluated("answer('name')", document, answers=expression)


def test_a_map_of_answers_finds_its_titles() -> None:
    assert "1–10" == Form(lambda: titled({"a3": "c1"}, [QUESTIONS[1]] if isinstance(QUESTIONS, list) else [])).answer(
        "how many"
    )


def test_what_an_answer_says_of_its_question_goes_before_what_the_question_says() -> None:
    found = titled(
        [{"field": {"id": "a2", "title": "Mine"}, "email": "x"}], [{"id": "a2", "title": "Theirs", "type": "t"}]
    )

    assert [{"field": {"id": "a2", "title": "Mine", "type": "t"}, "email": "x"}] == found


# In a mapping ------------------------------------------------------------------------------------------------------

FORM = a_mapping("id: id\nanswers: form", "customer_external_id: lower(answer('email'))", base=LEAD)


def test_a_rule_asks_for_an_answer() -> None:
    assert (
        "ada@example.com"
        == lead_of(FORM, a_signup(form=[{"label": "Email", "value": "Ada@Example.com"}])).customer_external_id
    )


@pytest.mark.parametrize(
    ("form", "why"),
    [
        (None, "nothing there"),
        ({}, "nothing there"),
        ("ada@example.com", "event.answers (form): text, expected a list or an object"),
        (5, "event.answers (form): a number, expected a list or an object"),
        ({"email": "yes, please"}, "nothing there"),
    ],
    ids=["null", "empty", "text", "number", "no address"],
)
def test_without_an_answer_the_reason_says_what_was_there(form: Json, why: str) -> None:
    meaning = meaning_of(FORM, a_signup(form=form))

    expected = f"cannot map: rule 'signed up', customer_external_id (lower(answer('email'))): {why}"
    assert (EventState.UNMAPPED, expected) == (meaning.state, meaning.reason)


def test_an_answer_of_another_kind_is_told() -> None:
    mapping = a_mapping("id: id\nanswers: form", "customer_external_id: lower(answer('phone'))", base=LEAD)

    meaning = meaning_of(mapping, a_signup(form={"phone": {"area": "170"}}))

    expected = (
        "cannot map: rule 'signed up', customer_external_id (lower(answer('phone'))): lower() wants text, got an object"
    )
    assert (EventState.UNMAPPED, expected) == (meaning.state, meaning.reason)


def test_answers_that_cannot_be_worked_out_are_told_with_their_expression() -> None:
    mapping = a_mapping(
        "id: id\nanswers: from_json(lower(form)).fields", "customer_external_id: answer('email')", base=LEAD
    )

    assert meaning_of(mapping, a_signup(form=[1])).reason == (
        "cannot map: rule 'signed up', customer_external_id (answer('email')): "
        "event.answers (from_json(lower(form)).fields): lower() wants text, got a list"
    )


def test_a_rule_that_asks_for_nothing_never_meets_bad_answers() -> None:
    mapping = a_mapping("id: id\nanswers: form", base=LEAD)

    assert EventState.ACCEPTED is meaning_of(mapping, a_signup(form="broken")).state


def test_answers_are_worked_out_once_for_an_event() -> None:
    asked: list[int] = []

    def give() -> Json:
        asked.append(1)
        return TALLY

    form = Form(give)
    assert [form.answer(name) for name in ("email", "size", "nobody", "email")][1:3] == ["more", None]
    assert [1] == asked


# Whatever is sent --------------------------------------------------------------------------------------------------

SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.decimals(allow_nan=True))
NAMES = "ref key id name label title question type value answer field options choices text email q4_email labels other"
KEYS = st.sampled_from(NAMES.split())
ANSWERS = st.recursive(
    SCALARS | st.sampled_from(["email", "INPUT_EMAIL", "q4_email", "o1"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=25,
)


@given(answers=ANSWERS, questions=st.lists(ANSWERS, max_size=3), name=st.sampled_from(["email", "q4_email", "", "o1"]))
def test_whatever_shape_a_form_has_an_answer_is_given_or_refused(
    answers: Json, questions: list[Json], name: str
) -> None:
    joined = titled(answers, questions) if isinstance(answers, list | dict) else []
    for form in (answers, joined):
        with suppress(Unfit):
            assert answered(form, name) not in ("", [], {})
