"""Which keys may have sealed what is in the database: without one of them nobody starts, so nothing is taken for lost.

A key is listed by the very transaction that first seals with it, and leaves the list only after everything was looked
through while nobody sealed with it. A process that was left behind with such a key cannot bring it back.
"""

from typing import Final

from bridge.encryption import EncryptionKeys
from bridge.errors import ConfigError, Place, Problem
from bridge.store.database import Connection
from bridge.store.sealing import PROOF, KeyMissing, Seals, Unopened

VARIABLE: Final = "TRACKBRIDGE_ENCRYPTION_KEY"


def witness(db: Connection) -> None:
    """List the key with which this transaction sealed something; call it before the commit."""
    seals = db.seals
    if not seals.has_sealed:
        return
    seals.has_sealed = False
    known = db.execute("SELECT leaving FROM encryption_keys WHERE number = ?", (seals.number,)).fetchone()
    if known is None:
        _refuse_beside_others(db)
        db.execute(
            "INSERT INTO encryption_keys (number, proof) VALUES (?, ?)",
            (seals.number, seals.text(PROOF, seals.number, seals.number)),
        )
        seals.has_sealed = False
    elif known["leaving"]:
        db.execute("UPDATE encryption_keys SET leaving = 0 WHERE number = ?", (seals.number,))


def _refuse_beside_others(db: Connection) -> None:
    """Who lacks a key that is needed brings no other one in: it began before the keys changed. Raises KeyMissing."""
    if any(number not in db.seals.numbers for number in listed(db)):
        raise KeyMissing


def listed(db: Connection) -> tuple[str, ...]:
    """The numbers of the keys without which something may not open."""
    return tuple(row["number"] for row in db.execute("SELECT number FROM encryption_keys ORDER BY number"))


def part_with_others(db: Connection) -> None:
    """From now on the keys that do not seal here are leaving, unless somebody seals with them."""
    number = db.seals.number
    db.execute("UPDATE encryption_keys SET leaving = CASE WHEN number = ? THEN 0 ELSE 1 END", (number,))


def forget_others(db: Connection) -> tuple[str, ...]:
    """Take the keys off the list that nobody sealed with since; whose are left though they do not seal here."""
    db.execute("DELETE FROM encryption_keys WHERE leaving = 1")
    return tuple(number for number in listed(db) if number != db.seals.number)


def use_keys(db: Connection, keys: EncryptionKeys) -> None:
    """Seal and open with other keys from now on. Raises ConfigError, and goes on with what it has, when one lacks."""
    check(db, Seals(keys))
    # what others sealed in this commit was sealed with the key that goes
    witness(db)
    db.seals.use(keys)


def check_keys(db: Connection) -> None:
    """See that everything that is sealed here can be opened. Raises ConfigError."""
    check(db, db.seals)


def check(db: Connection, seals: Seals) -> None:
    """The same for keys that are not in use yet."""
    rows = db.execute("SELECT number, proof FROM encryption_keys ORDER BY number").fetchall()
    missing = [row["number"] for row in rows if not _opens(seals, row["number"], row["proof"])]
    if missing:
        raise ConfigError([_missing(missing, has_keys=bool(seals.numbers))])


def _opens(seals: Seals, number: str, proof: str) -> bool:
    try:
        return seals.opened(PROOF, number, proof) == number
    except (Unopened, KeyMissing):
        return False


def _missing(numbers: list[str], *, has_keys: bool) -> Problem:
    named = ", ".join(numbers)
    keys = f"the key number {named}" if len(numbers) == 1 else f"the keys number {named}"
    return Problem(
        code="encryption-key",
        what=f"the database holds what was encrypted with {keys}, and no key given here decrypts it",
        place=Place(file=VARIABLE),
        why="without it bodies, payloads and answers cannot be read; they are there, and nothing is lost"
        if has_keys
        else "it is not set",
        fix="add the key as a further line of it (`trackbridge encryption apply` makes an old one unnecessary)"
        if has_keys
        else "set it as it was set when that was written; if the key is gone for good, only a new database helps",
    )
