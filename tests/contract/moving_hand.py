"""A database with something of everything in it, and a look at all that stands in one."""

from contextlib import closing
from datetime import timedelta

from bridge.encryption import keys_of
from bridge.model import Dead, DeliveryState, RetryAt, Wait
from bridge.store import Store
from bridge.store.moving import opening
from bridge.store.moving.ends import tables_that_go
from bridge.store.moving.move import go
from tests.contract.store_hand import START, Hand, a_conversion, a_lead, a_meaning, a_sale, an_event, an_outcome
from tests.contract.test_store_reversals import a_reversal, refunding

S = DeliveryState
KEYS = keys_of("q83vEjRWeJCrze8SNFZ4kCEyQ1RldoeYqavN7wESIzQ=")
ODD = "Zoë \ud83d \0 \u2028 'quoted' \"twice\" \\N \\x00 \t\r\n{}"


async def something_of_everything(store: Store) -> Hand:
    """Rows in every table that goes, in every state of a delivery, with texts and bytes that copies stumble on."""
    hand = Hand(store)
    await hand.trust()
    clicked = a_lead("clicked", "cus_1", click_id="c_1", customer_email="ada@example.com")
    await hand.record(a_meaning(a_conversion(clicked, association_namespace="stripe")))
    await hand.record(a_meaning(a_sale("odd", ODD, customer_name=ODD), event=an_event(ODD, body=bytes(range(256)))))
    shared = a_conversion(a_sale("first", "cus_2"), claims=["one"])
    again = a_conversion(a_sale("second", "cus_2"), claims=["one"])
    await hand.record(a_meaning(shared), a_meaning(again, key="twin"))
    await hand.record(refunding("re_1", a_reversal("in_1")))
    await hand.record(a_sale("rehearsed", "cus_3"), dry_run=True)
    for name, decision, status in (
        ("dead", Dead(reason="422: no amount"), 422),
        ("waiting", Wait(until=START + timedelta(days=1), reason="not yet"), 404),
        ("failing", RetryAt(at=START + timedelta(hours=1), reason="500"), 500),
    ):
        await hand.record(a_sale(name, f"cus_{name}"))
        await hand.end(await hand.sent(name), decision, an_outcome(status, started_at=hand.now))
    await hand.record(a_sale("given up", "cus_4"))
    await store.dismiss([(await hand.one("given up")).id], only=False, now=hand.now)
    for number in range(3):
        await hand.record(a_sale(f"line {number}", "cus_5"))
    await hand.record(a_lead("being sent", "cus_6"))
    assert "being sent" in await hand.claim()
    for number in range(3, 5):
        await hand.record(a_sale(f"line {number}", "cus_5"))
    await store.remember_revision("r1", "stripe", "source: stripe\n", now=hand.now)
    await store.announce("paused", holds=timedelta(hours=1), now=hand.now)
    await store.pause("an operator", now=hand.now)
    return hand


def contents(url: str) -> dict[str, list[str]]:
    """Every row of every table that goes, sorted."""
    end = opening.look(url, now=START, keys=KEYS)
    assert end is not None
    with closing(end):
        return {
            table: sorted(repr(row) for row in end.rows(table, columns)) for table, columns in tables_that_go().items()
        }


def move(source: str, target: str) -> list[tuple[int, int]]:
    """Move, and what was shown meanwhile."""
    shown: list[tuple[int, int]] = []
    go(source, target, now=START, show=lambda done, total: shown.append((done, total)), keys=KEYS)
    return shown
