"""remap: what today's rules make of a stored event, brought into effect in one transaction.

What was never attempted is replaced, in its place in its lane; a dead letter is succeeded by a new delivery; what was
attempted, delivered or given up stays as it is and is only shown. Business keys are kept, so nothing counts twice,
and the same remap done again changes nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bridge.model import Delivery, EventState
from bridge.store import reversals
from bridge.store.database import Connection, Row
from bridge.store.decoding import delivery_of, readable_payload_of, texts_of
from bridge.store.encoding import EncodedConversion, EncodedMeaning, names_json, sealed_reason
from bridge.store.fates import Fate, fates_of, new_names
from bridge.store.giving import FROM
from bridge.store.holding import carry_invoice
from bridge.store.lanes import rehead
from bridge.store.opened import opened
from bridge.store.parting import Names, claim_free, part, would_part
from bridge.store.record import AMOUNT_DIFFERS, Batch, Recording, explained
from bridge.store.reports import Remap, Remapped, Remapping
from bridge.store.sealing import STEPS
from bridge.store.telling import Clicks


def remap(db: Connection, event_id: int, meaning: EncodedMeaning, now_ms: int) -> Remapped | None:
    """Bring a meaning into effect for an event that is recorded; None when there is none, or it was forgotten."""
    event = db.execute("SELECT state FROM events WHERE id = ? AND forgotten = 0", (event_id,)).fetchone()
    if event is None:
        return None
    stored = db.execute("SELECT * FROM deliveries WHERE event_id = ? ORDER BY id", (event_id,)).fetchall()
    before = {row["id"]: delivery_of(db.seals, row, clock_ms=now_ms) for row in stored}
    rows = [opened(db.seals, row) for row in stored]
    clicks = Clicks(db, meaning.conversions)
    wanted, left_out = _wanted(meaning, clicks, event_id)
    state, reason = _outcome(meaning, wanted)
    fates = fates_of(db, rows, wanted, state, left_out)
    _carry_out(db, fates, event_id, meaning, now_ms)
    clicks.retell(event_id, now_ms)
    reversals.renew(db, event_id, meaning.key[0], meaning.meaning.reversals)
    _rewrite(db, event_id, meaning, state, reason, left_out)
    return Remapped(
        event_id=event_id,
        before=EventState(event["state"]),
        after=state,
        reason=reason,
        changes=tuple(_told(db, fate, before, now_ms) for fate in fates),
    )


def _wanted(
    meaning: EncodedMeaning, clicks: Clicks, event_id: int
) -> tuple[list[EncodedConversion], list[EncodedConversion]]:
    """The conversions to be sent, and those for which no click id is known; as record decides it."""
    if meaning.meaning.state is EventState.IGNORED:
        return [], []
    wanted, left_out = list[EncodedConversion](), list[EncodedConversion]()
    for conversion in meaning.conversions:
        is_wanted = not conversion.conversion.needs_association or clicks.knows(conversion)
        (wanted if is_wanted else left_out).append(conversion)
        clicks.tell(conversion, event_id)
    return wanted, left_out


def _outcome(meaning: EncodedMeaning, wanted: Sequence[EncodedConversion]) -> tuple[EventState, str]:
    state = meaning.meaning.state
    if state is EventState.ACCEPTED and meaning.conversions and not wanted:
        return EventState.IGNORED, "no click id"
    return state, meaning.reason


# ── bringing it about ────────────────────────────────────────────────────────────────────────────────────────────


def _carry_out(db: Connection, fates: Sequence[Fate], event_id: int, meaning: EncodedMeaning, now_ms: int) -> None:
    names = new_names(fates)
    for fate in fates:
        if fate.what is Remap.WITHDRAWN and fate.before is not None:
            _withdraw(db, fate.before, fate.why, names, now_ms)
    made = [fate for fate in fates if fate.what in (Remap.ADDED, Remap.REPLACED, Remap.RENEWED)]
    kept = [_part(db, fate, names, now_ms) for fate in made]
    if not made:
        return
    new = replace(meaning, conversions=[_conversion(fate) for fate in made])
    call = Recording(meanings=[new], now_ms=now_ms, dry_run=False)
    batch = Batch(db, [call], is_remap=True)
    for fate in made:
        fate.number = batch.deliver(_conversion(fate), fate.number, event_id, call)
    replaced = [fate for fate in made if fate.what is Remap.REPLACED]
    db.executemany("DELETE FROM deliveries WHERE id = ?", [(fate.number,) for fate in replaced])
    batch.write()
    for fate, theirs in zip(made, kept, strict=True):
        _stand_for(db, fate, theirs)
    for fate in replaced:
        _part_again(db, fate, now_ms)
    for lane in dict.fromkeys([*(_lane(fate) for fate in replaced), *(_conversion(fate).lane for fate in made)]):
        # several may have joined it
        db.execute("UPDATE deliveries SET head = 0 WHERE lane = ? AND state = 'pending' AND head = 1", (lane,))
        rehead(db, lane)


def _conversion(fate: Fate) -> EncodedConversion:
    assert fate.conversion is not None  # noqa: S101  # what is made is made of one
    return fate.conversion


def _lane(fate: Fate) -> str:
    return str(fate.before["lane"]) if fate.before is not None else ""


def _withdraw(db: Connection, row: Row, why: str, names: Names, now_ms: int) -> None:
    """Take back what was never attempted; whoever was kept out by it gets its place."""
    reason = f"remapped: {why}"
    db.execute(
        "UPDATE deliveries SET state = 'dismissed', head = 0, duplicate_of = NULL, reason = ? WHERE id = ?",
        (reason, row["id"]),
    )
    if row["state"] == "pending":
        rehead(db, row["lane"])
    claim_free(db, row["id"], part(db, row["id"], names, now_ms))


def _part(db: Connection, fate: Fate, names: Names, now_ms: int) -> list[str]:
    """Let go of what the old one holds; what the new one must hold besides its own."""
    row = fate.before
    if row is None or row["id"] not in names:
        return []
    return part(db, row["id"], names, now_ms)


def _part_again(db: Connection, fate: Fate, now_ms: int) -> None:
    """Let go of duplicates that only another one of the same event held to it, which now answers for itself."""
    if fate.number is not None and would_part(db, fate.number, fate.names, {}):
        kept = part(db, fate.number, {fate.number: fate.names}, now_ms)
        claim_free(db, fate.number, kept)


def _stand_for(db: Connection, fate: Fate, kept: Sequence[str]) -> None:
    """A new row is there: what it takes over of the old one, whose duplicates and keys go to whoever stands for it."""
    row, number = fate.before, fate.number
    if row is None or number is None:
        return
    state, original, flags = db.execute(
        "SELECT state, duplicate_of, flags FROM deliveries WHERE id = ?", (number,)
    ).fetchone()
    holder: int = original if state == "duplicate" else number
    claim_free(db, holder, kept)
    db.execute(
        "UPDATE deliveries SET duplicate_of = ? WHERE duplicate_of = ? AND state = 'duplicate' AND id <> ?",
        (holder, row["id"], holder),
    )
    if fate.what is Remap.RENEWED:
        _bury(db, row["id"], number, is_due=state == "pending")
        return
    db.execute(
        """
        UPDATE deliveries
        SET created_at = ?, asked_at = ?, looked_at = ?, flags = ?,
            changed = (SELECT coalesce(max(changed), 0) + 1 FROM deliveries WHERE changed IS NOT NULL)
        WHERE id = ?
        """,
        (
            row["created_at"],
            row["asked_at"],
            row["looked_at"],
            names_json(_flags(row, texts_of(flags), _conversion(fate))),
            number,
        ),
    )


def _flags(before: Row, now: Sequence[str], conversion: EncodedConversion) -> list[str]:
    """What to know about a replaced delivery: what is new, and of what was known all that is still so."""
    payload = readable_payload_of(before["kind"], before["lane"], before["payload"])
    has_same_click = payload is not None and payload.click_id == conversion.click_id
    known = [flag for flag in texts_of(before["flags"]) if flag != AMOUNT_DIFFERS]
    still = [flag for flag in known if has_same_click or not flag.startswith(FROM)]
    return list(dict.fromkeys([*now, *still]))


def _bury(db: Connection, dead: int, heir: int, *, is_due: bool) -> None:
    """A dead letter has a successor: a person need not look any more."""
    if is_due:
        carry_invoice(db, heir, dead)
    db.execute(
        "UPDATE deliveries SET state = 'dismissed', reason = ? WHERE id = ?",
        (f"remapped: delivery {heir} stands for it", dead),
    )


def _rewrite(
    db: Connection,
    event_id: int,
    meaning: EncodedMeaning,
    state: EventState,
    reason: str,
    left_out: Iterable[EncodedConversion],
) -> None:
    """The event as today's rules see it; its key stays."""
    _, _, source_id, kind, occurred_at, _, _, account, _, revision = meaning.before
    db.execute(
        """
        UPDATE events SET
            source_id = ?, type = ?, occurred_at = ?, account = ?, revision = ?, state = ?, reason = ?, steps = ?
        WHERE id = ?
        """,
        (
            source_id,
            kind,
            occurred_at,
            account,
            revision,
            state.value,
            sealed_reason(db.seals, event_id, state, reason),
            db.seals.text(STEPS, event_id, explained(meaning, left_out)),
            event_id,
        ),
    )


def _told(db: Connection, fate: Fate, before: dict[int, Delivery], now_ms: int) -> Remapping:
    row = db.execute("SELECT * FROM deliveries WHERE id = ?", (fate.number,)).fetchone()
    return Remapping(
        what=fate.what,
        before=before[fate.before["id"]] if fate.before is not None else None,
        after=fate.conversion.conversion.payload if fate.conversion is not None else None,
        now=delivery_of(db.seals, row, clock_ms=now_ms) if row is not None else None,
        why=fate.why,
    )
