"""Senders that cannot sign: the right token is proven, and nothing but Refused comes of any other."""

from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge import sources
from tests.unit.sources.factories import NOW, a_scheme, a_webhook, refusal

#: kind → section, a webhook with the right token, the text in it that is the proof
TOKENS = {
    "header": ("{scheme: token, header: X-Token, secret: $S}", a_webhook(x_token="s3cr3t-one"), b"s3cr3t-one"),
    "bearer": (
        "{scheme: token, header: Authorization, prefix: 'Bearer ', secret: $S}",
        a_webhook(authorization="Bearer s3cr3t-one"),
        b"s3cr3t-one",
    ),
    "query": (
        "{scheme: token, query: key, secret: $S}",
        a_webhook(query=b"a=1&key=s3cr3t-one&b=2"),
        b"s3cr3t-one",
    ),
    "path": ("{scheme: token, path: true, secret: $S}", a_webhook(token=b"s3cr3t%2Done"), b"s3cr3t%2Done"),
    "basic": (
        "{scheme: basic, secret: $S}",
        a_webhook(authorization="Basic Ym9iOnMzY3IzdC1vbmU="),
        b"Ym9iOnMzY3IzdC1vbmU=",
    ),
}
WRONG = {
    "nothing": b"",
    "white space": b" ",
    "cut by one": b"s3cr3t-on",
    "one more": b"s3cr3t-one0",
    "upper case": b"S3CR3T-ONE",
    "another": b"s3cr3t-elsewhere",
    "its hash": b"5f4dcc3b5aa765d61d8327deb882cf99",
    "no ASCII": b"s3cr3t-one\xff",
    "no UTF-8": b"\xff\xfe",
    "NUL": b"\0",
    "NUL behind": b"s3cr3t-one\0",
    "half an escape": b"%",
    "an odd escape": b"%ff%zz%",
    "escaped NUL": b"s3cr3t-one%00",
    "separators": b"=&=;",
    "a prefix": b"Bearer ",
    "twice the prefix": b"Bearer s3cr3t-one",
    "another scheme": b"Basic s3cr3t-one",
    "base64 cut": b"Ym9iOnMzY3IzdC1vbmU",
    "the user alone": b"Ym9i",
    "the user and no password": b"Ym9iOg==",
    "only a colon": b"Og==",
    "huge": b"*" * 1_000_000,
    "thousands of parameters": b"&key=s3cr3t-one" * 5_000,
    "thousands of empty parameters": b"&" * 60_000,
}


@cache
def token_verifier(kind: str) -> sources.Verifier:
    prefix = "bob:" if kind == "basic" else ""
    return sources.bind(a_scheme(TOKENS[kind][0]), [prefix + "s3cr3t-one", prefix + "s3cr3t-two"])


@pytest.mark.parametrize("kind", TOKENS)
def test_a_token_is_proven(kind: str) -> None:
    verified = token_verifier(kind).verify(TOKENS[kind][1], NOW)

    assert ("basic 1" if kind == "basic" else "token 1", None) == (verified.by, verified.signed_headers)


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("kind", TOKENS)
def test_another_token_is_refused(kind: str, wrong: str) -> None:
    _, good, proof = TOKENS[kind]
    forged = replace(
        good,
        headers=tuple((name, value.replace(proof, WRONG[wrong])) for name, value in good.headers),
        query=good.query.replace(proof, WRONG[wrong]),
        token=good.token.replace(proof, WRONG[wrong]),
    )

    assert forged != good
    refusal(token_verifier(kind), forged)


@pytest.mark.parametrize("kind", TOKENS)
def test_a_token_sent_twice_or_not_at_all_is_refused(kind: str) -> None:
    good = TOKENS[kind][1]
    twice = replace(good, headers=good.headers * 2, query=good.query * 2 + b"&key=s3cr3t-one")
    none = replace(good, headers=(), query=b"", token=b"")

    assert "missing" == refusal(token_verifier(kind), none)
    if kind != "path":
        assert "malformed" == refusal(token_verifier(kind), twice)


@pytest.mark.parametrize(
    ("kind", "authorization"),
    [
        ("bearer", "s3cr3t-one"),
        ("bearer", "bearer s3cr3t-one"),
        ("bearer", "Basic s3cr3t-one"),
        ("basic", "Ym9iOnMzY3IzdC1vbmU="),
        ("basic", "Bearer Ym9iOnMzY3IzdC1vbmU="),
        ("basic", "Basic Ym9iOnMz!Y3IzdC1vbmU="),
        ("basic", "Basic bob:s3cr3t-one"),
    ],
)
def test_a_token_without_its_form_is_malformed(kind: str, authorization: str) -> None:
    assert "malformed" == refusal(token_verifier(kind), a_webhook(authorization=authorization))


def test_the_name_of_the_basic_scheme_has_no_case() -> None:
    webhook = a_webhook(authorization="bAsIc Ym9iOnMzY3IzdC1vbmU=")

    assert "basic 1" == token_verifier("basic").verify(webhook, NOW).by


def test_a_query_of_hundreds_of_parameters_is_not_searched() -> None:
    assert "malformed" == refusal(token_verifier("query"), a_webhook(query=b"a=1&" * 300 + b"key=s3cr3t-one"))


@pytest.mark.parametrize("kind", TOKENS)
def test_the_first_of_equal_tokens_is_named(kind: str) -> None:
    section, webhook, _ = TOKENS[kind]
    secret = "bob:s3cr3t-one" if kind == "basic" else "s3cr3t-one"

    assert sources.bind(a_scheme(section), [secret, secret]).verify(webhook, NOW).by.endswith(" 1")


@pytest.mark.parametrize("kind", TOKENS)
def test_a_signed_token_is_proven(kind: str) -> None:
    bare = a_webhook(query=b"a=1&key=old", authorization="Basic b2xkOm9sZA==", x_token="old")

    signed = token_verifier(kind).sign(bare, NOW)

    assert token_verifier(kind).verify(signed, NOW).by.endswith(" 1")


@pytest.mark.parametrize("kind", TOKENS)
def test_both_tokens_pass_while_they_are_changed(kind: str) -> None:
    section, webhook, _ = TOKENS[kind]
    prefix = "bob:" if kind == "basic" else ""
    rotating = sources.bind(a_scheme(section), [prefix + "s3cr3t-new", prefix + "s3cr3t-one"])

    assert rotating.verify(webhook, NOW).by.endswith(" 2")


@settings(max_examples=600, deadline=None, database=None)
@given(
    kind=st.sampled_from(sorted(TOKENS)),
    names=st.lists(st.sampled_from([b"x-token", b"authorization", b"x-other"]), max_size=4),
    value=st.binary(max_size=30),
    prefix=st.sampled_from([b"", b"Bearer ", b"Basic ", b"basic ", b"key="]),
)
def test_nothing_but_refused_comes_of_a_strangers_token(
    kind: str, names: list[bytes], value: bytes, prefix: bytes
) -> None:
    sent = prefix + value
    stranger = replace(a_webhook(query=sent, token=sent), headers=tuple((name, sent) for name in names))

    refusal(token_verifier(kind), stranger)
