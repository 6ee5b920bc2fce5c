"""Answers read: what is JSON, what is a page, what is kept and what is said."""

import gzip
import json
import zlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model import Outcome, Sent
from bridge.tracking.answer import MOST_BYTES, Answer, outcome, read

NOW = datetime(2026, 4, 10, 12, 0, 0, tzinfo=UTC)


def told(answer: Answer) -> Outcome:
    return outcome(answer, read(answer), started_at=NOW, duration_ms=1.5, now=NOW)


def an_answer(body: bytes, content_type: str = "application/json", status: int = 200) -> Answer:
    return Answer(status=status, headers={"content-type": content_type}, body=body)


@pytest.mark.parametrize(
    ("is_json", "is_html", "body", "content_type"),
    [
        pytest.param(True, False, b'{"status": true}', "application/json", id="JSON"),
        pytest.param(True, False, b"[]", "application/json; charset=utf-8", id="an empty list"),
        pytest.param(True, False, b'{"status": true}', "text/html", id="JSON said to be HTML, as PHP does"),
        pytest.param(True, False, b'{"status": true}', "", id="JSON without a content type"),
        pytest.param(True, False, b"\xef\xbb\xbf{}", "application/json", id="a byte order mark"),
        pytest.param(True, False, b"null", "application/json", id="null"),
        pytest.param(True, False, b'"no"', "application/problem+json", id="a bare text, said to be JSON"),
        pytest.param(False, False, b"404", "text/plain", id="a bare number is text"),
        pytest.param(False, False, b"{oops", "application/json", id="broken JSON"),
        pytest.param(False, False, b"", "application/json", id="empty"),
        pytest.param(False, False, b"", "text/html", id="empty HTML is no page"),
        pytest.param(False, False, b"OK", "text/html", id="a word said to be HTML is no page"),
        pytest.param(False, True, b"<!DOCTYPE html><p>hi", "text/html", id="a page"),
        pytest.param(False, True, b"\n  <HTML><body>", "application/json", id="a page said to be JSON"),
        pytest.param(False, True, b"<p>hi</p>", "text/html", id="a piece of a page"),
        pytest.param(False, True, b"<?xml version='1.0'?><html>", "application/xhtml+xml", id="XHTML"),
        pytest.param(False, False, b"<Error>no</Error>", "application/xml", id="XML is no page"),
        pytest.param(False, False, b"\x00\xff\xfe", "application/octet-stream", id="bytes"),
        pytest.param(False, False, b"[" * 50_000, "application/json", id="too deep"),
    ],
)
def test_an_answer_is_told_by_content_type_and_text(
    *, is_json: bool, is_html: bool, body: bytes, content_type: str
) -> None:
    seen = told(an_answer(body, content_type))

    assert (is_json, is_html) == (seen.is_json, seen.is_html)


def test_json_that_was_cut_off_is_still_json() -> None:
    """A 404 whose body stalls must not look like the wrong host."""
    cut = Answer(status=404, headers={"content-type": "application/json"}, body=b'{"error": "un', stopped="timeout")

    assert told(cut).is_json
    assert "the answer was cut off (timeout)" == told(cut).message


@pytest.mark.parametrize(
    ("expected", "body"),
    [
        pytest.param(True, {"status": False}, id="false"),
        pytest.param(False, {"status": True}, id="true"),
        pytest.param(False, {"status": 0}, id="zero is not false"),
        pytest.param(False, {"status": "false"}, id="a word is not false"),
        pytest.param(True, {"success": False}, id="another key of theirs"),
        pytest.param(False, {"ok": False}, id="none of theirs"),
        pytest.param(False, [{"status": False}], id="further in"),
    ],
)
def test_only_a_status_or_success_of_false_says_false(expected: bool, body: object) -> None:
    assert expected == told(an_answer(json.dumps(body).encode())).says_false


@pytest.mark.parametrize(
    ("expected", "answer"),
    [
        pytest.param("", an_answer(b'{"success": true, "message": "Lead tracked"}'), id="a success has no complaint"),
        pytest.param("Duplicate", an_answer(b'{"status": false, "data": "Duplicate"}'), id="status false"),
        pytest.param("Duplicate", an_answer(b'{"success": false, "error": "Duplicate"}'), id="success false"),
        pytest.param("no", an_answer(b'{"error": "no"}', status=400), id="an error"),
        pytest.param("upstream is down", an_answer(b"upstream\nis down", "text/plain", 502), id="plain text"),
        pytest.param(
            "a web page: Oops", an_answer(b"<html><title>Oops</title>", "text/html"), id="a page, even in a 200"
        ),
        pytest.param("", an_answer(b"", "", 500), id="nothing"),
        pytest.param(
            "redirects to app.example.com",
            Answer(status=302, headers={"location": "https://u:p@app.example.com/?email=j@x.y"}, body=b"<html>"),
            id="a redirect, by host only",
        ),
        pytest.param(
            "redirects to another path", Answer(status=307, headers={"location": "/x"}), id="on the same host"
        ),
        pytest.param(
            "redirects to somewhere unreadable", Answer(status=308, headers={"location": "http://[x"}), id="nowhere"
        ),
    ],
)
def test_the_message_says_what_went_wrong(expected: str, answer: Answer) -> None:
    assert expected == told(answer).message


@pytest.mark.parametrize(
    "coded",
    [
        pytest.param(("gzip", gzip.compress(b'{"status": false}')), id="gzip"),
        pytest.param(("x-gzip", gzip.compress(b'{"status": false}')), id="x-gzip"),
        pytest.param(("Deflate", zlib.compress(b'{"status": false}')), id="deflate"),
        pytest.param(("gzip", b'{"status": false}'), id="said to be gzip but plain"),
        pytest.param(("identity", b'{"status": false}'), id="identity"),
    ],
)
def test_a_coded_body_is_read_although_nobody_asked_for_it(coded: tuple[str, bytes]) -> None:
    assert told(Answer(status=200, headers={"content-encoding": coded[0]}, body=coded[1])).says_false


def test_a_coded_body_cannot_grow_beyond_the_limit() -> None:
    bomb = gzip.compress(b" " * 50_000_000)

    assert MOST_BYTES == len(read(Answer(status=200, headers={"content-encoding": "gzip"}, body=bomb)).text)


def test_two_kib_of_text_are_kept_without_half_a_character() -> None:
    kept = told(an_answer("€".encode() * 5_000, "text/plain")).text

    assert "€" * (2048 // 3) == kept


def test_an_outcome_carries_the_facts() -> None:
    seen = told(Answer(status=429, headers={"retry-after": "30"}, body=b"slow down"))

    assert (Sent.YES, 429, "slow down", 30.0, "") == (
        seen.sent,
        seen.status,
        seen.text,
        seen.retry_after_seconds,
        seen.error,
    )
    assert (NOW, 1.5) == (seen.started_at, seen.duration_ms)


@given(
    body=st.binary() | st.text().map(str.encode),
    content_type=st.sampled_from(["application/json", "text/html", "text/plain", ""]) | st.text(),
    coding=st.sampled_from(["", "gzip", "deflate"]),
    status=st.integers(min_value=100, max_value=599),
)
def test_no_answer_breaks_the_reading(body: bytes, content_type: str, coding: str, status: int) -> None:
    headers = {"content-type": content_type, "content-encoding": coding, "location": content_type}
    seen = told(Answer(status=status, headers=headers, body=body))

    assert not (seen.is_json and seen.is_html)
    assert 2048 >= len(seen.text.encode())
