"""record: events with their deliveries, claims and associations, for many callers in one transaction.

The hot path. What the database knows of a batch is read with one statement per table; what the batch itself adds
is laid over that in memory, so duplicates within a batch are found like any other; then one `executemany` per
table writes it. Ids are counted from max(id), which only a holder of the write lock may do.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bridge.model import EventState, Payload, Reversal, Sale, Step
from bridge.store import known, reversals
from bridge.store.base import Recorded
from bridge.store.database import Connection
from bridge.store.decoding import stored_payload_of
from bridge.store.encoding import EncodedConversion, EncodedMeaning, Value, clean, names_json, sealed_event, steps_json
from bridge.store.giving import Gift, adopt, give
from bridge.store.holding import add_names, carry_invoice, gives_way, take_over
from bridge.store.sealing import BODY, PAYLOAD
from bridge.store.telling import Clicks
from bridge.store.waits import why_waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One caller's meanings, encoded."""

    meanings: Sequence[EncodedMeaning]
    now_ms: int
    dry_run: bool


def record(db: Connection, calls: Sequence[Recording]) -> list[list[Recorded]]:
    """Remember every call's events; in each, a known (source, key) changes nothing."""
    batch = Batch(db, calls)
    answers = [[batch.add(meaning, call) for meaning in call.meanings] for call in calls]
    batch.write()
    return answers


AMOUNT_DIFFERS: Final = "amount differs"
NO_CLICK_ID: Final = "no click id, and none is known for this customer"

_INSERT_EVENT = """
    INSERT INTO events (
        id, source, key, source_id, type, occurred_at, received_at, test, account, verified_by, revision, headers,
        query, item, state, reason, steps, body_of, body
    ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

_INSERT_DELIVERY = """
    INSERT INTO deliveries (
        id, event_id, source, item, rule, kind, lane, state, head, due_at, created_at, when_unsure, duplicate_of,
        flags, reason, claims, namespace, payload, fill, click_by, click_email
    ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
#: Where a delivery's claims stand in that row: the holder of a new name in the same batch learns it there.
_CLAIMS = 15


class Batch:
    """What is known, what is new, and the next ids, within one transaction."""

    def __init__(self, db: Connection, calls: Sequence[Recording], *, is_remap: bool = False) -> None:
        meanings = [meaning for call in calls for meaning in call.meanings]
        self._db = db
        self._known = {} if is_remap else known.events(db, meanings)
        conversions = [
            conversion
            for meaning in meanings
            if meaning.conversions and meaning.key not in self._known
            for conversion in meaning.conversions
        ]
        self._claimed = known.claims(db, conversions)
        self._busy = known.busy_lanes(db, conversions)
        self._clicks = Clicks(db, conversions)
        self._next_event = known.next_id(db, "SELECT max(id) FROM events")
        self._next_delivery = known.next_id(db, "SELECT max(id) FROM deliveries")
        self._events: list[tuple[Value, ...]] = []
        #: the events that hold a body for all items of their batch
        self._holders: dict[bytes, int] = {}
        self._deliveries: dict[int, list[Value]] = {}
        self._conversions: dict[int, EncodedConversion] = {}
        self._claims: list[tuple[str, int]] = []
        #: who takes a dead one's place
        self._heirs: list[tuple[int, int]] = []
        #: click ids that duplicates brought to the holders of their claims
        self._gifts: list[tuple[int, EncodedConversion, Gift]] = []
        #: by event and source, what went back
        self._reversals: list[tuple[int, str, Sequence[Reversal]]] = []
        self._now_ms = max(call.now_ms for call in calls)

    def add(self, meaning: EncodedMeaning, call: Recording) -> Recorded:
        """Decide about one event; nothing is written before `write`."""
        stored = self._known.get(meaning.key)
        if stored is not None:
            # the first of this very batch stands there as new
            return stored if stored.known else replace(stored, known=True, due=0, clicked=False)
        event_id = self._next_event
        self._next_event += 1
        state, reason, steps = meaning.meaning.state, meaning.reason, meaning.steps_json
        due, clicked = 0, False
        if meaning.conversions and state is not EventState.IGNORED:
            left_out = []
            for conversion in meaning.conversions:
                clicked = clicked or conversion.click_id is not None
                if self._is_wanted(conversion):
                    due += self._deliver(conversion, self._new_delivery(), event_id, meaning.key[0], call)
                else:
                    left_out.append(conversion)
            if left_out:
                steps = explained(meaning, left_out)
                if len(left_out) == len(meaning.conversions) and state is EventState.ACCEPTED:
                    state, reason = EventState.IGNORED, "no click id"
        if meaning.meaning.reversals:
            self._reversals.append((event_id, meaning.key[0], meaning.meaning.reversals))
        body_of, body = self._held(meaning, event_id)
        told = sealed_event(self._db.seals, event_id, meaning, state, reason, steps)
        self._events.append((event_id, *told, body_of, self._db.seals.data(BODY, event_id, body)))
        recorded = Recorded(event_id=event_id, state=state, known=False, due=due, reason=reason, clicked=clicked)
        self._known[meaning.key] = recorded
        return recorded

    def write(self) -> None:
        """Put everything new on its way to the disk."""
        db = self._db
        db.executemany(_INSERT_EVENT, self._events)
        db.executemany(
            "INSERT INTO sources_seen VALUES (?) ON CONFLICT DO NOTHING", {(row[1],) for row in self._events}
        )
        db.executemany(_INSERT_DELIVERY, self._deliveries.values())
        for heir, ousted in self._heirs:
            carry_invoice(db, heir, ousted)
            adopt(db, heir, ousted, self._now_ms)
        db.executemany("INSERT INTO claims (name, delivery_id) VALUES (?, ?)", self._claims)
        for holder, conversion, gift in self._gifts:
            self._hand_over(holder, conversion, gift)
        self._clicks.write(self._now_ms)
        for event_id, source, told in self._reversals:
            reversals.remember(db, event_id, source, told)

    def _hand_over(self, holder: int, conversion: EncodedConversion, gift: Gift) -> None:
        """A payment is one: the click id is the holder's too, and from now on its customer's."""
        give(self._db, holder, gift, self._now_ms)
        namespace, lane = self._db.execute("SELECT namespace, lane FROM deliveries WHERE id = ?", (holder,)).fetchone()
        if namespace and (namespace, lane) != (conversion.namespace, conversion.lane):
            self._clicks.tell_of(namespace, lane, conversion, gift.event_id)

    def _held(self, meaning: EncodedMeaning, event_id: int) -> tuple[int | None, bytes]:
        """Who holds this event's body for it, and what it holds itself: of a batch only the first new item does."""
        if meaning.meaning.event.item is None:
            return None, meaning.body
        holder = self._holders.setdefault(meaning.body, event_id)
        return (None, meaning.body) if holder == event_id else (holder, b"")

    def _is_wanted(self, conversion: EncodedConversion) -> bool:
        if not conversion.conversion.needs_association:
            return True
        return self._clicks.knows(conversion)

    def deliver(self, conversion: EncodedConversion, number: int | None, event_id: int, call: Recording) -> int:
        """One delivery of an event that is recorded already, under its old number or a new one; that number."""
        number = self._new_delivery() if number is None else number
        self._deliver(conversion, number, event_id, call.meanings[0].key[0], call)
        return number

    def _new_delivery(self) -> int:
        self._next_delivery += 1
        return self._next_delivery - 1

    def _deliver(
        self, conversion: EncodedConversion, delivery_id: int, event_id: int, source: str, call: Recording
    ) -> int:
        """One new delivery; 1 when it is due, 0 when it is not to be sent."""
        holder, flags, names = None, "[]", conversion.names_json
        state, wait_ms = "dry_run", 0
        if not call.dry_run:
            rivals = {self._claimed[name] for name in conversion.names if name in self._claimed}
            if rivals:
                holder, names = self._contend(conversion, delivery_id, sorted(rivals))
            self._claim_unknown(conversion, holder or delivery_id)
            state, wait_ms = self._begin(conversion, holder)
            flags = "[]" if holder is None else self._flags(conversion, holder)
            if conversion.click_id:
                self._tell(conversion, conversion.click_id, holder, event_id, source)
        head = 0
        if state == "pending" and conversion.lane not in self._busy:
            self._busy.add(conversion.lane)
            head = 1
        given, due_at = conversion.conversion, call.now_ms + wait_ms
        reason = "" if holder is None else f"delivery {holder} has its claim"
        self._conversions[delivery_id] = conversion
        self._deliveries[delivery_id] = [
            delivery_id,
            event_id,
            source,
            given.item,
            conversion.rule,
            conversion.kind,
            conversion.lane,
            state,
            head,
            due_at,
            call.now_ms,
            given.when_unsure,
            holder,
            flags,
            why_waiting(wait_ms) if wait_ms else reason,
            names,
            conversion.namespace,
            self._db.seals.text(PAYLOAD, delivery_id, conversion.payload_json),
            conversion.fill,
            due_at if wait_ms else None,
            self._clicks.address_of(conversion) if wait_ms else None,
        ]
        return 1 if state == "pending" else 0

    def _tell(
        self, conversion: EncodedConversion, click_id: str, holder: int | None, event_id: int, source: str
    ) -> None:
        """A click id is its customer's from now on; a duplicate's is the holder's, too."""
        self._clicks.tell(conversion, event_id)
        if holder is not None:
            gift = Gift(click_id=click_id, event_id=event_id, source=source)
            self._gifts.append((holder, conversion, gift))

    def _begin(self, conversion: EncodedConversion, holder: int | None) -> tuple[str, int]:
        """Where a delivery begins, and how long it waits there for a click id."""
        if holder is not None:
            return "duplicate", 0
        if conversion.wait_ms and not self._clicks.knows(conversion):
            return "waiting", conversion.wait_ms
        return "pending", 0

    def _claim_unknown(self, conversion: EncodedConversion, holder: int) -> None:
        for name in conversion.names:
            if name not in self._claimed:
                self._claimed[name] = holder
                self._claims.append((name, holder))

    def _contend(self, conversion: EncodedConversion, delivery_id: int, rivals: list[int]) -> tuple[int | None, str]:
        """Some names are taken: the delivery this is a duplicate of (None: the dead give way), and its names."""
        # a holder of this very batch has no row yet, and cannot be dead
        ousted = [holder for holder in rivals if holder not in self._deliveries and gives_way(self._db, holder)]
        alive = next((holder for holder in rivals if holder not in ousted), None)
        names = list(conversion.names)
        for holder in ousted:
            taken = take_over(self._db, alive or delivery_id, holder)
            names += taken
            self._claimed.update({name: alive or delivery_id for name, who in self._claimed.items() if who == holder})
        self._heirs += [(alive or delivery_id, holder) for holder in ousted]
        if alive is None:
            return None, names_json(dict.fromkeys(names))
        # what another one holds stays out: whoever comes after this holder must not take it along
        self._grow(alive, [name for name in names if self._claimed.get(name, alive) == alive])
        return alive, conversion.names_json

    def _grow(self, holder: int, names: Iterable[str]) -> None:
        """The holder answers for these names from now on."""
        row = self._deliveries.get(holder)
        if row is None:
            add_names(self._db, holder, names)
        else:
            row[_CLAIMS] = names_json(dict.fromkeys([*json.loads(str(row[_CLAIMS])), *names]))

    def _flags(self, conversion: EncodedConversion, holder: int) -> str:
        payload = conversion.conversion.payload
        new = self._conversions.get(holder)
        first: Payload | None
        if new is not None:
            first = new.conversion.payload
        else:
            row = self._db.execute("SELECT id, kind, lane, payload FROM deliveries WHERE id = ?", (holder,)).fetchone()
            first = stored_payload_of(self._db.seals, row)
        if not isinstance(payload, Sale) or not isinstance(first, Sale):
            return "[]"
        same = (payload.amount, clean(payload.currency)) == (first.amount, clean(first.currency))
        return "[]" if same else names_json([AMOUNT_DIFFERS])


def explained(meaning: EncodedMeaning, left_out: Iterable[EncodedConversion]) -> str:
    """A meaning's explanation, with why some of its conversions are not sent."""
    notes = [Step(rule=conversion.conversion.rule, result="note", why=NO_CLICK_ID) for conversion in left_out]
    return steps_json([*meaning.meaning.steps, *notes])
