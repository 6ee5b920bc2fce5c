"""From a `verify` section and the operator's variables to a verifier: what is filled in, and what is missed."""

import hmac
from dataclasses import replace
from pathlib import Path

import pytest

from bridge import library, sources
from bridge.credentials import Bound, bind, unset
from bridge.errors import Refused, Severity
from bridge.model import Webhook
from tests.contract.signing import paypal
from tests.unit.sources.authority import LIVE, LIVE_URL
from tests.unit.sources.factories import BODY, NOW, a_webhook, verify_node

SQUARE = "scheme: hmac\nheader: X-S\nsigned: '{url}{body}'\nsecret: ${SQUARE_SECRET}"
META = "scheme: meta\nsecret: ${META_SECRET}\nverify_token: ${META_VERIFY_TOKEN}"


def bound(section: str, source: str = "square", **variables: str) -> Bound:
    return bind(verify_node(section), source, lookup=variables.get)


def proves_address(made: Bound, url: str) -> bool:
    assert made.verifier is not None, made
    signature = hmac.new(b"s3cr3t-one", url.encode() + BODY, "sha256").hexdigest()
    try:
        made.verifier.verify(a_webhook(x_s=signature), NOW)
    except Refused:
        return False
    return True


@pytest.mark.parametrize(
    ("public", "url"),
    [
        ("https://hooks.example.com", "https://hooks.example.com/webhooks/square"),
        ("https://hooks.example.com/", "https://hooks.example.com/webhooks/square"),
        ("https://example.com/bridge", "https://example.com/bridge/webhooks/square"),
        ("https://example.com:8443/bridge//", "https://example.com:8443/bridge/webhooks/square"),
        (" https://hooks.example.com\n", "https://hooks.example.com/webhooks/square"),
    ],
)
def test_the_address_a_sender_signs_is_where_the_bridge_is_reached(public: str, url: str) -> None:
    made = bound(SQUARE, SQUARE_SECRET="s3cr3t-one", TRACKBRIDGE_PUBLIC_URL=public)

    assert proves_address(made, url)
    assert not proves_address(made, url + "/")


@pytest.mark.parametrize(
    ("section", "secret", "codes"),
    [
        ("scheme: token\npath: true\nsecret: ${S}", "hunter2", ["short-secret"]),
        ("scheme: token\npath: true\nsecret: ${S}", "a-secret-long-enough\nhunter2", ["short-secret"]),
        ("scheme: token\npath: true\nsecret: ${S}", "twelve-chars", []),
        ("scheme: basic\nsecret: ${S}", "a-user-of-some-length:hunter2", ["short-secret"]),
        ("scheme: basic\nsecret: ${S}", "ada:twelve-chars", []),
        ("scheme: lemonsqueezy\nsecret: ${S}", "sixsix", []),
    ],
    ids=["short", "one of two", "long enough", "password", "long password", "the sender allows six"],
)
def test_a_secret_that_can_be_guessed_is_a_warning(section: str, secret: str, codes: list[str]) -> None:
    made = bound(section, S=secret)

    assert made.verifier is not None
    assert codes == [problem.code for problem in made.problems]
    assert all(problem.severity is Severity.WARNING for problem in made.problems)
    assert "hunter2" not in repr(made.problems)


def test_an_address_that_the_mapping_says_is_the_one() -> None:
    section = SQUARE + "\nurl: ${MY_URL}"

    made = bound(section, SQUARE_SECRET="s3cr3t-one", MY_URL="https://a.example/b", TRACKBRIDGE_PUBLIC_URL="https://c")

    assert proves_address(made, "https://a.example/b")


def test_without_the_address_the_source_is_off_and_says_which_variables_it_needs() -> None:
    assert Bound(missing=("TRACKBRIDGE_PUBLIC_URL",)) == bound(SQUARE, SQUARE_SECRET="s3cr3t-one")
    assert Bound(missing=("SQUARE_SECRET", "TRACKBRIDGE_PUBLIC_URL")) == bound(SQUARE)


def test_a_source_that_signs_no_address_needs_none() -> None:
    assert bound("scheme: typeform\nsecret: ${S}", S="s3cr3t-one").verifier is not None


def test_what_is_unset_is_told_with_the_reason() -> None:
    problem = unset(verify_node(SQUARE), "square", "TRACKBRIDGE_PUBLIC_URL")

    assert "TRACKBRIDGE_PUBLIC_URL is not set" == problem.what
    assert 'without it no webhook of "square" can be proven: its sender signs the address it was given' == problem.why


@pytest.mark.parametrize(("token", "status"), [("a-verify-token", 200), ("", 403)])
def test_the_verify_token_is_for_the_handshake_alone(token: str, status: int) -> None:
    verifier = bound(META, META_SECRET="s3cr3t-one", META_VERIFY_TOKEN=token).verifier
    assert verifier is not None
    asked = replace(
        a_webhook(query=b"hub.mode=subscribe&hub.challenge=1&hub.verify_token=a-verify-token"), method="GET"
    )

    assert "signature 1" == verifier.verify(verifier.sign(a_webhook(), NOW), NOW).by
    assert status == answered(verifier, asked)


def answered(verifier: sources.Verifier, asked: Webhook) -> int:
    try:
        reply = verifier.challenge(asked)
    except Refused as refused:
        return refused.status
    return reply.status if reply else 405


def test_a_verify_token_in_the_file_is_a_warning_and_is_not_shown() -> None:
    made = bound("scheme: meta\nsecret: ${S}\nverify_token: hunter2hunter2", S="s3cr3t-one")

    assert [("literal-secret", Severity.WARNING)] == [(p.code, p.severity) for p in made.problems]
    assert "hunter2" not in str(made.problems[0])


@pytest.mark.parametrize(
    ("variables", "is_on", "is_idle"),
    [
        ({}, False, True),
        ({"TRACKBRIDGE_PUBLIC_URL": "https://hooks.example.com"}, False, True),
        ({"SQUARE_WEBHOOK_SECRET": "s3cr3t-one"}, False, False),
        ({"SQUARE_WEBHOOK_SECRET": "s3cr3t-one", "TRACKBRIDGE_PUBLIC_URL": "https://hooks.example.com"}, True, False),
    ],
)
def test_a_shipped_source_is_idle_until_its_own_secret_is_set(
    tmp_path: Path, variables: dict[str, str], is_on: bool, is_idle: bool
) -> None:
    """With its secret and without an address it is off, and somebody wants it on: that must be said."""
    loaded = library.load(shipped=library.shipped_folder(), folder=tmp_path, lookup=variables.get)

    assert (is_on, is_idle) == (loaded.sources["square"].is_on, loaded.sources["square"].is_idle)


def test_a_certificate_is_asked_for_where_the_library_was_told_to(tmp_path: Path) -> None:
    asked: list[tuple[str, str]] = []

    def certificates(url: str, name: str) -> sources.Lack:
        asked.append((url, name))
        return sources.Lack.REFUSED

    lookup = {"PAYPAL_WEBHOOK_SECRET": "8PT597110X687430LKGECATA"}.get
    loaded = library.load(shipped=library.shipped_folder(), folder=tmp_path, lookup=lookup, certificates=certificates)
    verifier = loaded.sources["paypal"].verifier
    assert verifier is not None
    signed = paypal("8PT597110X687430LKGECATA", BODY, int(NOW.timestamp()))
    webhook = Webhook(
        source="paypal",
        headers=tuple((name.encode(), value) for name, value in signed.items()),
        body=BODY,
        received_at=NOW,
    )

    with pytest.raises(Refused, match="mismatch"):
        verifier.verify(webhook, NOW)
    assert [(LIVE_URL, LIVE)] == asked
