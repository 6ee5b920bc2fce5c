"""Sample webhooks: what a file stands for, a new id where the mapping reads one, the address they are posted to."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge import library
from bridge.demo import sender
from bridge.demo.samples import signed, webhook_of, with_new_id
from bridge.library import Source
from bridge.model import Webhook

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


ONE_OF_THREE = b'{"type": "paid", "made_at": "2026-11-21", "inner": {"id": "a"}}'
ONE_OF_THREE_ANEW = {"type": "paid", "made_at": "2026-11-21", "inner": {"id": "a_x"}}


def a_webhook(data: bytes) -> Webhook:
    return webhook_of(data, "quiz", NOW)


def a_source(folder: Path, expression: str) -> Source:
    """A source that reads its events' ids with this expression."""
    text = f"""\
source: quiz
verify: {{scheme: token, query: key, secret: "${{QUIZ_WEBHOOK_SECRET}}"}}
event: {{id: {expression}}}
rules:
  - {{name: all, track: lead, event_name: quiz, fields: {{customer_external_id: person}}}}
"""
    (folder / "quiz.yaml").write_text(text, encoding="utf-8")
    loaded = library.read_paths([folder], shipped=library.shipped_folder(), lookup=lambda _: "a secret/of some length")
    assert [] == loaded.errors
    return loaded.sources["quiz"]


@pytest.mark.parametrize(
    ("data", "headers", "query", "body"),
    [
        (b'{"id": 1}', ((b"content-type", b"application/json"),), b"", b'{"id": 1}'),
        (b"a=1&b=2", ((b"content-type", b"application/x-www-form-urlencoded"),), b"", b"a=1&b=2"),
        (b"\xff", ((b"content-type", b"application/x-www-form-urlencoded"),), b"", b"\xff"),
        (b'{"body": "text"}', ((b"content-type", b"application/json"),), b"", b'{"body": "text"}'),
        (
            b'{"body": {"a": [1.10]}, "headers": {"X-Topic": "paid", "Content-Type": "application/vnd.api+json"}}',
            ((b"x-topic", b"paid"), (b"content-type", b"application/vnd.api+json")),
            b"",
            b'{"a": [1.1]}',
        ),
        (
            b'{"body": "a=1", "query": {"click_id": ["c 1", "c2"]}, "headers": {"X-A": ["1", 2]}}',
            ((b"x-a", b"1"), (b"x-a", b"2"), (b"content-type", b"application/x-www-form-urlencoded")),
            b"click_id=c+1&click_id=c2",
            b"a=1",
        ),
        (
            b'{"body": {}, "query": "click_id=c1"}',
            ((b"content-type", b"application/json"),),
            b"click_id=c1",
            b"{}",
        ),
    ],
    ids=["json", "form", "neither", "a body called body", "headers", "form with query", "query as text"],
)
def test_a_file_is_a_body_or_headers_query_and_body(
    data: bytes, headers: tuple[tuple[bytes, bytes], ...], query: bytes, body: bytes
) -> None:
    assert Webhook(source="quiz", headers=headers, query=query, body=body, received_at=NOW) == a_webhook(data)


@pytest.mark.parametrize(
    ("expression", "body", "expected"),
    [
        ("id", b'{"id": "a"}', {"id": "a_x"}),
        ("meta.id", b'{"meta": {"id": "a", "b": 1}}', {"meta": {"id": "a_x", "b": 1}}),
        ("meta.id", b'{"more": "none"}', {"more": "none"}),
        ("id", b'{"id": 7}', {"id": 127}),
        ("id || other", b'{"id": "a"}', {"id": "a_x"}),
        ("id || other", b'{"other": "a"}', {"other": "a_x"}),
        ("\"join_present(':', [type, made_at, inner.id])\"", ONE_OF_THREE, ONE_OF_THREE_ANEW),
        ('"items[0].id"', b'{"items": [{"id": "a"}, {"id": "b"}]}', {"items": [{"id": "a_x"}, {"id": "b_x"}]}),
        ("lower('a')", b'{"id": "a"}', {"id": "a"}),
    ],
    ids=["plain", "inside", "not there", "a number", "this or that", "or that", "one of three", "a list's", "constant"],
)
def test_an_id_is_made_new_where_the_mapping_reads_it(
    expression: str, body: bytes, expected: object, tmp_path: Path
) -> None:
    changed = with_new_id(a_webhook(body), a_source(tmp_path, expression), "x")

    assert expected == json.loads(changed.body)


def test_an_id_in_a_form_or_a_header_is_made_new(tmp_path: Path) -> None:
    form = with_new_id(a_webhook(b"id=a%26b&id2=%C3%A4"), a_source(tmp_path, "id"), "x")
    assert b"id=a%26b_x&id2=%C3%A4" == form.body
    posted = a_webhook(b'{"body": {"id": "a"}, "headers": {"X-Id": "h"}}')
    changed = with_new_id(posted, a_source(tmp_path, "\"header('x-id') || id\""), "x")
    assert (b"h_x",) == tuple(changed.header(b"x-id"))
    assert posted.body == changed.body


def test_what_is_neither_form_nor_json_keeps_its_id(tmp_path: Path) -> None:
    assert a_webhook(b'{"id": ') == with_new_id(a_webhook(b'{"id": '), a_source(tmp_path, "id"), "x")


def test_broken_json_is_called_json() -> None:
    assert [b"application/json"] == list(a_webhook(b' {"id": 1,').header(b"content-type"))
    assert [b"application/x-www-form-urlencoded"] == list(a_webhook(b"a={").header(b"content-type"))


def test_a_token_goes_into_the_address_and_is_never_shown(tmp_path: Path) -> None:
    verifier = a_source(tmp_path, "id").verifier
    assert verifier is not None
    proven = signed(a_webhook(b"{}"), verifier, NOW, "x")

    url = sender._url(proven, "http://127.0.0.1:8000/")

    assert "http://127.0.0.1:8000/webhooks/quiz?key=a%20secret%2Fof%20some%20length" == url
    assert "http://127.0.0.1:8000/webhooks/quiz" == sender._without_secrets(url)


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://hooks.example.com", "https://hooks.example.com/webhooks/quiz/tok"),
        ("https://example.com/in/", "https://example.com/in/webhooks/quiz/tok"),
        ("https://example.com/in/webhooks/quiz", "https://example.com/in/webhooks/quiz/tok"),
    ],
    ids=["host", "prefix", "whole"],
)
def test_the_address_may_be_given_with_or_without_the_path(base: str, url: str) -> None:
    webhook = replace(a_webhook(b"{}"), token=b"tok")

    assert url == sender._url(webhook, base)
    assert url.removesuffix("/tok") == sender._without_secrets(url)
