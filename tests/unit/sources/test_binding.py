"""Secrets: what cannot be one is refused by number and place, and never shown."""

import subprocess
import sys

import pytest

from bridge import sources
from bridge.errors import ConfigError
from tests.unit.sources.factories import NOW, a_scheme, a_verifier, a_webhook, verify_node

SECTIONS = {
    "stripe": "{scheme: stripe, secret: $S}",
    "utf8": "{scheme: hmac, header: X, secret: $S}",
    "hex": "{scheme: hmac, header: X, key: hex, secret: $S}",
    "base64": "{scheme: hmac, header: X, key: base64, secret: $S}",
    "whsec": "{scheme: standard-webhooks, secret: $S}",
    "polar-like": "{scheme: polar, key: whsec, secret: $S}",
    "paypal": "{scheme: paypal, secret: $S}",
    "token": "{scheme: token, header: X, secret: $S}",
    "basic": "{scheme: basic, secret: $S}",
}


@pytest.mark.parametrize(
    ("section", "secret", "why"),
    [
        *((section, "", "it is empty") for section in SECTIONS),
        *((section, " \t\n ", "it is empty") for section in SECTIONS),
        ("stripe", " whsec_4eC39H", "there is white space around it"),
        ("stripe", "whsec_4eC39H\n", "there is white space around it"),
        ("stripe", "whsec_4e\0C39H", "it holds characters that no secret has"),
        ("stripe", "whsec_4e\udcffC39H", "it holds characters that no secret has"),
        ("stripe", "${STRIPE_WEBHOOK_SECRET}", "it is a variable that was not replaced"),
        ("token", "$SHOP_WEBHOOK_SECRET", "it is a variable that was not replaced"),
        ("token", "%SHOP_WEBHOOK_SECRET%", "it is a variable that was not replaced"),
        ("token", "{{ secrets.shop }}", "it is a variable that was not replaced"),
        ("stripe", "whsec_", "it is a placeholder, not a secret"),
        ("stripe", "whsec_…", "it is a placeholder, not a secret"),
        ("stripe", "whsec_XXXXXXXX", "it is a placeholder, not a secret"),
        ("stripe", "your-webhook-secret", "it is a placeholder, not a secret"),
        ("token", "<your token>", "it is a placeholder, not a secret"),
        ("token", "CHANGE_ME", "it is a placeholder, not a secret"),
        ("token", "****", "it is a placeholder, not a secret"),
        ("basic", "user:password", "it is a placeholder, not a secret"),
        ("utf8", "no-secret-provided", "it is a placeholder, not a secret"),
        ("stripe", "sk_live_51Hx", "it is an API key, not an endpoint's signing secret (whsec_…)"),
        ("stripe", "rk_live_51Hx", "it is an API key, not an endpoint's signing secret (whsec_…)"),
        ("hex", "0f0", "it is not written as `key: hex` says"),
        ("hex", "zz", "it is not written as `key: hex` says"),
        ("hex", "éé", "it is not written as `key: hex` says"),
        ("base64", "a", "it is not written as `key: base64` says"),
        ("base64", "a_-b", "it is not written as `key: base64` says"),
        ("base64", "====", "it is not written as `key: base64` says"),
        ("whsec", "whsec_not base64", "it is not written as `key: whsec` says"),
        ("whsec", "whpk_1SiA4o9hyqTC", "it is not a public key (whpk_ and 32 bytes in base64)"),
        ("whsec", "whpk_not base64", "it is not a public key (whpk_ and 32 bytes in base64)"),
        (
            "whsec",
            "whsk_MDEyMw==",
            "it is a private key, which is the sender's alone; the public one begins with whpk_",
        ),
        ("polar-like", "whpk_1SiA4o9hyqTC", "it is not written as `key: whsec` says"),
        ("paypal", "AbC-123", "it is not a webhook's id, of letters and digits"),
        ("paypal", "WEBHOOK_ID", "it is not a webhook's id, of letters and digits"),
        ("basic", "bob", "it is not written user:password"),
        ("basic", "bob:", "it is not written user:password"),
        ("basic", ":s3cr3t", "it is not written user:password"),
    ],
)
def test_what_cannot_be_a_secret_makes_no_verifier(section: str, secret: str, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        a_verifier(SECTIONS[section], secret)

    (problem,) = caught.value.problems
    assert f"the secret cannot be used: {why}" == problem.what
    assert ("unusable-secret", "a.yaml", 1) == (problem.code, problem.place.file, problem.place.line)


def test_all_unusable_secrets_are_said_and_none_is_shown() -> None:
    scheme = a_scheme("scheme: hmac\nheader: X\nkey: hex\nsecret:\n  - hunter2\n  - 00ff\n  - hunter3")

    with pytest.raises(ConfigError) as caught:
        sources.bind(scheme, ["hunter2", "00ff", "hunter3"])

    assert "hunter" not in str(caught.value)
    assert [("secret 1", 5), ("secret 3", 7)] == [(p.what[:8], p.place.line) for p in caught.value.problems]


def test_one_value_of_several_lines_is_shown_at_its_only_place() -> None:
    with pytest.raises(ConfigError) as caught:
        a_verifier("scheme: stripe\nsecret: $S", "whsec_4eC39H", "")

    assert ["a.yaml:2:9"] == [str(problem.place) for problem in caught.value.problems]


def test_a_secret_pasted_into_the_template_is_refused() -> None:
    with pytest.raises(ConfigError, match="also stands in the `signed` template") as caught:
        a_verifier("{scheme: hmac, header: X, signed: 'hunter2.{body}', secret: $S}", "hunter2")

    assert "hunter2" not in str(caught.value)


def test_no_secret_at_all_makes_no_verifier() -> None:
    with pytest.raises(ConfigError, match="there is no secret"):
        a_verifier(SECTIONS["token"])


def test_a_sender_that_signs_an_address_nobody_knows_makes_no_verifier() -> None:
    with pytest.raises(ConfigError, match="TRACKBRIDGE_PUBLIC_URL") as caught:
        a_verifier("{scheme: square, secret: $S}", "s3cr3t-one")

    assert ["no-address"] == [problem.code for problem in caught.value.problems]


@pytest.mark.parametrize("token", ["changeme", " spaced ", "${META_VERIFY_TOKEN}", "hunter2\0"])
def test_a_verify_token_that_cannot_be_one_makes_no_verifier(token: str) -> None:
    scheme = a_scheme("scheme: meta\nsecret: $S\nverify_token: $T")

    with pytest.raises(ConfigError, match="the `verify_token` cannot be used") as caught:
        sources.bind(scheme, ["s3cr3t-one"], verify_token=token)

    assert "a.yaml:3:15" == str(caught.value.problems[0].place)
    assert "hunter2" not in str(caught.value)


def test_scheme_none_needs_no_secret_and_says_what_it_proved() -> None:
    scheme, _ = sources.parse(verify_node("scheme: none"))
    assert scheme is not None
    verifier = sources.bind(scheme, [])

    verified = verifier.verify(a_webhook(), NOW)

    assert ("nothing (scheme none)", None) == (verified.by, verified.signed_headers)
    assert a_webhook() == verifier.sign(a_webhook(), NOW)
    assert not verifier.signs


@pytest.mark.parametrize("section", ["stripe", "utf8", "token"])
def test_every_other_scheme_signs(section: str) -> None:
    assert a_verifier(SECTIONS[section], "s3cr3t-one").signs


def test_an_example_counts_as_proven_as_a_whole() -> None:
    verified = sources.sample(a_webhook())

    assert ("example", None, False) == (verified.by, verified.signed_headers, verified.sample)


@pytest.mark.parametrize(
    ("name", "secret", "library", "is_there"),
    [
        ("github", "s3cr3tone", "stripe", False),
        ("stripe", "s3cr3tone", "stripe", True),
        ("standard-webhooks", "whsec_MDEyMw==", "cryptography", False),
        ("standard-webhooks", "whpk_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", "cryptography", True),
        ("paypal", "s3cr3tone", "cryptography", False),
    ],
)
def test_a_library_is_imported_for_those_who_need_it(name: str, secret: str, library: str, is_there: bool) -> None:
    program = f"""
import sys
from tests.unit.sources.factories import a_verifier
a_verifier("{{scheme: {name}, secret: $S}}", "{secret}")
print("{library}" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)

    assert str(is_there) == done.stdout.strip()
