"""What an answer says went wrong: every shape seen, one line, nobody's address in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model import Json
from bridge.tracking.message import MOST_CHARS, message_of, one_line, title_of


@pytest.mark.parametrize(
    ("expected", "answer"),
    [
        pytest.param("Bad click", {"message": "Bad click"}, id="message"),
        pytest.param("Bad click", {"error": {"message": "Bad click", "code": "E1"}}, id="error.message"),
        pytest.param(
            "Unauthorized",
            {"success": False, "error": "Unauthorized", "type": "auth", "statusCode": 401},
            id="error text: the Python and Java form",
        ),
        pytest.param(
            "Invalid; amount: must be positive",
            {
                "success": False,
                "error": "Invalid",
                "type": "v",
                "statusCode": 400,
                "details": {"amount": "must be positive"},
            },
            id="error text with details",
        ),
        pytest.param("no such thing", {"error": "no such thing", "code": 404}, id="the PHP form"),
        pytest.param("too many", {"code": "rate", "message": "too many", "requestId": "r1"}, id="the Go form"),
        pytest.param("INVALID_CLICK", {"errors": [{"code": "INVALID_CLICK"}]}, id="errors[].code"),
        pytest.param("one; two", {"errors": ["one", "two"]}, id="errors[] of text"),
        pytest.param("one; two", {"errors": [{"message": "one"}, {"errorMessage": "two"}]}, id="errors[].message"),
        pytest.param(
            "Validation failed; amount: expected a number",
            {"message": "Validation failed", "errors": [{"field": "amount", "message": "expected a number"}]},
            id="errors[] with fields",
        ),
        pytest.param(
            "amount must be a number; currency is required",
            {"statusCode": 400, "message": ["amount must be a number", "currency is required"], "error": "Bad Request"},
            id="message as a list",
        ),
        pytest.param("Not found.", {"detail": "Not found."}, id="detail text"),
        pytest.param(
            "body.amount: Input should be a number",
            {"detail": [{"loc": ["body", "amount"], "msg": "Input should be a number", "type": "float"}]},
            id="detail as a list",
        ),
        pytest.param(
            "currency: Required",
            {
                "success": False,
                "error": {"name": "ZodError", "issues": [{"path": ["currency"], "message": "Required"}]},
            },
            id="issues",
        ),
        pytest.param(
            "Invalid; currency: Required",
            {"error": "Invalid", "details": {"fieldErrors": {"currency": ["Required"]}, "formErrors": []}},
            id="fieldErrors",
        ),
        pytest.param(
            "the amount is odd",
            {"type": "about:blank", "title": "Bad Request", "status": 400, "detail": "the amount is odd"},
            id="problem details",
        ),
        pytest.param("Duplicate invoice", {"status": False, "data": "Duplicate invoice"}, id="data as the error"),
        pytest.param("plain", "plain", id="bare text"),
        pytest.param("same", {"message": "same", "errors": ["same"]}, id="said twice"),
        pytest.param("", {"status": False}, id="nothing said"),
        pytest.param("", {"message": "  ", "error": None, "errors": []}, id="blank"),
        pytest.param("", None, id="null"),
        pytest.param("", 42, id="a number"),
        pytest.param("", [], id="an empty list"),
        pytest.param(
            "[e-mail] is already a customer", {"message": "jane@example.com is already a customer"}, id="an address"
        ),
    ],
)
def test_the_message_is_found_in_every_shape(expected: str, answer: Json) -> None:
    assert expected == message_of(answer)


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        pytest.param("two lines, a tab", "two\r\nlines,\ta tab", id="line breaks"),
        pytest.param("red [31m alert", "red \x1b[31m alert\x07", id="terminal escapes"),
        pytest.param("left right", "left \u202e\u200bright\ud800", id="invisible characters and surrogates"),
        pytest.param("to [e-mail] and [e-mail]", "to jane.doe+x@mail.example.com and <j@x.y>,", id="e-mail addresses"),
        pytest.param("at [e-mail]", "at jane%40example.com", id="an escaped address"),
        pytest.param("an @ alone", "an @ alone", id="no address"),
        pytest.param("token […] is bad", "token eyJhbGciOiJIUzI1NiJ9.eyJ4IjoxfQ.abc is bad", id="a token"),
        pytest.param('invoice "[…]" exists', 'invoice "in_1NqrPB2eZvKYlo2C" exists', id="a long id"),
        pytest.param("user_42 unknown", "user_42 unknown", id="a short id"),
        pytest.param(
            "CUSTOMER_EXTERNAL_ID_REQUIRED", "CUSTOMER_EXTERNAL_ID_REQUIRED", id="a long word of letters is no token"
        ),
        pytest.param("[…]", "x" * 41, id="a very long word is"),
    ],
)
def test_a_line_is_plain_and_blank_of_persons_and_tokens(expected: str, text: str) -> None:
    assert expected == one_line(text)


def test_a_line_is_blank_of_telephone_numbers() -> None:
    assert "call […] about 4999 USD" == one_line("call +4915112345678 about 4999 USD")


def test_a_line_is_bounded() -> None:
    line = one_line("word " * 10_000)

    assert MOST_CHARS >= len(line)
    assert line.endswith("…")


@pytest.mark.parametrize(
    ("expected", "page"),
    [
        pytest.param("a web page: 404 Not Found", "<html><head><TITLE>404 Not Found</TITLE></head>", id="a title"),
        pytest.param("a web page: x", "<title lang='en'>x</title>", id="a title with attributes"),
        pytest.param("a web page", "<html><body>hello</body></html>", id="none"),
        pytest.param("a web page", "<html><title>never closed", id="an open one"),
        pytest.param("a web page", "<title", id="cut off"),
    ],
)
def test_a_page_is_told_by_its_title(expected: str, page: str) -> None:
    assert expected == title_of(page)


KEYS = st.sampled_from(["message", "error", "errors", "details", "data", "field", "path", "fieldErrors", "x"])
ANSWERS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(KEYS | st.text(), inner),
)


@given(answer=ANSWERS)
def test_no_answer_breaks_the_message(answer: Json) -> None:
    message = message_of(answer)

    assert MOST_CHARS >= len(message)
    assert message.isprintable()


@given(text=st.text(st.characters(), max_size=300), name=st.from_regex(r"[a-z]{1,9}@[a-z]{1,9}\.io", fullmatch=True))
def test_no_address_gets_through(text: str, name: str) -> None:
    assert name not in message_of({"message": f"{text} {name} {text}"})


def test_a_wide_and_deep_answer_is_read_in_no_time() -> None:
    """Bounded by parts and depth, not by the answer's size."""
    wide: Json = ["x"]
    for _ in range(200):
        wide = {"errors": [wide] * 50, "details": {"a": wide}, "message": [None] * 50}

    assert "" == message_of(wide)
