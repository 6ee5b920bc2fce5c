"""Every scheme against one table of attacks: what is genuine is proven, and nothing but Refused comes of the rest."""

import time
from dataclasses import replace
from datetime import timedelta
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge import sources
from bridge.errors import ConfigError, Refused
from bridge.sources.presets import PRESETS
from tests.contract.attacks import ATTACKS, Attack
from tests.contract.forgeries import with_header
from tests.contract.senders import SECONDS, SENDERS, Sender
from tests.unit.sources.factories import BODY, NOW, a_scheme, refusal

PAIRS = [pytest.param(s, a, id=f"{s.name}-{a.name}") for s in SENDERS for a in ATTACKS if a.applies(s)]
BY_NAME = pytest.mark.parametrize("sender", SENDERS, ids=lambda sender: sender.name)
TIMED = [sender for sender in SENDERS if sender.tolerance]
HEXADECIMAL = [sender for sender in SENDERS if not sender.is_base64]
LISTS = [sender for sender in SENDERS if sender.separator]


@cache
def verifier(sender: Sender) -> sources.Verifier:
    return sources.bind(a_scheme(sender.verify), sender.secrets[:1])


def test_every_scheme_is_in_the_table() -> None:
    in_table = {sender.name for sender in SENDERS} | {"token", "basic", "none"}

    assert set(sources.SCHEMES) == in_table - {"hmac-iso"}
    assert set(PRESETS) <= in_table


@pytest.mark.parametrize(("sender", "attack"), PAIRS)
def test_an_attack_is_refused(sender: Sender, attack: Attack) -> None:
    prover, forged = verifier(sender), attack.forge(sender)

    started = time.process_time()
    detail = refusal(prover, forged)

    assert detail in attack.details
    assert time.process_time() - started < 0.05


@BY_NAME
def test_a_genuine_webhook_is_proven(sender: Sender) -> None:
    webhook = sender.webhook()

    verified = verifier(sender).verify(webhook, NOW)

    assert webhook is verified.webhook
    assert "signature 1" == verified.by
    assert frozenset({sender.timestamp, sender.id} - {""}) == verified.signed_headers
    assert not verified.sample


@BY_NAME
def test_both_secrets_pass_while_they_are_changed_and_a_third_does_not(sender: Sender) -> None:
    new, old, other = sender.secrets
    rotating = sources.bind(a_scheme(sender.verify), [new, old])

    assert "signature 1" == rotating.verify(sender.webhook(secret=new), NOW).by
    assert "signature 2" == rotating.verify(sender.webhook(secret=old), NOW).by
    assert "mismatch" == refusal(rotating, sender.webhook(secret=other))


@BY_NAME
def test_the_first_of_equal_secrets_is_named(sender: Sender) -> None:
    twice = sources.bind(a_scheme(sender.verify), [sender.secrets[0]] * 2)

    assert "signature 1" == twice.verify(sender.webhook(), NOW).by


@BY_NAME
@pytest.mark.parametrize("secret", ["", " ", "\n", "${SECRET}", "changeme", "whsec_...", "<secret>"])
def test_what_is_no_secret_makes_no_verifier(sender: Sender, secret: str) -> None:
    with pytest.raises(ConfigError) as caught:
        sources.bind(a_scheme(sender.verify), [sender.secrets[0], secret])

    assert ["secret 2 cannot be used"] == [problem.what.split(":")[0] for problem in caught.value.problems]


@BY_NAME
@pytest.mark.parametrize("body", [b"", b"\0", b"\r\n", b"{a:1, b:2}", b"x" * 100_000], ids=lambda body: f"{body[:9]!r}")
def test_any_bytes_can_be_signed(sender: Sender, body: bytes) -> None:
    assert "signature 1" == verifier(sender).verify(sender.webhook(body=body), NOW).by


@BY_NAME
def test_a_signed_body_that_is_not_utf_8_is_for_the_reader_to_judge(sender: Sender) -> None:
    """Stripe sends UTF-8 only, and its library decodes; every other scheme proves bytes."""
    webhook = sender.webhook(body=b"\xff\xfe{}")

    if sender.name == "stripe":
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
    for age in (sender.tolerance, -sender.tolerance):
        assert "signature 1" == verifier(sender).verify(sender.webhook(age=age), NOW).by


@pytest.mark.parametrize("sender", TIMED, ids=lambda sender: sender.name)
def test_a_moment_beyond_the_border_is_outside(sender: Sender) -> None:
    late, early = NOW + timedelta(microseconds=1), NOW - timedelta(microseconds=1)

    for age, now, word in ((sender.tolerance, late, "stale"), (-sender.tolerance, early, "future")):
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


@BY_NAME
def test_what_we_sign_is_what_the_sender_signs(sender: Sender) -> None:
    bare = replace(sender.webhook(), headers=((b"user-agent", b"sender/1"),))

    signed = verifier(sender).sign(bare, NOW, event_id="msg_2cQ7")

    assert set(sender.webhook().headers) == {
        (name, value.replace(b";", b"; ") if sender.name == "hmac-iso" else value) for name, value in signed.headers
    }


@BY_NAME
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


BYTES = st.binary(max_size=40) | st.sampled_from([BODY, b"v1=00", b"t=1770091506,v1=" + b"0" * 64, b"v1,AAAA", b"="])
NAMES = st.sampled_from(sorted({name for sender in SENDERS for name, _ in sender.webhook().headers}))


@settings(max_examples=1_500, deadline=None, database=None)
@given(
    sender=st.sampled_from(SENDERS),
    headers=st.lists(st.tuples(NAMES, BYTES), max_size=8),
    body=BYTES,
)
def test_nothing_but_refused_comes_of_a_strangers_bytes(
    sender: Sender, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    refusal(verifier(sender), replace(sender.webhook(), headers=tuple(headers), body=body))


@settings(max_examples=1_500, deadline=None, database=None)
@given(data=st.data(), sender=st.sampled_from(SENDERS), mask=st.integers(1, 255))
def test_no_byte_of_what_is_signed_can_be_another(data: st.DataObject, sender: Sender, mask: int) -> None:
    webhook = sender.webhook()
    signed = [name for name in (sender.timestamp, sender.id) if name]
    where = data.draw(st.sampled_from(["", "", *signed]))
    text = webhook.header(where.encode())[0] if where else webhook.body
    index = data.draw(st.integers(0, len(text) - 1))
    flipped = text[:index] + bytes([text[index] ^ mask]) + text[index + 1 :]
    forged = with_header(webhook, where, flipped) if where else replace(webhook, body=flipped)

    refusal(verifier(sender), forged)


@settings(max_examples=1_500, deadline=None, database=None)
@given(data=st.data(), sender=st.sampled_from(SENDERS), junk=st.binary(max_size=8))
def test_no_other_signature_is_as_good(data: st.DataObject, sender: Sender, junk: bytes) -> None:
    """A stretch of the header is cut out and something put in; only what still holds the whole signature passes."""
    webhook = sender.webhook()
    value = webhook.header(sender.header.encode())[0]
    start = data.draw(st.integers(0, len(value)))
    end = data.draw(st.integers(start, len(value)))
    forged = with_header(webhook, sender.header, value[:start] + junk + value[end:])

    try:
        verifier(sender).verify(forged, NOW)
    except Refused:
        return
    genuine = max(value.replace(b",", b"=").split(b"="), key=len)
    assert genuine.lower() in forged.header(sender.header.encode())[0].lower()


@settings(max_examples=600, deadline=None, database=None)
@given(
    sender=st.sampled_from(SENDERS),
    body=st.binary(max_size=200),
    seconds=st.integers(1_000_000_000, 4_000_000_000),
    event_id=st.text("abcdefXYZ0123456789_-", max_size=40),
)
def test_what_is_signed_is_proven(sender: Sender, body: bytes, seconds: int, event_id: str) -> None:
    now = NOW + timedelta(seconds=seconds - SECONDS)
    bare = replace(sender.webhook(), body=body.decode("latin-1").encode())

    verified = verifier(sender).verify(verifier(sender).sign(bare, now, event_id=event_id), now)

    assert "signature 1" == verified.by
