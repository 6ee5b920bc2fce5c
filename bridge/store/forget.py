"""forget: a person's data out of the database, by the same rules as retention; what prevents double counting stays.

Event keys, claims, amounts and invoice ids stay, unless an address is part of them. A body that a batch shares goes
for all its items: what is one person's in it cannot be told from what is another's.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from bridge.store import prune, reversals
from bridge.store.database import Connection, Row
from bridge.store.decoding import NOTHING, texts_of
from bridge.store.emails import EMAIL, Hasher
from bridge.store.encoding import names_json, to_json
from bridge.store.opened import fields_of, opened, opened_event, opened_payload
from bridge.store.persons import FORGOTTEN, Erased, Finder, Person, Sighting
from bridge.store.sealing import BODY, PAYLOAD, REASON
from bridge.store.trackers import read_tracker, write_tracker

_TEXTS: Final = ("key", "source_id", "type", "account", "query", "headers", "steps", "reason")
_OPEN: Final = ("pending", "waiting", "sending", "dead")


# ── finding ──────────────────────────────────────────────────────────────────────────────────────────────────────


def search(db: Connection, person: Person, after: int, limit: int) -> Sighting:
    """Look through some events, oldest first: their texts, their bodies, their deliveries."""
    (last,) = db.execute(
        "SELECT max(id) FROM (SELECT id FROM events WHERE id > ? ORDER BY id LIMIT ?) AS next", (after, limit)
    ).fetchone()
    if last is None:
        return Sighting()
    finder = Finder(person)
    events, customers = _by_deliveries(db, person, finder, after, last)
    shared = []
    # one at a time: bodies are large
    for stored in db.execute("SELECT * FROM events WHERE id > ? AND id <= ? ORDER BY id", (after, last)):
        row = opened_event(db.seals, stored)
        body = db.seals.read_data(BODY, row["id"], row["body"])
        if any(finder.is_in(row[column]) for column in _TEXTS):
            events.add(row["id"])
        if row["item"] is not None and finder.is_in(body):
            shared.append(row["id"])
        elif row["item"] is None and row["id"] not in events and finder.is_in(body):
            events.add(row["id"])
    events |= _by_reversals(db, finder, after, last)
    return Sighting(events=tuple(sorted(events)), shared=tuple(shared), customers=frozenset(customers), last=last)


def _by_deliveries(db: Connection, person: Person, finder: Finder, after: int, last: int) -> tuple[set[int], set[str]]:
    """The events whose deliveries are the person's, and under which customer ids the addresses are sent."""
    events, customers = set(), set()
    for stored in db.execute("SELECT * FROM deliveries WHERE event_id > ? AND event_id <= ?", (after, last)):
        row = opened(db.seals, stored)
        if _names_address(row, finder):
            customers.add(row["lane"])
        if _is_theirs(row, person, finder):
            events.add(row["event_id"])
    return events, customers - {FORGOTTEN}


def _by_reversals(db: Connection, finder: Finder, after: int, last: int) -> set[int]:
    rows = db.execute("SELECT event_id, sale, names FROM reversals WHERE event_id > ? AND event_id <= ?", (after, last))
    return {row["event_id"] for row in rows if finder.is_in(row["sale"]) or finder.is_in(row["names"])}


def _names_address(row: Row, finder: Finder) -> bool:
    """Whether a delivery goes, or went, under one of the addresses."""
    try:
        email = json.loads(row["payload"]).get("customer_email")
    except (ValueError, AttributeError, RecursionError):
        email = None
    return finder.is_in(email if isinstance(email, str) else None) or finder.is_in(row["lane"])


def _is_theirs(row: Row, person: Person, finder: Finder) -> bool:
    if row["lane"] in person.customers:
        return True
    return any(finder.is_in(row[column]) for column in ("lane", "payload", "claims", "reason"))


def addresses_of(db: Connection, customer: str) -> frozenset[str]:
    """The addresses that a customer's deliveries name, in small letters."""
    found = set()
    for row in db.execute("SELECT id, payload FROM deliveries WHERE lane = ?", (customer,)):
        email = (fields_of(db.seals, row) or {}).get("customer_email")
        if isinstance(email, str) and email.strip():
            found.add(email.strip().lower())
    return frozenset(found)


def events_of(db: Connection, customers: Iterable[str]) -> list[int]:
    """The events with deliveries of these customers."""
    rows = db.execute(
        "SELECT DISTINCT event_id FROM deliveries WHERE lane IN (SELECT value FROM json_each(?)) ORDER BY event_id",
        (names_json(customers),),
    )
    return [event_id for (event_id,) in rows]


def theirs(db: Connection, event_ids: Sequence[int], person: Person) -> list[int]:
    """The deliveries of these events that are the person's."""
    finder = Finder(person)
    return [row["id"] for event_id in event_ids for row in _deliveries(db, event_id, person, finder)]


def _deliveries(db: Connection, event_id: int, person: Person, finder: Finder) -> list[Row]:
    """Those that name the person, or go to the same customer; all of an event that has but one customer."""
    stored = db.execute("SELECT * FROM deliveries WHERE event_id = ? ORDER BY id", (event_id,)).fetchall()
    rows = [opened(db.seals, row) for row in stored]
    lanes = {row["lane"] for row in rows}
    named = {row["lane"] for row in rows if _is_theirs(row, person, finder)}
    return rows if len(lanes) < 2 else [row for row in rows if row["lane"] in named]


# ── removing ─────────────────────────────────────────────────────────────────────────────────────────────────────


def erase(db: Connection, event_ids: Sequence[int], shared: Sequence[int], person: Person) -> Erased:
    """Remove what these events hold of the person; one of which something is still to be sent, or dead, is left."""
    finder = Finder(person)
    deliveries = {event_id: _deliveries(db, event_id, person, finder) for event_id in event_ids}
    left = [event_id for event_id, rows in deliveries.items() if any(row["state"] in _OPEN for row in rows)]
    done = [event_id for event_id in event_ids if event_id not in left]
    rows = [row for event_id in done for row in deliveries[event_id]]
    _drop_shared(db, [*shared, *_holders(db, done)])
    prune.take_bodies(db, done)
    prune.take_payloads(db, [row["id"] for row in rows])
    keys = sum(_clean_delivery(db, row, finder) for row in rows) + sum(_clean_event(db, one, finder) for one in done)
    _reopen(db, done)
    return Erased(events=len(done), deliveries=len(rows), keys=keys, left=tuple(left))


def _holders(db: Connection, event_ids: Sequence[int]) -> list[int]:
    """Where the bodies of those that are items of a batch are."""
    rows = db.execute(
        """
        SELECT DISTINCT coalesce(body_of, id) FROM events
        WHERE id IN (SELECT CAST(value AS INTEGER) FROM json_each(?)) AND item IS NOT NULL
        """,
        (to_json([*event_ids]),),
    )
    return [holder for (holder,) in rows]


def _drop_shared(db: Connection, holders: Sequence[int]) -> None:
    among = to_json([*holders])
    db.execute("UPDATE events SET body = x'' WHERE id IN (SELECT CAST(value AS INTEGER) FROM json_each(?))", (among,))
    db.execute(
        "UPDATE events SET body_of = NULL WHERE body_of IN (SELECT CAST(value AS INTEGER) FROM json_each(?))", (among,)
    )


def _clean_delivery(db: Connection, row: Row, finder: Finder) -> int:
    """Take the customer out of a delivery's row; how many keys went with it."""
    names = texts_of(row["claims"])
    personal = [name for name in names if finder.is_in(name)]
    db.executemany("DELETE FROM claims WHERE name = ? AND delivery_id = ?", [(name, row["id"]) for name in personal])
    forgotten = row["state"] == "duplicate" or finder.is_in(row["reason"])
    db.execute(
        """
        UPDATE deliveries SET
            lane = :lane, head = 0, claims = :claims, click_email = NULL,
            state = CASE WHEN state = 'duplicate' THEN 'dismissed' ELSE state END, reason = :reason
        WHERE id = :id
        """,
        {
            "id": row["id"],
            "lane": FORGOTTEN,
            "claims": names_json([name for name in names if name not in personal]),
            "reason": "forgotten" if forgotten else db.seals.text(REASON, row["id"], row["reason"]),
        },
    )
    if finder.is_in(_payload(db, row["id"])):
        nothing = db.seals.text(PAYLOAD, row["id"], NOTHING)
        db.execute("UPDATE deliveries SET payload = ? WHERE id = ?", (nothing, row["id"]))
    return len(personal)


def _payload(db: Connection, delivery_id: int) -> str:
    row = db.execute("SELECT id, payload FROM deliveries WHERE id = ?", (delivery_id,)).fetchone()
    return opened_payload(db.seals, row)


def _clean_event(db: Connection, event_id: int, finder: Finder) -> int:
    """Take addresses out of an event's own texts; how many keys went with them."""
    stored = db.execute("SELECT * FROM events WHERE id = ?", (event_id,)).fetchone()
    row = opened_event(db.seals, stored)
    is_personal = {column: finder.is_in(row[column]) for column in ("key", "source_id", "type", "account", "reason")}
    if any(is_personal.values()):
        db.execute(
            "UPDATE events SET key = ?, source_id = ?, type = ?, account = ?, reason = ? WHERE id = ?",
            (
                f"forgotten:{event_id}" if is_personal["key"] else row["key"],
                *(None if is_personal[column] else row[column] for column in ("source_id", "type", "account")),
                "forgotten" if is_personal["reason"] else stored["reason"],
                event_id,
            ),
        )
    said = db.execute("SELECT sale, names FROM reversals WHERE event_id = ?", (event_id,)).fetchall()
    if any(finder.is_in(one["sale"]) or finder.is_in(one["names"]) for one in said):
        reversals.forget(db, [event_id])
        return is_personal["key"] + len(said)
    return int(is_personal["key"])


def _reopen(db: Connection, event_ids: Sequence[int]) -> None:
    """An event with deliveries of somebody else's is for retention to forget: those can still be replayed."""
    db.execute(
        """
        UPDATE events SET forgotten = 0 WHERE id IN (
            SELECT d.event_id FROM deliveries AS d
            WHERE d.event_id IN (SELECT CAST(value AS INTEGER) FROM json_each(:among)) AND d.lane <> :gone
        )
        """,
        {"among": to_json([*event_ids]), "gone": FORGOTTEN},
    )


def unlink(db: Connection, person: Person) -> int:
    """Remove the person's clicks, and their customer ids from what is remembered of the tracker; how many clicks."""
    hasher = Hasher(db)
    gone = db.execute(
        "DELETE FROM associations WHERE namespace <> ? AND customer IN (SELECT value FROM json_each(?))",
        (EMAIL, names_json(person.customers)),
    ).rowcount
    gone += db.execute(
        "DELETE FROM associations WHERE namespace = ? AND customer IN (SELECT value FROM json_each(?))",
        (EMAIL, names_json(hasher.of(email) for email in person.emails)),
    ).rowcount
    tracker = read_tracker(db)
    is_named = Finder(person).is_in(tracker.pause_reason)
    write_tracker(
        db,
        replace(
            tracker,
            pause_reason="" if is_named else tracker.pause_reason,
            probed_lane="" if tracker.probed_lane in person.customers else tracker.probed_lane,
            failing_lanes=tuple(_anonymous(tracker.failing_lanes, person)),
            not_found_lanes=tuple(_anonymous(tracker.not_found_lanes, person)),
        ),
    )
    return gone


def _anonymous(lanes: Iterable[str], person: Person) -> list[str]:
    """The lanes, a person's under a name that says no more than that it is one."""
    return [f"{FORGOTTEN} {number}" if lane in person.customers else lane for number, lane in enumerate(lanes)]
