"""Who holds a claim, and who comes after: promotion, take-over and the merging of what turns out to be one sale.

A delivery holds its claims until somebody takes them over. A dead holder gives way to the next, except when its
outcome is unknown and its rule says hold: sending its duplicate would be the very repeat that the rule forbids.
A duplicate holds nothing: its names are with the one it is a duplicate of.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bridge.store.database import Connection
from bridge.store.decoding import texts_of
from bridge.store.encoding import names_json
from bridge.store.giving import adopt, sealed_payload
from bridge.store.lanes import rehead
from bridge.store.opened import fields_of

#: Flag of a sale that goes out under the invoice id of the one whose place it takes.
INVOICE_CARRIED: Final = "carries the invoice id first sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A delivery that holds a claim somebody else asks for."""

    id: int
    state: str
    #: dead, and nobody must wait for it
    gives_way: bool


def holders(db: Connection, names: Iterable[str], *, besides: int) -> list[Holder]:
    """Who holds any of these names, oldest first."""
    rows = db.execute(
        """
        SELECT DISTINCT d.id, d.state, d.state = 'dead' AND NOT (d.unsure = 1 AND d.when_unsure = 'hold') AS gives_way
        FROM json_each(:names) AS wanted
        CROSS JOIN claims AS c ON c.name = wanted.value
        CROSS JOIN deliveries AS d ON d.id = c.delivery_id
        WHERE d.id <> :besides
        ORDER BY d.id
        """,
        {"names": names_json(names), "besides": besides},
    )
    return [Holder(id=row["id"], state=row["state"], gives_way=bool(row["gives_way"])) for row in rows]


def names_of(db: Connection, delivery_id: int) -> list[str]:
    """Every name a delivery holds, held or would hold."""
    (stored,) = db.execute("SELECT claims FROM deliveries WHERE id = ?", (delivery_id,)).fetchone()
    return texts_of(stored)


def held_by(db: Connection, delivery_id: int) -> list[str]:
    """Those of its names that it holds now."""
    rows = db.execute(
        """
        SELECT c.name FROM json_each(?) AS wanted
        CROSS JOIN claims AS c ON c.name = wanted.value
        WHERE c.delivery_id = ? ORDER BY wanted.key
        """,
        (names_json(names_of(db, delivery_id)), delivery_id),
    )
    return [name for (name,) in rows]


def take_over(db: Connection, heir: int, ousted: int) -> list[str]:
    """Give all that one delivery holds, and its duplicates, to another; says which names.

    The heir's row may not be written yet: whoever writes it adds the names to its own.
    """
    names = names_of(db, ousted)
    db.execute(
        """
        UPDATE claims SET delivery_id = :heir
        WHERE name IN (SELECT value FROM json_each(:names)) AND delivery_id = :ousted
        """,
        {"heir": heir, "ousted": ousted, "names": names_json(names)},
    )
    db.execute(
        "UPDATE deliveries SET duplicate_of = ? WHERE duplicate_of = ? AND state = 'duplicate' AND id <> ?",
        (heir, ousted, heir),
    )
    add_names(db, heir, names)
    return names


def carry_invoice(db: Connection, heir: int, ousted: int) -> None:
    """Send the heir of a sale that may have arrived under the invoice id first sent, so that the tracker can tell.

    An heir that was tried itself keeps what it told.
    """
    ousted_row = db.execute(
        "SELECT id, payload FROM deliveries WHERE id = ? AND kind = 'sale' AND unsure = 1", (ousted,)
    ).fetchone()
    own = db.execute(
        """
        SELECT id, payload, flags, tries = 0 AND state <> 'sending' AS may_change FROM deliveries
        WHERE id = ? AND kind = 'sale' AND state <> 'delivered'
        """,
        (heir,),
    ).fetchone()
    if ousted_row is None or own is None:
        return
    first, payload = fields_of(db.seals, ousted_row), fields_of(db.seals, own)
    if first is None or payload is None:
        return
    # an heir's heir must still know that the first may have arrived
    db.execute("UPDATE deliveries SET unsure = 1 WHERE id = ?", (heir,))
    invoice_id, flags = first.get("invoice_id"), texts_of(own["flags"])
    if invoice_id in (None, payload.get("invoice_id")) or INVOICE_CARRIED in flags or not own["may_change"]:
        return
    db.execute(
        "UPDATE deliveries SET payload = ?, flags = ? WHERE id = ?",
        (sealed_payload(db, heir, {**payload, "invoice_id": invoice_id}), names_json([*flags, INVOICE_CARRIED]), heir),
    )


def add_names(db: Connection, delivery_id: int, names: Iterable[str]) -> None:
    """Remember that a delivery answers for more names; no row, no change."""
    row = db.execute("SELECT claims FROM deliveries WHERE id = ?", (delivery_id,)).fetchone()
    if row is None:
        return
    own = texts_of(row["claims"])
    union = list(dict.fromkeys([*own, *names]))
    if len(union) > len(own):
        db.execute("UPDATE deliveries SET claims = ? WHERE id = ?", (names_json(union), delivery_id))


def inherit(db: Connection, heir: int) -> None:
    """Take over what the dead and the dismissed still hold of a delivery's names; others keep theirs."""
    for holder in holders(db, names_of(db, heir), besides=heir):
        if holder.state in ("dead", "dismissed"):
            take_over(db, heir, holder.id)
            carry_invoice(db, heir, holder.id)


def pass_on(db: Connection, holder_id: int, now_ms: int) -> int | None:
    """Promote the oldest duplicate of a delivery that will not be sent; None when there is nobody to promote.

    When a duplicate shows that the same sale is with another holder as well, that one takes everything instead.
    """
    duplicates = db.execute(
        "SELECT id, lane, claims FROM deliveries WHERE duplicate_of = ? AND state = 'duplicate' ORDER BY id",
        (holder_id,),
    ).fetchall()
    if not duplicates:
        return None
    names = dict.fromkeys(name for row in duplicates for name in texts_of(row["claims"]))
    rival = next((other for other in holders(db, names, besides=holder_id) if not other.gives_way), None)
    if rival is not None:
        take_over(db, rival.id, holder_id)
        carry_invoice(db, rival.id, holder_id)
        adopt(db, rival.id, holder_id, now_ms)
        return None
    heir: int = duplicates[0]["id"]
    take_over(db, heir, holder_id)
    carry_invoice(db, heir, holder_id)
    inherit(db, heir)
    adopt(db, heir, holder_id, now_ms)
    db.execute(
        """
        UPDATE deliveries SET state = 'pending', due_at = :now, duplicate_of = NULL, reason = :reason WHERE id = :heir
        """,
        {"heir": heir, "now": now_ms, "reason": f"takes the place of delivery {holder_id}"},
    )
    rehead(db, duplicates[0]["lane"])
    return heir


def gives_way(db: Connection, delivery_id: int) -> bool:
    """Whether a delivery is dead and its duplicates need not wait for a person."""
    (answer,) = db.execute(
        "SELECT state = 'dead' AND NOT (unsure = 1 AND when_unsure = 'hold') FROM deliveries WHERE id = ?",
        (delivery_id,),
    ).fetchone()
    return bool(answer)


def reclaim(db: Connection, delivery_id: int) -> None:
    """A delivery turned out delivered after it was given up: whoever came after and is not under way steps back."""
    for holder in holders(db, names_of(db, delivery_id), besides=delivery_id):
        if holder.state in ("sending", "delivered"):
            continue
        take_over(db, delivery_id, holder.id)
        if holder.state in ("pending", "waiting"):
            (lane,) = db.execute(
                """
                UPDATE deliveries SET state = 'duplicate', head = 0, duplicate_of = ? WHERE id = ? RETURNING lane
                """,
                (delivery_id, holder.id),
            ).fetchone()
            rehead(db, lane)
