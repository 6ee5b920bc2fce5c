"""What is worth waking somebody for, in words, and how it is put to a webhook: plain JSON or Slack's. Pure.

A notice leaves this machine: it holds counts, times, names of sources and rules, our own reasons, and never what a
customer, a sender or the tracker wrote. The generic form is signed as Standard Webhooks say, where there is a secret.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Final, Literal, TypeAlias
from urllib.parse import urlsplit

from bridge.address import check_hook_url
from bridge.model import Delivery

Format: TypeAlias = Literal["slack", "generic"]
FORMATS: Final = ("slack", "generic")

_SLACK_HOST: Final = "hooks.slack.com"
_PREFIX: Final = "whsec_"
_LEAST_KEY, _MOST_KEY = 24, 64


class Kind(Enum):
    """What a notice is about; the values are its `type`, and the log's event names."""

    PAUSED = "tracker.paused"
    RESUMED = "tracker.resumed"
    DEAD = "delivery.dead"
    SILENT = "source.silent"
    HEARD = "source.heard"
    STALE = "mappings.kept"
    MENDED = "mappings.reloaded"
    GAPS = "reconcile.gaps"
    DIFFER = "replicas.differ"
    AGREE = "replicas.agree"
    TEST = "notify.test"


#: The words of a mapping's `notify: {on: …}`: what concerns one source.
TOPICS: Final[Mapping[str, frozenset[Kind]]] = {
    "dead": frozenset({Kind.DEAD}),
    "silent": frozenset({Kind.SILENT, Kind.HEARD}),
    "gaps": frozenset({Kind.GAPS}),
}

#: Replicas that look at the same files notice a change of them within this time of each other.
_SAME_FILES: Final = timedelta(minutes=2)
#: More are not named in a sentence.
_MOST_LISTED: Final = 5

#: What JSON the data of a notice may hold.
Fact: TypeAlias = str | int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing that happened."""

    kind: Kind
    at: datetime
    #: a sentence for people
    text: str
    #: the same for machines
    data: Mapping[str, Fact] = field(default_factory=dict)
    #: whose it is; empty for what concerns everybody
    source: str = ""
    #: what all replicas call it that notice it, so that one of them tells it; empty for what only one can notice
    once: str = ""
    #: for how long the others need not
    holds: timedelta = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """A notice as it is sent: with how many of its kind were left out before it, and of which sources."""

    notice: Notice
    left_out: int = 0
    since: datetime | None = None
    sources: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The sentence, and what was left out."""
        if not self.left_out or self.since is None:
            return self.notice.text
        among = f": {', '.join(self.sources)}" if self.sources else ""
        since = self.since.astimezone(UTC).strftime("%H:%M:%S UTC")
        return f"{self.notice.text} (and {self.left_out} more of this kind since {since}{among})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """Where notices go, and which."""

    #: how our log speaks of it, which never shows the address
    name: str
    url: str = field(repr=False)
    format: Format
    key: bytes | None = field(default=None, repr=False)
    #: only what concerns this source; empty for everything
    source: str = ""
    kinds: frozenset[Kind] = frozenset(Kind)

    def wants(self, notice: Notice) -> bool:
        """Whether this is for it."""
        return notice.kind in self.kinds and self.source in ("", notice.source)


def outlet(
    name: str,
    url: str,
    secret: str = "",
    *,
    form: Format | None = None,
    source: str = "",
    topics: Sequence[str] | None = None,
) -> Outlet:
    """An outlet, checked. Raises ValueError with a text for the operator that shows neither address nor secret."""
    address = check_hook_url(url)
    by_address: Format = "slack" if urlsplit(address).hostname == _SLACK_HOST else "generic"
    kinds = frozenset(Kind) if topics is None else frozenset().union(*(TOPICS[topic] for topic in topics))
    key = key_of(secret) if secret else None
    return Outlet(name=name, url=address, format=form or by_address, key=key, source=source, kinds=kinds)


def key_of(secret: str) -> bytes:
    """The key in a `whsec_…` secret. Raises ValueError without showing it."""
    expected = f"expected {_PREFIX} and {_LEAST_KEY} to {_MOST_KEY} bytes in base64 (openssl rand -base64 32)"
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(expected) from None
    if not secret.startswith(_PREFIX) or not _LEAST_KEY <= len(key) <= _MOST_KEY:
        raise ValueError(expected)
    return key


def request(to: Outlet, digest: Digest, *, id: str, now: datetime) -> tuple[dict[str, str], bytes]:  # noqa: A002 - the header's own word
    """The headers and the body that tell an outlet of it; signed for this moment."""
    headers = {"content-type": "application/json"}
    if to.format == "slack":
        text = digest.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return headers, json.dumps({"text": f"trackbridge: {text}"}, ensure_ascii=False).encode()
    body = json.dumps(
        {
            "type": digest.notice.kind.value,
            "timestamp": _iso(digest.notice.at),
            "data": {
                "text": digest.text,
                **({"source": digest.notice.source} if digest.notice.source else {}),
                **digest.notice.data,
                "left_out": digest.left_out,
            },
        },
        ensure_ascii=False,
    ).encode()
    seconds = str(int(now.timestamp()))
    headers |= {"webhook-id": id, "webhook-timestamp": seconds}
    if to.key is not None:
        signed = hmac.new(to.key, f"{id}.{seconds}.".encode() + body, hashlib.sha256).digest()
        headers["webhook-signature"] = f"v1,{base64.b64encode(signed).decode()}"
    return headers, body


def nobody(_: Notice) -> None:
    """Tell nobody."""


# ── the notices ──────────────────────────────────────────────────────────────────────────────────────────────────


def paused(at: datetime, *, why: str, next_at: datetime | None, since: datetime) -> Notice:
    """Deliveries are held back for all."""
    why = ours(why)
    text = f"deliveries are paused: {why}. Nothing is lost; look: trackbridge tracker"
    data: dict[str, Fact] = {"why": why, "next_try": _iso(next_at) if next_at else None}
    return Notice(kind=Kind.PAUSED, at=at, text=text, data=data, once=f"paused {_iso(since)} {why}")


def resumed(at: datetime, *, after: str, since: datetime) -> Notice:
    """They go again; `since`: when the pause began."""
    after = ours(after)
    text = f"deliveries go again, after: {after}"
    return Notice(kind=Kind.RESUMED, at=at, text=text, data={"after": after}, once=f"resumed {_iso(since)}")


def dead(at: datetime, delivery: Delivery, *, why: str) -> Notice:
    """A delivery is a dead letter."""
    why = ours(why)
    text = f'delivery {delivery.id} of "{delivery.source}" ({delivery.rule}) is a dead letter: {why}'
    data: dict[str, Fact] = {
        "delivery": delivery.id,
        "event": delivery.event_id,
        "rule": delivery.rule,
        "why": why,
    }
    return Notice(kind=Kind.DEAD, at=at, text=f"{text}. Look: trackbridge dead", data=data, source=delivery.source)


def silent(at: datetime, *, source: str, rule: str, since: datetime, span: timedelta, is_first: bool) -> Notice:
    """Nothing came for longer than the mapping allows; `is_first`: nothing ever has."""
    what = f'no event of "{source}" matched the rule "{rule}"' if rule else f'"{source}" sent nothing'
    ever = "since it was switched on" if is_first else "the last came"
    look = (
        "Do its types still come, does its `when` still hold?" if rule else "Does its sender know our URL and secret?"
    )
    text = f"{what} for more than {spell(span)} ({ever} {_minute(since)}). {look}"
    data: dict[str, Fact] = {"rule": rule, "since": _iso(since), "after_seconds": int(span.total_seconds())}
    once = f"silent {source} {rule} {'never' if is_first else _iso(since)}"
    return Notice(kind=Kind.SILENT, at=at, text=text, data=data, source=source, once=once)


def heard(at: datetime, *, source: str, rule: str, after: timedelta, since: datetime | None) -> Notice:
    """It has come again; `since`: when it came before, if ever."""
    what = f'the rule "{rule}" of "{source}" has matched again' if rule else f'"{source}" is heard again'
    data: dict[str, Fact] = {"rule": rule, "silent_seconds": int(after.total_seconds())}
    once = f"heard {source} {rule} {_iso(since) if since else 'never'}"
    return Notice(kind=Kind.HEARD, at=at, text=f"{what}, after {spell(after)}", data=data, source=source, once=once)


def stale(at: datetime, *, problems: int, digest: str) -> Notice:
    """The mappings on disk cannot come into force; `digest` says for replicas whether they mean the same problems."""
    many = "a problem" if problems == 1 else f"{problems} problems"
    text = f"the changed mappings have {many}; those loaded before stay in force. Look: trackbridge check"
    data: dict[str, Fact] = {"problems": problems}
    return Notice(kind=Kind.STALE, at=at, text=text, data=data, once=f"stale {digest}", holds=_SAME_FILES)


def mended(at: datetime) -> Notice:
    """They have come into force at last."""
    return Notice(
        kind=Kind.MENDED, at=at, text="the mappings are mended and in force", once="mended", holds=_SAME_FILES
    )


def trial(at: datetime, *, by: str) -> Notice:
    """Nothing happened: somebody looks whether notices arrive."""
    text = f"a test from {by}: nothing happened, notices arrive here"
    return Notice(kind=Kind.TEST, at=at, text=text, data={"by": by})


def gaps(at: datetime, *, source: str, count: int, since: datetime) -> Notice:
    """Stripe told of events that no webhook had told."""
    many = "an event" if count == 1 else f"{count} events"
    text = f'"{source}" had {many} since {_minute(since)} that no webhook brought; taken in now. Look at its webhooks'
    return Notice(kind=Kind.GAPS, at=at, text=text, data={"count": count, "since": _iso(since)}, source=source)


def differ(at: datetime, what: Sequence[str], *, key: str) -> Notice:
    """Replicas have worked by different mappings or settings for longer than an upgrade takes."""
    named = ", ".join(what[:_MOST_LISTED]) + (f" and {len(what) - _MOST_LISTED} more" * (len(what) > _MOST_LISTED))
    text = f"replicas do not work alike: {named}. Look: trackbridge replicas"
    data: dict[str, Fact] = {"what": named, "count": len(what)}
    return Notice(kind=Kind.DIFFER, at=at, text=text, data=data, once=f"differ {key}", holds=timedelta(minutes=10))


def agree(at: datetime) -> Notice:
    """They do again."""
    text = "the replicas work alike again"
    return Notice(kind=Kind.AGREE, at=at, text=text, once="agree", holds=_SAME_FILES)


def ours(reason: str) -> str:
    """A reason without the tracker's own words, which may name a customer: they stand behind a status."""
    return re.sub(r"(: \d{3}) .*|(\(\d{3}) .*", lambda cut: cut[1] or f"{cut[2]})", reason, count=1, flags=re.DOTALL)


def spell(span: timedelta) -> str:
    """A span of time in its two largest units: `26 h`, `3 d 4 h`, `5 min`."""
    minutes = int(span.total_seconds()) // 60
    days, hours = divmod(minutes // 60, 24)
    if minutes < 60:
        return f"{minutes} min"
    if days < 3:
        return f"{minutes // 60} h" + (f" {minutes % 60} min" if minutes % 60 else "")
    return f"{days} d" + (f" {hours} h" if hours else "")


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _minute(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
