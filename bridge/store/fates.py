"""What a remap has in store for each delivery of an event and each conversion that today's rules make of it.

Decides and changes nothing: `remap` brings it about.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from bridge.model import EventState
from bridge.store.database import Connection, Row
from bridge.store.decoding import readable_payload_of, texts_of
from bridge.store.encoding import EncodedConversion, encode_conversion
from bridge.store.giving import FROM
from bridge.store.holding import gives_way
from bridge.store.pairing import pair
from bridge.store.parting import Names, would_part
from bridge.store.record import NO_CLICK_ID
from bridge.store.reports import Remap

_WHY_LEFT: Final = {
    "sending": "it is being sent right now",
    "delivered": "it is delivered",
    "dismissed": "it was dismissed",
    "dry_run": "it was recorded in a dry run",
    "duplicate": "it was attempted before it became a duplicate",
}


@dataclass(slots=True, kw_only=True)
class Fate:
    """What is to become of a delivery, a conversion, or a pair of them."""

    what: Remap
    before: Row | None = None
    conversion: EncodedConversion | None = None
    why: str = ""
    #: the delivery that stands for it in the end
    number: int | None = None

    @property
    def names(self) -> Sequence[str]:
        """The business keys it will answer for: those of today's rules, and those its sender was asked for."""
        if self.conversion is None:
            return ()
        if self.before is None or self.before["looked_at"] is None:
            return self.conversion.names
        return [*self.conversion.names, *texts_of(self.before["claims"])]


def fates_of(
    db: Connection,
    rows: Sequence[Row],
    wanted: Sequence[EncodedConversion],
    state: EventState,
    left_out: Sequence[EncodedConversion],
) -> list[Fate]:
    """What is to become of each conversion, with the delivery it is, and of each delivery that is none."""
    pairs = pair(rows, wanted)
    fates = [_fate(db, pairs.get(number), conversion) for number, conversion in enumerate(wanted)]
    spared = "a rule failed, so it may be that one's" if state is EventState.UNMAPPED else ""
    gone = NO_CLICK_ID if left_out else "no rule makes it any more"
    taken = {row["id"] for row in pairs.values()}
    alone = [row for row in rows if row["id"] not in taken and row["state"] != "dismissed"]
    fates += [_fate_alone(row, spared, gone) for row in alone]
    names = new_names(fates)
    for fate in fates:
        if _must_part(db, fate, names):
            fate.what = Remap.REPLACED
    return fates


def _must_part(db: Connection, fate: Fate, names: Names) -> bool:
    """Whether one that is the same as before has a duplicate only by a key that it has no more."""
    row = fate.before
    if fate.what is not Remap.SAME or row is None or not _is_untouched(row) or row["state"] == "duplicate":
        return False
    return would_part(db, row["id"], fate.names, names)


def new_names(fates: Sequence[Fate]) -> Names:
    """The business keys of each delivery that becomes another one, or none at all.

    A dead letter that may have arrived is not among them: all its keys go to its successor.
    """
    changing = (Remap.REPLACED, Remap.WITHDRAWN, Remap.RENEWED)
    rows = [(fate.before, fate.names) for fate in fates if fate.what in changing and fate.before is not None]
    return {row["id"]: names for row, names in rows if row["state"] != "dead" or not row["unsure"]}


def _fate(db: Connection, row: Row | None, conversion: EncodedConversion) -> Fate:
    if row is None:
        return Fate(what=Remap.ADDED, conversion=conversion)
    conversion = _with_learnt_click(row, conversion)
    is_same = _is_same(row, conversion)
    if _is_untouched(row):
        is_settled = is_same and not _is_key_another(row, conversion)
        what = Remap.SAME if is_settled else Remap.REPLACED
        return Fate(what=what, before=row, conversion=conversion, number=row["id"])
    if row["state"] != "dead":
        what = Remap.SAME if is_same else Remap.LEFT
        why = "" if is_same else _WHY_LEFT.get(row["state"], "it was attempted already")
        return Fate(what=what, before=row, conversion=conversion, why=why, number=row["id"])
    if is_same:
        return Fate(what=Remap.SAME, before=row, conversion=conversion, number=row["id"])
    if not gives_way(db, row["id"]):
        why = "its outcome is unknown, and its rule says hold"
        return Fate(what=Remap.LEFT, before=row, conversion=conversion, why=why, number=row["id"])
    return Fate(what=Remap.RENEWED, before=row, conversion=conversion)


def _with_learnt_click(row: Row, conversion: EncodedConversion) -> EncodedConversion:
    """The conversion with the click id that came from elsewhere, when it has none of its own.

    From its sender, who was asked, or from another webhook of the same payment.
    """
    is_learnt = row["looked_at"] is not None or any(flag.startswith(FROM) for flag in texts_of(row["flags"]))
    if conversion.click_id is not None or not is_learnt:
        return conversion
    known = readable_payload_of(row["kind"], row["lane"], row["payload"])
    if known is None or known.click_id is None:
        return conversion
    given = conversion.conversion
    return encode_conversion(replace(given, payload=replace(given.payload, click_id=known.click_id)))


def _fate_alone(row: Row, spared: str, gone: str) -> Fate:
    """No conversion stands for this delivery."""
    if _is_untouched(row) and not spared:
        return Fate(what=Remap.WITHDRAWN, before=row, why=gone, number=row["id"])
    why = spared if _is_untouched(row) else f"{gone}; {_WHY_LEFT.get(row['state'], 'it was attempted already')}"
    if row["state"] == "dead":
        why = spared or f"{gone}; it stays dead until somebody dismisses it"
    return Fate(what=Remap.LEFT, before=row, why=why, number=row["id"])


def _is_untouched(row: Row) -> bool:
    """Whether nothing was ever sent of it, nor of one whose place it took."""
    return row["tries"] == 0 and not row["unsure"] and row["state"] in ("pending", "waiting", "duplicate")


def _is_same(row: Row, conversion: EncodedConversion) -> bool:
    """Whether the tracker would be told the same."""
    told = (row["kind"], row["lane"], _parsed(row["payload"]))
    return told == (conversion.kind, conversion.lane, _parsed(conversion.payload_json))


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _is_key_another(row: Row, conversion: EncodedConversion) -> bool:
    """Whether it must answer for other business keys than it does; what it answers for besides may stay."""
    own, names = set(texts_of(row["claims"])), set(conversion.names)
    if row["state"] == "duplicate":
        return own != names
    return not names <= own
