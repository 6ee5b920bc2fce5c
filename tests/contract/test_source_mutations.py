"""No request that differs from a genuine one in what proves it is ever let in, and nothing but Refused comes of any."""

import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from urllib.parse import unquote_to_bytes

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bridge import sources
from bridge.errors import Refused
from bridge.model import Webhook
from tests.contract.forgeries import proofs, proven_by, signature, with_header
from tests.contract.senders import SENDERS, SHIPPED, SIGNERS, Sender
from tests.contract.signing import SECONDS
from tests.contract.test_sources import SELF_SIGNED, verifier
from tests.unit.sources.factories import BODY, NOW, refusal

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
    refusal(verifier(sender), replace(sender.webhook(), headers=tuple(headers), query=body, token=body, body=body))


@settings(max_examples=1_500, deadline=None, database=None)
@given(data=st.data(), sender=st.sampled_from(SIGNERS), mask=st.integers(1, 255))
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
@given(data=st.data(), sender=st.sampled_from(SIGNERS), junk=st.binary(max_size=8))
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
    sender=st.sampled_from(SELF_SIGNED),
    body=st.binary(max_size=200),
    seconds=st.integers(1_000_000_000, 4_000_000_000),
    event_id=st.text("abcdefXYZ0123456789_-", max_size=40),
)
def test_what_is_signed_is_proven(sender: Sender, body: bytes, seconds: int, event_id: str) -> None:
    now = NOW + timedelta(seconds=seconds - SECONDS)
    bare = replace(sender.webhook(), body=body.decode("latin-1").encode())

    verified = verifier(sender).verify(verifier(sender).sign(bare, now, event_id=event_id), now)

    assert "signature 1" == verified.by


#: Who proves, and whose webhooks: every scheme, and every shipped mapping as the library makes its verifier.
PROVERS: list[tuple[sources.Verifier, Sender]] = [
    *((verifier(sender), sender) for sender in SENDERS),
    *((bound, one.sender) for one in SHIPPED if (bound := one.bound(one.sender.secrets[0]).verifier)),
]
MUTATIONS: dict[str, Callable[[bytes, int, bytes], bytes]] = {
    "replace": lambda text, at, junk: text[:at] + junk + text[at + len(junk) :],
    "insert": lambda text, at, junk: text[:at] + junk + text[at:],
    "delete": lambda text, at, junk: text[:at] + text[at + 1 + len(junk) :],
    "double": lambda text, at, junk: text[:at] + text[at:] * 2,
    "cut": lambda text, at, junk: text[:at],
    "swap case": lambda text, at, junk: text[:at] + text[at : at + 4].swapcase() + text[at + 4 :],
}


@st.composite
def mutated(draw: st.DrawFn) -> tuple[sources.Verifier, Sender, Webhook]:
    """A genuine webhook after one to three mutations of what its proof is about."""
    prover, sender = draw(st.sampled_from(PROVERS))
    webhook = sender.webhook()
    about = ["", *(name for name in (sender.timestamp, sender.id) if name)] + ["body"] * (not sender.is_token)
    for _ in range(draw(st.integers(1, 3))):
        where, how = draw(st.sampled_from(about)), MUTATIONS[draw(st.sampled_from(sorted(MUTATIONS)))]
        text = webhook.body if where == "body" else (proofs(sender, webhook, where) or [b""])[0]
        changed = how(text, draw(st.integers(0, len(text))), draw(st.binary(min_size=1, max_size=6)))
        webhook = replace(webhook, body=changed) if where == "body" else proven_by(sender, webhook, changed, name=where)
    return prover, sender, webhook


def same_proof(sender: Sender, webhook: Webhook) -> bool:
    """Whether all that proves is still there: mutations may undo each other, or add what is passed over."""
    genuine, sent = sender.webhook(), b"".join(proofs(sender, webhook))
    if sender.is_token:
        secret = sender.secrets[0].encode()
        return secret in unquote_to_bytes(sent) or base64.b64encode(secret).rstrip(b"=")[:-1] in sent
    names = [name for name in (sender.timestamp, sender.id) if name]
    if any(proofs(sender, genuine, name) != [text.strip() for text in proofs(sender, webhook, name)] for name in names):
        return False
    has_time = sender.timestamp != "" or not sender.tolerance or sender.time() in sent
    return webhook.body == genuine.body and has_time and signature(sender, genuine).lower() in sent.lower()


@settings(max_examples=3_000, deadline=None, database=None)
@given(mutated())
def test_no_mutated_request_is_ever_let_in(case: tuple[sources.Verifier, Sender, Webhook]) -> None:
    prover, sender, webhook = case
    assume(not same_proof(sender, webhook))

    refusal(prover, webhook)
