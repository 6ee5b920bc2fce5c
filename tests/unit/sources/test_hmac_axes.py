"""`scheme: hmac`: every axis is used, and what would prove less than it seems to is refused."""

import base64
import hashlib
import hmac
from dataclasses import replace

import pytest

from bridge import sources
from bridge.model import Webhook
from bridge.sources.scheme import Hmac, Timestamp, Unit
from tests.unit.sources.factories import BODY, NOW, a_scheme, a_verifier, a_webhook, codes_of, problems_of, refusal

SECONDS = b"%d" % int(NOW.timestamp())


def hmac_section(*lines: str) -> str:
    return "\n".join(("scheme: hmac", "secret: $S", *lines))


def proves(verifier: sources.Verifier, webhook: Webhook) -> bool:
    return verifier.verify(webhook, NOW).by == "signature 1"


def test_header_alone_is_hexadecimal_sha256_of_the_body() -> None:
    verifier = a_verifier(hmac_section("header: X-Signature"), "a-secret")

    assert proves(verifier, a_webhook(x_signature=hmac.new(b"a-secret", BODY, "sha256").hexdigest()))


@pytest.mark.parametrize("algorithm", ["sha256", "sha1", "sha512"])
@pytest.mark.parametrize("encoding", ["hex", "base64"])
def test_algorithm_and_encoding_are_the_ones_said(algorithm: str, encoding: str) -> None:
    verifier = a_verifier(hmac_section("header: X-S", f"algorithm: {algorithm}", f"encoding: {encoding}"), "a-secret")

    for one in ("sha256", "sha1", "sha512"):
        digest = hmac.new(b"a-secret", BODY, one).digest()
        webhook = a_webhook(x_s=base64.b64encode(digest) if encoding == "base64" else digest.hex())
        if one == algorithm:
            assert proves(verifier, webhook)
        else:
            assert "malformed" == refusal(verifier, webhook)


@pytest.mark.parametrize(
    ("form", "secret"),
    [
        ("utf8", "kéy"),
        ("base64", base64.b64encode("kéy".encode()).decode()),
        ("hex", "kéy".encode().hex()),
        ("hex", "kéy".encode().hex().upper()),
        ("whsec", "whsec_" + base64.b64encode("kéy".encode()).decode()),
        ("whsec", "v1,whsec_" + base64.b64encode("kéy".encode()).decode()),
        ("whsec", base64.b64encode("kéy".encode()).decode().rstrip("=")),
    ],
)
def test_the_key_is_taken_out_of_the_secret_as_said(form: str, secret: str) -> None:
    verifier = a_verifier(hmac_section("header: X-S", f"key: {form}"), secret)

    assert proves(verifier, a_webhook(x_s=hmac.new("kéy".encode(), BODY, "sha256").hexdigest()))


@pytest.mark.parametrize(
    ("pattern", "header"),
    [
        ("{signature}", "@"),
        ("sha256={signature}", "sha256=@"),
        ("HMAC-SHA256 {signature}", "HMAC-SHA256 @"),
        ("<{signature}>", "<@>"),
        ("v1={signature},v1={signature}", "v0=1,v1=@"),
        ("{signature} {signature}", "00 @"),
        ("{signature}, {signature}", "@ , 00"),
    ],
)
def test_the_signature_is_found_as_the_pattern_says(pattern: str, header: str) -> None:
    verifier = a_verifier(hmac_section("header: X-S", f"pattern: '{pattern}'"), "a-secret")
    signature = hmac.new(b"a-secret", BODY, "sha256").hexdigest()

    assert proves(verifier, a_webhook(x_s=header.replace("@", signature)))


@pytest.mark.parametrize(
    ("signed", "message"),
    [
        ("{body}", BODY),
        ("{timestamp}.{body}", SECONDS + b"." + BODY),
        ("{timestamp}{body}", SECONDS + BODY),
        ("v0:{timestamp}:{body}:{timestamp}", b"v0:" + SECONDS + b":" + BODY + b":" + SECONDS),
        ("{id}.{timestamp}.{body}", b"evt-1." + SECONDS + b"." + BODY),
        ("{body}.{id}", BODY + b".evt-1"),
        ("{method} {url}\\n{body}", b"POST https://example.com/hook?a=1\n" + BODY),
        ("é{body}", "é".encode() + BODY),
    ],
)
def test_the_template_says_which_bytes_are_signed(signed: str, message: bytes) -> None:
    axes = [f'signed: "{signed}"', "header: X-S"]
    axes += ["timestamp: {header: X-T}"] if "{timestamp}" in signed else []
    axes += ["id: {header: X-Id}"] if "{id}" in signed else []
    axes += ["url: https://example.com/hook?a=1"] if "{url}" in signed else []
    verifier = a_verifier(hmac_section(*axes), "a-secret")

    assert proves(
        verifier, a_webhook(x_s=hmac.new(b"a-secret", message, "sha256").hexdigest(), x_t=SECONDS, x_id="evt-1")
    )


def test_signed_headers_are_those_the_proof_covers() -> None:
    section = hmac_section("header: X-S", 'signed: "{id}.{body}"', "id: {header: X-Id}")
    verifier = a_verifier(section, "a-secret")
    signed = verifier.sign(a_webhook(x_other="1"), NOW, event_id="evt-1")

    assert frozenset({"x-id"}) == verifier.verify(signed, NOW).signed_headers


def test_without_an_event_id_the_webhooks_own_is_signed_or_one_is_made_of_its_body() -> None:
    verifier = a_verifier(hmac_section("header: X-S", 'signed: "{id}.{body}"', "id: {header: X-Id}"), "a-secret")

    assert [b"evt-7"] == verifier.sign(a_webhook(x_id="evt-7"), NOW).header(b"x-id")
    made = b"msg_" + hashlib.sha256(BODY).hexdigest()[:24].encode()
    assert [made] == verifier.sign(a_webhook(), NOW).header(b"x-id")


def test_zeros_cannot_move_from_the_body_into_the_time() -> None:
    """`{body}{timestamp}` has no border: 1230 and 1770… would be the same bytes as 123 and 01770…."""
    verifier = a_verifier(
        hmac_section("header: X-S", 'signed: "{body}{timestamp}"', "timestamp: {header: X-T}"), "a-secret"
    )
    signature = hmac.new(b"a-secret", b"1230" + SECONDS, "sha256").hexdigest()

    assert proves(verifier, a_webhook(b"1230", x_s=signature, x_t=SECONDS))
    assert "malformed" == refusal(verifier, a_webhook(b"123", x_s=signature, x_t=b"0" + SECONDS))


@pytest.mark.parametrize("method", ["", "PO ST", "POST\n", "PÖST"])
def test_an_odd_method_is_refused_where_it_is_signed(method: str) -> None:
    verifier = a_verifier(hmac_section("header: X-S", 'signed: "{method}{body}"'), "a-secret")
    signature = hmac.new(b"a-secret", method.encode() + BODY, "sha256").hexdigest()
    odd = replace(a_webhook(x_s=signature), method=method)

    assert "malformed" == refusal(verifier, odd)


@pytest.mark.parametrize(("size", "detail"), [(0, "missing"), (256, ""), (257, "malformed")])
@pytest.mark.parametrize("place", ["header", "list"])
def test_an_id_has_a_length(size: int, detail: str, place: str) -> None:
    where = "header: X-S\nid: {header: X-Id}" if place == "header" else "header: X-S\npattern: id={id},v1={signature}"
    verifier = a_verifier(hmac_section('signed: "{id}.{body}"', where), "a-secret")
    signature = hmac.new(b"a-secret", b"x" * size + b"." + BODY, "sha256").hexdigest()
    webhook = (
        a_webhook(x_s=signature, x_id="x" * size)
        if place == "header"
        else a_webhook(x_s=f"id={'x' * size},v1={signature}")
    )

    if detail:
        assert detail == refusal(verifier, webhook)
    else:
        assert proves(verifier, webhook)


@pytest.mark.parametrize("joint", [" ", ", ", " , ", ",  "])
def test_a_list_of_signatures_may_have_commas_besides_its_spaces(joint: str) -> None:
    """As Supabase writes it while its secret is being changed."""
    key = "whsec_" + base64.b64encode(b"a-secret").decode()
    verifier = a_verifier("scheme: standard-webhooks\nsecret: $S", key)
    message = b"msg_1." + SECONDS + b"." + BODY
    right = "v1," + base64.b64encode(hmac.new(b"a-secret", message, "sha256").digest()).decode()
    other = "v1," + base64.b64encode(hmac.new(b"another", message, "sha256").digest()).decode()

    for signatures in ([right, other], [other, right], [other, right, other]):
        webhook = a_webhook(
            webhook_id="msg_1", webhook_timestamp=SECONDS.decode(), webhook_signature=joint.join(signatures)
        )
        assert proves(verifier, webhook)


def test_a_part_with_a_name_is_no_part_without_one() -> None:
    section = hmac_section("header: X-S", 'signed: "{id}.{body}"', 'pattern: "{id},v1={signature}"')
    verifier = a_verifier(section, "a-secret")
    signature = hmac.new(b"a-secret", b"evt-1." + BODY, "sha256").hexdigest()

    assert proves(verifier, a_webhook(x_s=f"v1={signature},evt-1"))
    assert "malformed" == refusal(verifier, a_webhook(x_s=f"v1={signature},evt-1,evt-2"))


@pytest.mark.parametrize(
    ("axes", "timestamp"),
    [
        (["timestamp: {header: X-T}"], Timestamp(header=b"x-t")),
        (["timestamp: {header: X-T, unit: ms}", "tolerance: 180"],
         Timestamp(header=b"x-t", unit=Unit.MILLISECONDS, tolerance_seconds=180)),
        (["pattern: 't={timestamp},v1={signature}'"], Timestamp()),
        (["pattern: 't={timestamp},v1={signature}'", "timestamp: {part: t, unit: iso}"], Timestamp(unit=Unit.ISO)),
        (["pattern: 't:{timestamp};v1:{signature}'", "timestamp: {unit: ms}"], Timestamp(unit=Unit.MILLISECONDS)),
    ],
)  # fmt: skip
def test_the_time_stands_where_it_is_said(axes: list[str], timestamp: Timestamp) -> None:
    proof = a_scheme(hmac_section("header: X-S", 'signed: "{timestamp}.{body}"', *axes)).proof

    assert isinstance(proof, Hmac)
    assert timestamp == proof.timestamp


@pytest.mark.parametrize(
    ("axes", "codes"),
    [
        ([], ["missing-key"]),
        (["header: ''"], ["empty-value"]),
        (["header: 'X Signature'"], ["wrong-value"]),
        (["header: 'X-Signature:'"], ["wrong-value"]),
        (["header: ${HEADER}"], ["no-variable-here"]),
        (["header: X", "algorithm: md5"], ["wrong-value"]),
        (["header: X", "signed: '{timestamp}'", "timestamp: {header: T}"], ["body-not-signed"]),
        (["header: X", "signed: 'body'"], ["body-not-signed"]),
        (["header: X", "signed: '{timestamp}.{body}'"], ["no-place"]),
        (["header: X", "signed: '{id}.{body}'"], ["no-place"]),
        (["header: []"], ["empty-value"]),
        (["header: [X, 'X Y']"], ["wrong-value"]),
        (["header: [X, [Y]]"], ["wrong-type"]),
        (["header: [X, Y, x]"], ["one-header-twice"]),
        (["header: X", "handshake: slak"], ["wrong-value"]),
        (["header: X", "verify_token: ${T}"], ["unused-token"]),
        (["header: X", "handshake: slack", "verify_token: ${T}"], ["unused-token"]),
        (["header: X", "handshake: meta", "verify_token: ''"], ["wrong-value"]),
        (["header: X", "handshake: meta", "verify_token: ['${T}']"], ["wrong-value"]),
        (["header: X", "signed: '1770091506.{body}'"], ["pasted-timestamp"]),
        (["header: X", "signed: '2026-02-03T04:05:06Z.{body}'"], ["pasted-timestamp"]),
        (["header: X", "signed: '{secret}{body}'"], ["secret-in-template"]),
        (["header: X", "signed: '{body}{signature}'"], ["unknown-placeholder"]),
        (["header: X", "signed: '{body'"], ["stray-brace"]),
        (["header: X", "signed: 'body}'"], ["stray-brace"]),
        (["header: X", "signed: '{id}{body}'", "id: {header: I}"], ["borderless-id"]),
        (["header: X", "signed: '{body}{id}'", "id: {header: I}"], ["borderless-id"]),
        (["header: X", "timestamp: {header: T}"], ["not-signed"]),
        (["header: X", "id: {header: I}"], ["not-signed"]),
        (["header: X", "url: https://example.com"], ["not-signed"]),
        (["header: X", "signed: '{url}{body}'", "url: example.com/hook"], ["wrong-value"]),
        (["header: X", "signed: '{url}{body}'", "url: https://example.com/a b"], ["wrong-value"]),
        (["header: X", "timestamp: T"], ["wrong-type", "not-signed"]),
        (["header: X", "signed: '{timestamp}{body}'", "timestamp: {unit: s}"], ["no-place"]),
        (["header: X", "signed: '{timestamp}{body}'", "timestamp: {header: T, unit: h}"], ["wrong-value"]),
        (["header: X", "signed: '{timestamp}{body}'", "timestamp: {headr: T}"], ["unknown-key", "no-place"]),
        (["header: X", "signed: '{timestamp}{body}'", "timestamp: {header: x}"], ["one-header-twice"]),
        (["header: X", "signed: '{timestamp}{body}'", "timestamp: {part: t}"], ["no-such-part", "no-place"]),
        (["header: X", "signed: '{timestamp}{body}'", "pattern: 't={timestamp},v1={signature}'",
          "timestamp: {header: T}"], ["two-places"]),
        (["header: X", "signed: '{timestamp}{body}'", "pattern: 't={timestamp},v1={signature}'",
          "timestamp: {part: ts}"], ["no-such-part"]),
        (["header: X", "tolerance: 300"], ["tolerance-without-time"]),
        (["header: X", "signed: '{timestamp}{body}'", "timestamp: {header: T}", "tolerance: 0"], ["wrong-value"]),
        (["header: X", "signed: '{timestamp}{body}'", "timestamp: {header: T}", "tolerance: 5m"], ["wrong-value"]),
        (["header: X", "signed: '{timestamp}{body}'", "timestamp: {header: T}", f"tolerance: {'9' * 5000}"],
         ["wrong-value"]),
        (["header: X", "pattern: 'sha256='"], ["no-signature"]),
        (["header: X", "pattern: '{timestamp}'"], ["no-signature"]),
        (["header: X", "pattern: '{signature}{signature}'"], ["unseparated-list"]),
        (["header: X", "pattern: 'a={signature}|b={signature}'"], ["unseparated-list"]),
        (["header: X", "pattern: 'a={signature},x=1,b={signature}'"], ["unseparated-list"]),
        (["header: X", "pattern: '{timestamp},{signature}'", "signed: '{timestamp}.{body}'"], ["ambiguous-list"]),
        (["header: X", "pattern: 'a={timestamp},b={timestamp},c={signature}'", "signed: '{timestamp}.{body}'"],
         ["ambiguous-list"]),
        (["header: X", "pattern: 'v={body}'"], ["unknown-placeholder"]),
    ],
)  # fmt: skip
def test_what_would_prove_less_than_it_seems_is_said(axes: list[str], codes: list[str]) -> None:
    assert codes == codes_of(hmac_section(*axes))


def test_a_problem_in_a_template_has_its_caret_inside() -> None:
    (problem,) = problems_of(hmac_section("header: X", 'signed: "v0:{time}:{body}"'))

    assert str(problem) == (
        "a.yaml:4:9: there is no such placeholder here\n"
        "    v0:{time}:{body}\n"
        "       ^\n"
        '  fix: did you mean "timestamp"?'
    )


def test_either_of_two_headers_proves_and_both_at_once_do_not() -> None:
    verifier = a_verifier(hmac_section("header: [X-New, X-Old]"), "a-secret")
    signature = hmac.new(b"a-secret", BODY, "sha256").hexdigest()

    assert proves(verifier, a_webhook(x_new=signature))
    assert proves(verifier, a_webhook(x_old=signature))
    assert "malformed" == refusal(verifier, a_webhook(x_new=signature, x_old=signature))
    assert "malformed" == refusal(verifier, a_webhook(x_old=signature, x_new=""))
    assert "missing" == refusal(verifier, a_webhook(x_other=signature))


def test_a_sample_carries_the_first_of_several_headers_alone() -> None:
    verifier = a_verifier(hmac_section("header: [X-New, X-Old]"), "a-secret")

    signed = verifier.sign(a_webhook(x_old="old", x_new="old"), NOW)

    assert [b"x-new"] == [name for name, _ in signed.headers]
    assert proves(verifier, signed)


def test_an_address_that_is_not_said_is_the_one_given_when_bound() -> None:
    unsaid = a_scheme(hmac_section("header: X", "signed: '{url}{body}'"))
    said = a_scheme(hmac_section("header: X", "signed: '{url}{body}'", "url: https://a.example/b"))
    webhook = a_webhook(x=hmac.new(b"a-secret", b"https://a.example/b" + BODY, "sha256").hexdigest())

    assert (True, False) == (unsaid.needs_url, said.needs_url)
    assert proves(sources.bind(unsaid, ["a-secret"], url="https://a.example/b"), webhook)
    assert proves(sources.bind(said, ["a-secret"], url="https://elsewhere.example"), webhook)
    assert "mismatch" == refusal(sources.bind(unsaid, ["a-secret"], url="https://elsewhere.example"), webhook)
