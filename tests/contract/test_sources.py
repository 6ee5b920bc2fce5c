"""Every scheme and every shipped mapping against one table of attacks.

What is genuine is proven, and nothing but Refused comes of the rest.
"""

import time
from dataclasses import replace
from datetime import timedelta
from functools import cache

import pytest

from bridge import sources
from bridge.errors import ConfigError, Refused
from bridge.sources.presets import PRESETS
from tests.contract.attacks import ATTACKS, Attack
from tests.contract.forgeries import with_header
from tests.contract.senders import FILES, SENDERS, SHIPPED, SIGNERS, Sender, Shipped
from tests.unit.sources.authority import certificates
from tests.unit.sources.factories import NOW, a_scheme, refusal

PAIRS = [pytest.param(s, a, id=f"{s.name}-{a.name}") for s in SENDERS for a in ATTACKS if a.applies(s)]
EVERY = pytest.mark.parametrize("sender", SENDERS, ids=lambda sender: sender.name)
BY_NAME = pytest.mark.parametrize("sender", SIGNERS, ids=lambda sender: sender.name)
EVERY_SHIPPED = pytest.mark.parametrize("one", SHIPPED, ids=lambda one: one.mapping.source)
TIMED = [sender for sender in SENDERS if sender.tolerance]
HEXADECIMAL = [sender for sender in SIGNERS if not sender.is_base64]
SELF_SIGNED = [sender for sender in SIGNERS if "paypal" not in sender.name and "public" not in sender.name]
#: not of which only the sender has the key, nor what we sign in the older of two ways
WE_SIGN = pytest.mark.parametrize(
    "sender", [one for one in SELF_SIGNED if "newer" not in one.name], ids=lambda sender: sender.name
)
LISTS = [sender for sender in SENDERS if sender.separator]


def bound(sender: Sender, *secrets: str) -> sources.Verifier:
    return sources.bind(a_scheme(sender.verify), secrets, certificates=certificates)


@cache
def verifier(sender: Sender) -> sources.Verifier:
    return bound(sender, sender.secrets[0])


def test_every_scheme_is_in_the_table() -> None:
    in_table = {a_scheme(sender.verify).name for sender in SENDERS}

    assert set(sources.SCHEMES) == in_table | {"none"}
    assert set(PRESETS) <= in_table


def test_every_shipped_mapping_is_in_the_table() -> None:
    """Nobody adds a mapping without an attacker: the table counts sources and attacks."""
    tried = {one.mapping.source: sum(attack.applies(one.sender) for attack in ATTACKS) for one in SHIPPED}

    print(f"{len(PAIRS)} attacks on {len(SENDERS)} schemes, {sum(tried.values())} on {len(tried)} shipped mappings")
    assert [file.stem for file in FILES] == list(tried)
    assert 20 <= min(tried.values())


@pytest.mark.parametrize(("sender", "attack"), PAIRS)
def test_an_attack_is_refused(sender: Sender, attack: Attack) -> None:
    prover, forged = verifier(sender), attack.forge(sender)

    started = time.process_time()
    detail = refusal(prover, forged)

    assert detail in attack.details | sender.words
    assert time.process_time() - started < 0.05


@EVERY_SHIPPED
def test_every_attack_on_a_shipped_mapping_is_refused(one: Shipped) -> None:
    sender, prover = one.sender, one.bound(one.sender.secrets[0]).verifier
    assert prover is not None

    refused = {attack: refusal(prover, attack.forge(sender)) for attack in ATTACKS if attack.applies(sender)}

    assert {} == {one.name: word for one, word in refused.items() if word not in one.details | sender.words}


@EVERY_SHIPPED
def test_a_shipped_mapping_takes_the_secret_in_use_and_the_one_before(one: Shipped) -> None:
    new, old, other = one.sender.secrets
    rotating = one.bound(new, old).verifier
    assert rotating is not None

    assert rotating.verify(one.sender.webhook(secret=new), NOW).by.endswith(" 1")
    assert rotating.verify(one.sender.webhook(secret=old), NOW).by.endswith(" 2")
    assert "mismatch" == refusal(rotating, one.sender.webhook(secret=other))


@EVERY_SHIPPED
@pytest.mark.parametrize("secret", ["", " ", "\n \n"])
def test_a_shipped_mapping_without_a_secret_is_off(one: Shipped, secret: str) -> None:
    """Off is answered 503: an empty secret never lets anybody in."""
    empty = one.bound(secret)

    assert empty.verifier is None
    assert empty.missing


@EVERY_SHIPPED
def test_a_shipped_mapping_that_signs_its_address_is_off_without_one(one: Shipped) -> None:
    signs_address = "url:" in one.sender.verify

    unaddressed = one.bound(one.sender.secrets[0], public_url="")

    assert (("TRACKBRIDGE_PUBLIC_URL",) if signs_address else ()) == unaddressed.missing
    assert signs_address == (unaddressed.verifier is None)


@EVERY
def test_what_another_scheme_proves_is_refused(sender: Sender) -> None:
    """A webhook that is right for another sender, under the very same secret."""
    own = sender.webhook()

    for other in SENDERS:
        try:
            webhook = replace(other.webhook(secret=sender.secrets[0]), source=own.source)
        except ValueError:  # the secret cannot be that scheme's
            continue
        if own != webhook and sender.verify != other.verify:
            refusal(verifier(sender), webhook)


@EVERY
def test_a_secret_in_use_and_the_one_before_pass_and_no_other(sender: Sender) -> None:
    new, old, other = sender.secrets
    rotating = bound(sender, new, old)

    assert rotating.verify(sender.webhook(secret=new), NOW).by.endswith(" 1")
    assert rotating.verify(sender.webhook(secret=old), NOW).by.endswith(" 2")
    assert "mismatch" == refusal(rotating, sender.webhook(secret=other))


@BY_NAME
def test_a_genuine_webhook_is_proven(sender: Sender) -> None:
    webhook = sender.webhook()

    verified = verifier(sender).verify(webhook, NOW)

    assert webhook is verified.webhook
    assert "signature 1" == verified.by
    assert frozenset({sender.timestamp, sender.id} - {""}) == verified.signed_headers
    assert not verified.sample


@BY_NAME
def test_the_first_of_equal_secrets_is_named(sender: Sender) -> None:
    twice = bound(sender, sender.secrets[0], sender.secrets[0])

    assert "signature 1" == twice.verify(sender.webhook(), NOW).by


@EVERY
@pytest.mark.parametrize("secret", ["", " ", "\n", "${SECRET}", "changeme", "whsec_...", "<secret>"])
def test_what_is_no_secret_makes_no_verifier(sender: Sender, secret: str) -> None:
    with pytest.raises(ConfigError) as caught:
        bound(sender, sender.secrets[0], secret)

    assert ["secret 2 cannot be used"] == [problem.what.split(":")[0] for problem in caught.value.problems]


@BY_NAME
@pytest.mark.parametrize("body", [b"", b"\0", b"\r\n", b"{a:1, b:2}", b"x" * 100_000], ids=lambda body: f"{body[:9]!r}")
def test_any_bytes_can_be_signed(sender: Sender, body: bytes) -> None:
    assert "signature 1" == verifier(sender).verify(sender.webhook(body=body), NOW).by


@BY_NAME
def test_a_signed_body_that_is_not_utf_8_is_for_the_reader_to_judge(sender: Sender) -> None:
    """Stripe sends UTF-8 only, and a plain hash can be lengthened by bytes that are none; all others prove bytes."""
    webhook = sender.webhook(body=b"\xff\xfe{}")

    if sender.name == "stripe" or sender.is_text:
        assert "malformed" == refusal(verifier(sender), webhook)
    else:
        assert "signature 1" == verifier(sender).verify(webhook, NOW).by


@pytest.mark.parametrize("sender", HEXADECIMAL, ids=lambda sender: sender.name)
def test_hexadecimal_may_be_upper_case_but_for_stripe(sender: Sender) -> None:
    webhook = sender.webhook()
    value = webhook.header(sender.header.encode())[0]
    size = len(value) - 40
    louder = with_header(webhook, sender.header, value[:size] + value[size:].upper())

    if sender.name == "stripe":
        assert "mismatch" == refusal(verifier(sender), louder)
    else:
        assert "signature 1" == verifier(sender).verify(louder, NOW).by


@pytest.mark.parametrize("sender", TIMED, ids=lambda sender: sender.name)
def test_the_border_of_the_window_is_inside_both_ways(sender: Sender) -> None:
    for age in (sender.tolerance, -(sender.ahead or sender.tolerance)):
        assert "signature 1" == verifier(sender).verify(sender.webhook(age=age), NOW).by


@pytest.mark.parametrize("sender", TIMED, ids=lambda sender: sender.name)
def test_a_moment_beyond_the_border_is_outside(sender: Sender) -> None:
    late, early = NOW + timedelta(microseconds=1), NOW - timedelta(microseconds=1)

    for age, now, word in (
        (sender.tolerance, late, "stale"),
        (-(sender.ahead or sender.tolerance), early, "future"),
    ):
        with pytest.raises(Refused, match=word):
            verifier(sender).verify(sender.webhook(age=age), now)


@pytest.mark.parametrize("sender", LISTS, ids=lambda sender: sender.name)
def test_a_list_may_hold_other_parts_in_any_order(sender: Sender) -> None:
    webhook = sender.webhook()
    value = webhook.header(sender.header.encode())[0]
    parts = value.split(sender.separator)
    key = parts[-1].strip()[: parts[-1].strip().index(b"," if sender.separator == b" " else b"=") + 1]
    wrong = key + (b"AAAA" if sender.is_base64 else b"00")
    shuffled = sender.separator.join([b"v0=1", wrong, b" " + parts[-1].strip(), b"", b"v9", *parts[:-1], b"x=y=z"])

    assert "signature 1" == verifier(sender).verify(with_header(webhook, sender.header, shuffled), NOW).by


@WE_SIGN
def test_what_we_sign_is_what_the_sender_signs(sender: Sender) -> None:
    bare = replace(sender.webhook(), headers=((b"user-agent", b"sender/1"),))

    signed = verifier(sender).sign(bare, NOW, event_id="msg_2cQ7")

    assert set(sender.webhook().headers) == {
        (name, value.replace(b";", b"; ") if sender.name == "hmac-iso" else value) for name, value in signed.headers
    }


@WE_SIGN
def test_signing_again_replaces_the_old_proof(sender: Sender) -> None:
    old = sender.webhook(secret=sender.secrets[2], age=10_000)

    signed = verifier(sender).sign(old, NOW)

    assert len({name for name, _ in signed.headers}) == len(signed.headers)
    assert "signature 1" == verifier(sender).verify(signed, NOW).by


@BY_NAME
def test_the_samples_mark_is_honoured_behind_the_proof_only(sender: Sender) -> None:
    marked = with_header(sender.webhook(), "trackbridge-test", b"1")

    assert verifier(sender).verify(marked, NOW).sample
    assert "mismatch" == refusal(verifier(sender), replace(marked, body=b"{}"))
    assert not verifier(sender).verify(with_header(marked, "trackbridge-test", b"0"), NOW).sample
