"""A document → the Event it is: its key, type, time, and whether it is a test. Never raises."""

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from urllib.parse import urlencode

from bridge.mapping.context import Context, header_text, query_pairs
from bridge.mapping.conversions import reason, value_of
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

    __slots__ = ("_headers", "_mapping", "_query", "_verified")

    def __init__(self, mapping: Mapping, verified: Verified) -> None:
        self._mapping = mapping
        self._verified = verified
        kept = mapping.headers_kept
        headers = verified.webhook.headers
        self._headers = tuple([(key.decode(), _shown(value)) for key, value in headers if key in kept])
        self._query = _kept_query(verified.webhook.query, mapping.queries_read) if mapping.queries_read else ""

    def read(self, document: Json, context: Context, item: int | None = None) -> Reading:
        """Read one event; `item` counts the items of a batch from 0."""
        rules = self._mapping.event
        steps: list[Step] = []
        failures: list[str] = []
        source_id, key = self._key(rules.id, document, context, item, steps)
        event = self._event(
            key=key,
            source_id=source_id,
            type=_text(rules.type, "type", document, context, failures),
            occurred_at=_time(rules.occurred_at, document, context, steps),
            account=_text(rules.account, "account", document, context, failures),
            test=self._verified.sample or _is_test(rules.test, document, context, failures),
            item=item,
        )
        return Reading(event, steps, failures)

    def unread(self) -> Event:
        """The event of a webhook whose document is not to be had."""
        return self._event(key=self._digest(None), test=self._verified.sample)

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
            body=webhook.body,
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
        if not self._is_signed(expression):
            steps.append(_note(reason("", "id", expression, "not covered by the proof; the body's digest is the key")))
            return found, self._digest(item)
        return found, found

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


def _text(
    expression: Expression | None, name: str, document: Json, context: Context, failures: list[str]
) -> str | None:
    if expression is None:
        return None
    try:
        return id_of(value_of(expression, document, context))
    except Unfit as error:
        failures.append(reason("event, ", name, expression, str(error)))
        return None


def _time(expression: Expression | None, document: Json, context: Context, steps: list[Step]) -> datetime | None:
    if expression is None:
        return None
    try:
        time = time_of(value_of(expression, document, context))
    except Unfit:
        time = None
    if time is None:
        steps.append(_note(reason("", "occurred_at", expression, "no time can be read; the time of receipt is used")))
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
