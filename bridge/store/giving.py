"""A click id that comes to a delivery from elsewhere, before its first try: after that nothing is changed any more.

From another webhook that tells of the same payment, which is as good as its own; or, right before a sale is sent, from
an earlier click of its customer, which gives way to its own. Where it came from stands in the delivery's flags.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from bridge.model import Delivery, Sale
from bridge.store.clicks import Click, Question, answers, before, questions, remember
from bridge.store.database import Connection, Row
from bridge.store.decoding import texts_of
from bridge.store.emails import EMAIL, email_hash
from bridge.store.encoding import Plain, names_json, to_json, to_ms
from bridge.store.opened import fields_of
from bridge.store.sealing import PAYLOAD

#: How the flag begins that says whose click id a delivery has; there is one at most.
FROM: Final = "click id from "
TOO_LATE: Final = "click id came too late"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gift:
    """A click id that another webhook of the same payment brought."""

    click_id: str
    event_id: int
    source: str


def give(db: Connection, delivery_id: int, gift: Gift, now_ms: int) -> None:
    """Let a delivery have the click id that one of its duplicates brought; too late once it was attempted."""
    row = db.execute(
        """
        SELECT d.id, d.kind, d.state, d.tries, d.filled_from, d.flags, d.payload, e.forgotten
        FROM deliveries AS d JOIN events AS e ON e.id = d.event_id
        WHERE d.id = ? AND d.state <> 'dry_run'
        """,
        (delivery_id,),
    ).fetchone()
    payload = fields_of(db.seals, row) if row is not None else None
    if payload is None:
        return
    has_own = payload.get("click_id") is not None and row["filled_from"] is None
    if has_own or payload.get("deferred"):
        return
    if row["tries"] == 0 and row["state"] != "sending":
        thing = "payment" if row["kind"] == "sale" else "lead"
        told = f"{FROM}event {gift.event_id} ({gift.source}), which tells of the same {thing}"
        _write(db, delivery_id, {**payload, "click_id": gift.click_id}, _with(row["flags"], told), now_ms)
    elif payload.get("click_id") is None and row["kind"] == "sale" and not row["forgotten"]:
        flags = [*texts_of(row["flags"]), TOO_LATE]
        db.execute("UPDATE deliveries SET flags = ? WHERE id = ?", (names_json(dict.fromkeys(flags)), delivery_id))


def adopt(db: Connection, heir: int, ousted: int, now_ms: int) -> None:
    """Let the one that takes a place have the click id of those that tell of the same payment, if it has none."""
    rows = db.execute(
        """
        SELECT id, event_id, source, payload FROM deliveries
        WHERE id IN (SELECT :ousted UNION SELECT id FROM deliveries WHERE duplicate_of = :heir AND state = 'duplicate')
            AND id <> :heir AND filled_from IS NULL
        ORDER BY id
        """,
        {"heir": heir, "ousted": ousted},
    ).fetchall()
    for row in rows:
        payload = fields_of(db.seals, row) or {}
        click_id = payload.get("click_id")
        if isinstance(click_id, str) and not payload.get("deferred"):
            give(db, heir, Gift(click_id=click_id, event_id=row["event_id"], source=row["source"]), now_ms)
            return


# ── from an earlier click, right before the first try ────────────────────────────────────────────────────────────


def fillable(db: Connection, delivery_ids: Sequence[int]) -> frozenset[int]:
    """Those of the deliveries for which there may be a click: one look at all of them, since mostly there is none."""
    rows = db.execute(
        """
        SELECT d.id FROM json_each(?) AS wanted CROSS JOIN deliveries AS d ON d.id = CAST(wanted.value AS INTEGER)
        WHERE d.kind = 'sale' AND d.tries = 0 AND d.fill <> '' AND (
            d.fill <> 'customer' OR (
                SELECT 1 FROM associations AS a WHERE a.namespace = d.namespace AND a.customer = d.lane LIMIT 1
            ) IS NOT NULL
        )
        """,
        (f"[{','.join(map(str, delivery_ids))}]",),
    )
    return frozenset(delivery_id for (delivery_id,) in rows)


def filled(db: Connection, row: Row, delivery: Delivery) -> Delivery:
    """What was just leased and is fillable, with a click of its customer if it has none of its own."""
    sale = delivery.payload
    if not isinstance(sale, Sale) or sale.click_id is not None:
        return delivery
    looks = "email" in row["fill"] and sale.customer_email is not None
    email = email_hash(db, sale.customer_email) if looks and sale.customer_email is not None else None
    sold_at = to_ms(sale.timestamp)
    asked = questions(row["fill"], row["namespace"], row["lane"], email, sold_at)
    found = answers(db, asked)
    question = next((question for question in asked if question in found), None)
    if question is None:
        return delivery
    click = found[question]
    flags = _with(row["flags"], _provenance(question, click))
    payload = {**(fields_of(db.seals, row) or {}), "click_id": click.click_id}
    db.execute(
        "UPDATE deliveries SET payload = ?, flags = ?, filled_from = ? WHERE id = ?",
        (sealed_payload(db, delivery.id, payload), names_json(flags), click.event_id, delivery.id),
    )
    if row["namespace"]:
        # from now on the click is this customer's, for the renewals to come
        told_by = row["event_id"] if question.namespace == EMAIL else click.event_id
        customer = (row["namespace"], row["lane"])
        remember(db, [(*customer, click.click_id, click.clicked_at, click.event_id, told_by, sold_at)])
    changed = replace(sale, click_id=click.click_id)
    return replace(delivery, payload=changed, flags=tuple(flags), filled_from=click.event_id)


def _provenance(question: Question, click: Click) -> str:
    """Where a click id is from, in words."""
    told = [f"event {click.event_id}" + (f" ({click.source})" if click.source else "")]
    if question.namespace == EMAIL:
        told.append("the same address")
    if question.sold_at is not None:
        told.append(before(question.sold_at - click.clicked_at))
    return FROM + ", ".join(told)


def unfill(db: Connection, delivery_id: int) -> None:
    """Take a click back that came from elsewhere: the delivery is not tried after all, and may yet get its own."""
    row = db.execute(
        """
        SELECT id, event_id, namespace, lane, filled_from, flags, payload FROM deliveries
        WHERE id = ? AND filled_from IS NOT NULL AND tries = 0
        """,
        (delivery_id,),
    ).fetchone()
    payload = fields_of(db.seals, row) if row is not None else None
    if payload is None:
        return
    # what this sale alone told of its customer: that a click of the same address is theirs
    db.execute(
        """
        DELETE FROM associations
        WHERE namespace = ? AND customer = ? AND click_id = ? AND event_id = ? AND told_by = ? AND told_by <> event_id
        """,
        (row["namespace"], row["lane"], payload.pop("click_id", ""), row["filled_from"], row["event_id"]),
    )
    db.execute(
        "UPDATE deliveries SET payload = ?, flags = ?, filled_from = NULL WHERE id = ?",
        (sealed_payload(db, delivery_id, payload), names_json(_with(row["flags"])), delivery_id),
    )


# ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _write(db: Connection, delivery_id: int, payload: dict[str, Plain], flags: list[str], now_ms: int) -> None:
    """A click id as good as its own; what waited for one is due."""
    db.execute(
        """
        UPDATE deliveries SET
            payload = :payload, flags = :flags, filled_from = NULL,
            due_at = CASE WHEN state = 'waiting' AND click_by IS NOT NULL AND due_at > :now THEN :now ELSE due_at END,
            reason = CASE WHEN state = 'waiting' AND click_by IS NOT NULL THEN '' ELSE reason END,
            click_by = NULL
        WHERE id = :id
        """,
        {
            "id": delivery_id,
            "payload": sealed_payload(db, delivery_id, payload),
            "flags": names_json(flags),
            "now": now_ms,
        },
    )


def _with(flags: str, *told: str) -> list[str]:
    """A delivery's flags with where its click id is from, instead of what they said of that before."""
    return [*(flag for flag in texts_of(flags) if not flag.startswith(FROM)), *told]


def sealed_payload(db: Connection, delivery_id: int, payload: dict[str, Plain]) -> str:
    """A payload as it is to be stored."""
    return db.seals.text(PAYLOAD, delivery_id, to_json(payload))
