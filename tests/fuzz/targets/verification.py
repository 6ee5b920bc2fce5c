"""No mutated request is ever let in, whatever the scheme, and nothing but Refused is raised."""

from dataclasses import replace
from functools import cache

from bridge.errors import Refused
from bridge.model import Webhook
from tests.contract.forgeries import proofs, proven_by
from tests.contract.senders import Sender
from tests.contract.test_source_mutations import MUTATIONS, PROVERS, same_proof
from tests.fuzz.feed import Feed
from tests.unit.sources.factories import NOW

_HOW = sorted(MUTATIONS)


def seeds() -> list[bytes]:
    """One input for every prover, which changes one byte."""
    return [bytes([number, 0, 0, number % len(_HOW), 0, 9, 1, 7]) for number in range(len(PROVERS))]


def check(data: bytes) -> None:
    """Mutate what some sender signed, and show it to that sender's verifier."""
    feed = Feed(data)
    prover, sender = feed.pick(PROVERS)
    webhook = _mutated(feed, sender)
    if same_proof(sender, webhook):
        return
    try:
        prover.verify(webhook, NOW)
    except Refused:
        return
    raise AssertionError(
        f"{sender.name} let in: {webhook.headers} {webhook.query!r} {webhook.token!r} {webhook.body!r}"
    )


@cache
def _genuine(sender: Sender) -> Webhook:
    return sender.webhook()


def _mutated(feed: Feed, sender: Sender) -> Webhook:
    webhook = _genuine(sender)
    about = ["", *(name for name in (sender.timestamp, sender.id) if name)] + ["body"] * (not sender.is_token)
    for _ in range(1 + feed.number(4)):
        where, how = feed.pick(about), MUTATIONS[feed.pick(_HOW)]
        text = webhook.body if where == "body" else (proofs(sender, webhook, where) or [b""])[0]
        changed = how(text, feed.number(len(text) + 1), feed.short(100) or b"\0")
        webhook = replace(webhook, body=changed) if where == "body" else proven_by(sender, webhook, changed, name=where)
    return webhook
