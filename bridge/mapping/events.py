"""A document → the Event it is: its key, type, time, and whether it is a test. Never raises."""

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from urllib.parse import urlencode

from bridge.mapping.context import Context, header_text, query_pairs
from bridge.mapping.opening import Item
from bridge.mapping.reading import reason, value_of
from bridge.mapping.redact import Kept
from bridge.mapping.rules import Expression, Mapping
from bridge.mapping.times import time_of
from bridge.mapping.values import Unfit, cleaned, id_of, kind_of
from bridge.model import Event, Json, Step, Verified

#: The stage's name in an event's explanation.
STAGE = "event"


@dataclass(slots=True)
class Reading:
    """An event with what was noted while it was read."""

    event: Event
    steps: list[Step] = field(default_factory=list)
    #: why its rules cannot be tried
    failures: list[str] = field(default_factory=list)


class EventReader:
    """Reads the events of one webhook; what they share is read once."""

    __slots__ = ("_body", "_headers", "_kept", "_mapping", "_query", "_verified")

    def __init__(self, mapping: Mapping, verified: Verified, keep: Kept | None = None) -> None:
        self._mapping = mapping
        self._verified = verified
        self._kept = keep
        self._body = verified.webhook.body if keep is None else keep.body
        kept = mapping.headers_kept
        headers = verified.webhook.headers
        self._headers = tuple([(key.decode(), _shown(value)) for key, value in headers if key in kept])
        if keep is not None and keep.is_json:
            others = [header for header in self._headers if header[0] != "content-type"]
            self._headers = (("content-type", "application/json"), *others)
        self._query = _kept_query(verified.webhook.query, mapping.queries_read) if mapping.queries_read else ""

    def read(self, document: Json, context: Context, item: int | None = None, shown: Item | None = None) -> Reading:
        """Read one event; `item` counts the items of a batch from 0.

        `shown` is its document without what is not to be kept, for what tells one event from another: id, type and
        account are kept, logged and answered with.
        """
        rules = self._mapping.event
        steps: list[Step] = []
        failures: list[str] = []
        public, seen = (document, context) if shown is None else (shown.document, shown.context)
        source_id, key = self._key(rules.id, public, seen, item, steps)
        kind = self._text(rules.type, "type", public, seen, failures)
        event = self._event(
            key=key if key == source_id else self._told_apart(key, kind),
            source_id=source_id,
            type=kind,
            occurred_at=_time(rules.occurred_at, document, context, steps),
            account=self._text(rules.account, "account", public, seen, failures) if rules.account else None,
            test=self._verified.sample or _is_test(rules.test, document, context, failures),
            item=item,
        )
        return Reading(event, steps, failures)

    def unread(self, item: int | None = None) -> Event:
        """The event of a webhook, or of an item, whose document is not to be had."""
        return self._event(key=self._digest(item), test=self._verified.sample, item=item)

    def _event(
        self,
        *,
        key: str,
        source_id: str | None = None,
        type: str | None = None,  # noqa: A002  the event's own word for it
        occurred_at: datetime | None = None,
        account: str | None = None,
        test: bool,
        item: int | None = None,
    ) -> Event:
        webhook = self._verified.webhook
        return Event(
            source=self._mapping.source,
            key=key,
            source_id=source_id,
            type=type,
            occurred_at=occurred_at,
            received_at=webhook.received_at,
            test=test,
            account=account,
            headers=self._headers,
            query=self._query,
            body=self._body,
            item=item,
            verified_by=self._verified.by,
            revision=self._mapping.revision,
        )

    def _key(
        self, expression: Expression | None, document: Json, context: Context, item: int | None, steps: list[Step]
    ) -> tuple[str | None, str]:
        """The source's id, and the key: that id where the proof covers it, else the body's digest."""
        if expression is None:
            return None, self._digest(item)
        try:
            found = id_of(value_of(expression, document, context))
        except Unfit as error:
            steps.append(_note(reason("", "id", expression, f"{error}; the body's digest is the key")))
            return None, self._digest(item)
        if found is None:
            steps.append(_note(reason("", "id", expression, "nothing there; the body's digest is the key")))
            return None, self._digest(item)
        if self._kept is not None and self._kept.betrays(found):
            steps.append(_note(reason("", "id", expression, "holds what is redacted; the body's digest is the key")))
            return None, self._digest(item)
        if not self._is_signed(expression):
            steps.append(_note(reason("", "id", expression, "not covered by the proof; the body's digest is the key")))
            return found, self._digest(item)
        return found, found

    def _told_apart(self, key: str, kind: str | None) -> str:
        """A digest with the type, where only an unsigned header tells it: one body may be sent under several.

        Only types that some rule names count, so whoever repeats a body under made-up ones makes no new events.
        """
        expression = self._mapping.event.type
        if expression is None or self._is_signed(expression):
            return key
        return f"{key}:{kind}" if kind in self._mapping.rules_by_type else key

    def _text(
        self, expression: Expression | None, name: str, document: Json, context: Context, failures: list[str]
    ) -> str | None:
        if expression is None:
            return None
        try:
            found = id_of(value_of(expression, document, context))
        except Unfit as error:
            failures.append(reason("event, ", name, expression, str(error)))
            return None
        if found is not None and self._kept is not None and self._kept.betrays(found):
            failures.append(reason("event, ", name, expression, "holds what is redacted"))
            return None
        return found

    def _is_signed(self, expression: Expression) -> bool:
        signed = self._verified.signed_headers
        return signed is None or (not expression.queries and expression.headers <= signed)

    def _digest(self, item: int | None) -> str:
        digest = f"sha256:{sha256(self._verified.webhook.body).hexdigest()}"
        return digest if item is None else f"{digest}/{item}"


def _note(why: str) -> Step:
    return Step(rule=STAGE, result="note", why=why)


def _shown(value: bytes) -> str:
    return cleaned(header_text(value))


def _kept_query(query: bytes, names: frozenset[str]) -> str:
    """The parameters that rules read, and no other: a token may stand beside them."""
    return urlencode([(name, value) for name, value in query_pairs(query.decode("latin-1")) if name in names])


def _time(expression: Expression | None, document: Json, context: Context, steps: list[Step]) -> datetime | None:
    if expression is None:
        return None
    try:
        value = value_of(expression, document, context)
        time = time_of(value)
        why = "" if time else f"no time can be read from {kind_of(value)}"
    except Unfit as error:
        time, why = None, str(error)
    if time is None:
        steps.append(_note(reason("", "occurred_at", expression, f"{why}; the time of receipt is used")))
    return time


def _is_test(expression: Expression | None, document: Json, context: Context, failures: list[str]) -> bool:
    """Whether it is test money: anything but a clear yes or no is a failure, because both mistakes cost."""
    if expression is None:
        return False
    try:
        value = value_of(expression, document, context)
    except Unfit as error:
        failures.append(reason("event, ", "test", expression, str(error)))
        return False
    match value:
        case True | "true":
            return True
        case False | None | "false" | "":
            return False
        case _:
            failures.append(reason("event, ", "test", expression, f"{kind_of(value)}, expected true or false"))
            return False
