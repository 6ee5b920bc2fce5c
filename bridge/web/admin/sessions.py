"""Sessions without memory: a cookie that the admin token alone can make, so every replica knows every session.

A session ends after twelve hours, or when the token changes. What makes it is a key derived from the token, never
the token; nothing in a cookie says anything about either.
"""

import base64
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

#: How long somebody stays signed in.
LASTS: Final = timedelta(hours=12)
#: How long what was done is still to be told on the next page.
TOLD_LASTS: Final = timedelta(minutes=1)
#: Replicas' clocks may differ by so much.
_SKEW: Final = timedelta(minutes=2)
_MOST_TOLD: Final = 1_500


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Somebody who is signed in, in one browser."""

    began_at: datetime
    #: random: what binds forms to this session
    nonce: str


class Sessions:
    """Makes sessions and knows them again, by one admin token."""

    def __init__(self, token: str) -> None:
        self._key = hmac.digest(token.encode(), b"trackbridge admin session, version 1", "sha256")

    def begin(self, now: datetime) -> str:
        """A new session's cookie."""
        head = f"{int(now.timestamp())}.{secrets.token_urlsafe(18)}"
        return f"{head}.{self._proof('session', head)}"

    def read(self, cookie: str, now: datetime) -> Session | None:
        """The session of a cookie; None when it is not ours or over."""
        head = self._head(cookie)
        if head is None:
            return None
        seconds, _, nonce = head.partition(".")
        began_at = datetime.fromtimestamp(int(seconds), tz=now.tzinfo)
        return Session(began_at=began_at, nonce=nonce) if began_at - _SKEW <= now < began_at + LASTS else None

    def is_ours(self, cookie: str) -> bool:
        """Whether this browser was signed in once, however long ago."""
        return self._head(cookie) is not None

    def form_proof(self, session: Session) -> str:
        """What our own forms carry, and no other site can know."""
        return self._proof("form", session.nonce)

    def is_form_proof(self, session: Session, given: str) -> bool:
        """Whether a form is ours, and of this session."""
        return hmac.compare_digest(self.form_proof(session).encode(), given.encode("utf-8", "replace"))

    def seal(self, session: Session, lines: list[str], now: datetime) -> str:
        """What was done, for the next page of this session alone."""
        kept, size = list[str](), 0
        for line in lines:
            size += len(json.dumps(line)) + 2
            if size > _MOST_TOLD:
                kept.append(f"… and {len(lines) - len(kept)} more")
                break
            kept.append(line)
        data = json.dumps([int(now.timestamp()), kept]).encode()
        head = base64.urlsafe_b64encode(data).decode().rstrip("=")
        return f"{head}.{self._proof('told', session.nonce, head)}"

    def unseal(self, session: Session, cookie: str, now: datetime) -> list[str]:
        """What was told to this session a moment ago."""
        head, _, proof = cookie.rpartition(".")
        if not self._is_proof(proof, "told", session.nonce, head):
            return []
        seconds, lines = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
        return list(lines) if now.timestamp() - seconds < TOLD_LASTS.total_seconds() else []

    def _head(self, cookie: str) -> str | None:
        head, _, proof = cookie.rpartition(".")
        return head if self._is_proof(proof, "session", head) else None

    def _is_proof(self, given: str, *parts: str) -> bool:
        return hmac.compare_digest(self._proof(*parts).encode(), given.encode("utf-8", "replace"))

    def _proof(self, *parts: str) -> str:
        # lengths first: no two lists of parts make the same bytes
        data = b"".join(b"%d:%s" % (len(raw), raw) for raw in (part.encode("utf-8", "replace") for part in parts))
        return base64.urlsafe_b64encode(hmac.digest(self._key, data, "sha256")).decode().rstrip("=")
