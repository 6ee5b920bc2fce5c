"""A delivery that is about to become another one lets go of its business keys, for whoever stands for it then.

What was its duplicate only by a key that it no longer has is none any more: the oldest of those takes the key and is
sent, unless somebody else answers for it too. What is withdrawn frees its keys, but for those that another delivery of
the same customer answers for: to free these could count one sale twice.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from bridge.store.database import Connection
from bridge.store.decoding import texts_of
from bridge.store.encoding import names_json
from bridge.store.holding import add_names, held_by, holders, inherit
from bridge.store.lanes import rehead

#: The names of deliveries that are about to become others; none for one that is withdrawn.
Names: TypeAlias = Mapping[int, Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Duplicate:
    """A duplicate of the one that parts."""

    id: int
    lane: str
    names: frozenset[str]


def part(db: Connection, delivery_id: int, names: Names, now_ms: int) -> list[str]:
    """Let go of what a delivery holds; what whoever stands for it must hold, in the same transaction.

    That is all of it, but for what belongs to duplicates that it loses. `names` are the new ones, of this and of every
    other delivery that becomes another one in this transaction; one that is withdrawn has none and frees what it held.
    """
    held = held_by(db, delivery_id)
    main, orphans = _group(set(names[delivery_id]), _duplicates(db, delivery_id, names))
    while heir := next((one for one in orphans if one.id not in names), None):
        theirs, left = _group(set(heir.names), orphans)
        _settle_family(db, delivery_id, heir, [one for one in orphans if one not in left], theirs, now_ms)
        orphans = left
    kept = held_by(db, delivery_id)
    db.execute(
        "DELETE FROM claims WHERE delivery_id = ? AND name IN (SELECT value FROM json_each(?))",
        (delivery_id, names_json(held)),
    )
    if names[delivery_id]:
        return kept
    loose = _asked_by_others(db, delivery_id, [name for name in kept if name not in main])
    return [name for name in kept if name in main or name in loose]


def claim_free(db: Connection, holder: int, names: Iterable[str]) -> None:
    """Claim those of the names that nobody holds; the holder answers for no others, whoever holds them."""
    rows = [(name, holder) for name in names]
    db.executemany("INSERT INTO claims (name, delivery_id) VALUES (?, ?) ON CONFLICT DO NOTHING", rows)
    held = db.execute(
        """
        SELECT c.name FROM json_each(?) AS wanted CROSS JOIN claims AS c ON c.name = wanted.value
        WHERE c.delivery_id = ? ORDER BY wanted.key
        """,
        (names_json(name for name, _ in rows), holder),
    ).fetchall()
    add_names(db, holder, [name for (name,) in held])


def would_part(db: Connection, delivery_id: int, own: Sequence[str], names: Names) -> bool:
    """Whether a delivery with only these names of its own would lose a duplicate."""
    _, orphans = _group(set(own), _duplicates(db, delivery_id, names))
    return any(one.id not in names for one in orphans)


def _duplicates(db: Connection, delivery_id: int, new: Names) -> list[_Duplicate]:
    rows = db.execute(
        "SELECT id, lane, claims FROM deliveries WHERE duplicate_of = ? AND state = 'duplicate' ORDER BY id",
        (delivery_id,),
    )
    return [
        _Duplicate(id=row["id"], lane=row["lane"], names=frozenset(new.get(row["id"], texts_of(row["claims"]))))
        for row in rows
    ]


def _group(names: set[str], duplicates: Iterable[_Duplicate]) -> tuple[set[str], list[_Duplicate]]:
    """The names with those of every duplicate that shares one, and the duplicates that share none."""
    apart = list(duplicates)
    while joined := [one for one in apart if one.names & names]:
        names = names.union(*(one.names for one in joined))
        apart = [one for one in apart if one not in joined]
    return names, apart


def _settle_family(
    db: Connection,
    parting: int,
    heir: _Duplicate,
    family: Sequence[_Duplicate],
    names: set[str],
    now_ms: int,
) -> None:
    """Duplicates that have nothing in common with the parting one any more: to whom they belong now."""
    rival = next((other for other in holders(db, names, besides=parting) if not other.gives_way), None)
    original = heir.id if rival is None else rival.id
    db.execute(
        """
        UPDATE claims SET delivery_id = ?
        WHERE delivery_id = ? AND name IN (SELECT value FROM json_each(?))
        """,
        (original, parting, names_json(sorted(names))),
    )
    for one in family:
        db.execute(
            "UPDATE deliveries SET duplicate_of = ?, reason = ? WHERE id = ?",
            (original, f"delivery {original} has its claim", one.id),
        )
    claim_free(db, original, sorted(names))
    if rival is None:
        inherit(db, heir.id)
        db.execute(
            """
            UPDATE deliveries SET state = 'pending', due_at = ?, duplicate_of = NULL, reason = ? WHERE id = ?
            """,
            (now_ms, f"delivery {parting} was remapped and no longer has its claim", heir.id),
        )
        rehead(db, heir.lane)


def _asked_by_others(db: Connection, delivery_id: int, names: Sequence[str]) -> list[str]:
    """Those of the names that another delivery of the same customer answers for as well, such as a dead one."""
    if not names:
        return []
    others = db.execute(
        """
        SELECT claims FROM deliveries
        WHERE lane = (SELECT lane FROM deliveries WHERE id = :id) AND id <> :id AND state <> 'dry_run'
        """,
        {"id": delivery_id},
    )
    asked = {name for (claims,) in others for name in texts_of(claims)}
    return [name for name in names if name in asked]
