"""The interface of all verifiers: prove a webhook, sign a sample, answer a handshake, hide an echoed token.

Nothing but `Verified`, `Reply` and `Refused` comes out of one, whatever a stranger sends.
"""

from abc import ABC, abstractmethod
from datetime import datetime

from bridge.model import Json, Verified, Webhook
from bridge.sources.handshakes import NO_HANDSHAKE, Handshake, Reply


class Verifier(ABC):
    """One source's scheme with its secrets: proves webhooks, and signs samples the same way."""

    #: whether `sign` can make a proof: not where there is none, nor where only the sender has the key
    signs: bool = True
    handshake: Handshake = NO_HANDSHAKE

    @abstractmethod
    def verify(self, webhook: Webhook, now: datetime) -> Verified:
        """Prove the sender, or raise Refused; nothing else is raised whatever the webhook holds."""

    @abstractmethod
    def sign(self, webhook: Webhook, now: datetime, *, event_id: str = "") -> Webhook:
        """The same webhook with its proof by the first secret; a proof it already carries is replaced.

        `event_id` goes where the scheme signs an id; without one the webhook's own stays, or one is made of its body.
        Raises CannotSign where only the sender has the key.
        """

    @property
    def empty_refusal(self) -> bool:
        """Whether this sender wants what is not proven to be answered 401 without a body (Xero)."""
        return self.handshake.empty_refusal

    def ping(self, webhook: Webhook) -> Reply | None:
        """The answer to a POST that this sender makes without proof, before its webhooks (WooCommerce); else None."""
        return self.handshake.ping(webhook)

    def challenge(self, webhook: Webhook) -> Reply | None:
        """The answer to a GET (Meta); None: this sender makes no GET. A wrong token raises Refused with status 403."""
        return self.handshake.challenge(webhook)

    def reply(self, verified: Verified, document: Json) -> Reply | None:
        """The answer to a proven POST that wants another than ours (Slack's and Zoom's challenges); else None."""
        return self.handshake.reply(verified, document)

    def hidden(self, body: bytes) -> bytes:
        """The body as it may be kept: without a token that its sender echoes."""
        return body
