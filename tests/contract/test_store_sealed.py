"""With a key nothing personal stands in the database's files, all works as without one, and no key is missed late."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bridge import forgetting
from bridge.encryption import NO_KEYS, EncryptionKeys, number_of
from bridge.errors import ConfigError, StoreError
from bridge.model import Delivered, DeliveryState, Event, EventState, RetryAt, Step
from bridge.store import Store
from bridge.store.base import EventFilter
from bridge.store.moving.ends import tables_that_go
from bridge.store.persons import Person
from bridge.store.resealing import TABLES, RowId
from bridge.store.wanted import DeliveryFilter
from tests.contract.databases import opened, raw
from tests.contract.store_hand import START, Hand, a_conversion, a_lead, a_meaning, a_sale, an_event, an_outcome

DAY = timedelta(days=1)
ONE, TWO = bytes(range(32)), bytes(range(100, 132))
KEYS = EncryptionKeys(writes=ONE, reads=(ONE,))
ROTATED = EncryptionKeys(writes=TWO, reads=(TWO, ONE))
ONLY_TWO = EncryptionKeys(writes=TWO, reads=(TWO,))
OFF = EncryptionKeys(reads=(ONE,))

ADA = {"customer_email": "ada@example.com", "customer_name": "Ada Lovelace", "click_id": "click_ada"}
#: what must not be seen; customer ids, claims and click ids of associations are looked up, and stay
SECRETS = (b"ada@example.com", b"lovelace", b"analytical", b"sw1a", b"countess")

BODY = b'{"customer": "Ada Lovelace, Countess", "email": "ada@example.com", "of": "Analytical Engines", "zip": "SW1A"}'


def about_ada(key: str = "e1", **changes: object) -> Event:
    fields = {
        "body": BODY,
        "headers": (("X-Customer", "Ada Lovelace"),),
        "query": "email=ada@example.com",
    }
    return an_event(key, **{**fields, **changes})


async def told(hand: Hand) -> None:
    """Everything that may hold a value of hers, in every state a row can be in."""
    steps = (Step(rule="bought", result="failed", why="the zip SW1A is no number"),)
    await hand.record(
        a_meaning(a_sale("bought", "cus_ada", **ADA), key="e1", event=about_ada("e1"), steps=steps),
        a_meaning(
            key="e2",
            event=about_ada("e2"),
            state=EventState.UNMAPPED,
            reason="bought: Countess is no amount",
            steps=steps,
        ),
        *(a_meaning(key=f"b{item}", event=about_ada(f"b{item}", item=item)) for item in range(3)),
    )
    delivery = await hand.claim_one()
    answer = an_outcome(500, text='{"error": "Ada Lovelace is unknown"}', message="Ada Lovelace is unknown")
    why = "500 Ada Lovelace is unknown"
    await hand.end(delivery, RetryAt(at=hand.now, reason=why), answer, paused_since=hand.now, pause_reason=why)


@pytest.fixture
async def sealed(url: str) -> AsyncIterator[Hand]:
    store = await opened(url, keys=KEYS)
    await store.use_keys(KEYS)
    yield Hand(store)
    await store.close()


def found(url: str) -> list[bytes]:
    """Which of the secrets stand in the file or its log; of a server in any row of any table."""
    if url.startswith("sqlite:"):
        file = Path(url.removeprefix("sqlite:///"))
        files = [path for path in (file, file.with_name(f"{file.name}-wal")) if path.exists()]
        data = b"".join(path.read_bytes() for path in files)
    else:
        rows = [raw(url, f"SELECT * FROM {table}") for table in (*tables_that_go(), "secrets")]
        data = repr(rows).encode()
    assert b"cus_ada" in data
    return [secret for secret in SECRETS if secret in data.lower()]


async def everything(store: Store) -> tuple[object, ...]:
    """All that the store tells of what it has, but for ages by the real clock."""
    events = await store.events(EventFilter(limit=1000))
    return (
        [(one.event, one.state, one.reason, one.steps) for one in events],
        [(one.payload, one.state, one.reason) for one in await store.deliveries(DeliveryFilter(limit=1000))],
        [await store.attempts(delivery.id) for event in events for delivery in event.deliveries],
        (await store.tracker()).pause_reason,
    )


async def applied(store: Store) -> tuple[str, ...]:
    """What `trackbridge encryption apply` does."""
    await store.begin_resealing()
    for table in TABLES:
        after: RowId = ()
        while (look := await store.look_for_stale(table, after)).last is not None:
            await store.reseal(table, [row.id for row in look.stale])
            after = look.last
    return await store.end_resealing()


async def stale(store: Store) -> dict[str, int]:
    return {table.name: len((await store.look_for_stale(table, ())).stale) for table in TABLES}


# ── what stands in the files ─────────────────────────────────────────────────────────────────────────────────────


async def test_nothing_personal_stands_in_the_files(sealed: Hand, url: str) -> None:
    await told(sealed)

    assert [] == found(url)
    assert {"events": 0, "deliveries": 0, "attempts": 0} == await stale(sealed.store)


async def test_without_a_key_all_of_it_does(url: str) -> None:
    hand = Hand(await opened(url))
    await told(hand)
    shown = found(url)
    await hand.store.close()

    assert list(SECRETS) == shown


async def test_everything_is_told_as_without_a_key(sealed: Hand, tmp_path: Path) -> None:
    clear = Hand(await opened(f"sqlite:///{tmp_path / 'clear.db'}"))
    await told(clear)
    await told(sealed)

    assert await everything(clear.store) == await everything(sealed.store)
    await clear.store.close()


async def test_the_key_of_the_addresses_hashes_is_sealed_and_addresses_are_found_by_it(sealed: Hand, url: str) -> None:
    await sealed.trust()
    assert raw(url, "SELECT value FROM secrets")[0][0].startswith(f"~tb1:{number_of(ONE)}:".encode())
    await sealed.record(a_meaning(a_conversion(a_lead("form", "cus_form", **ADA), association_namespace="quiz")))
    bought = a_sale("bought", "cus_9", customer_email="ada@example.com")
    await sealed.record(a_meaning(a_conversion(bought, association_namespace="shop", fill=("customer", "email"))))

    claimed = {one.payload.event_name: one.payload.click_id for one in (await sealed.ask()).deliveries}

    assert {"form": "click_ada", "bought": "click_ada"} == claimed


async def test_what_operators_search_for_is_found(sealed: Hand) -> None:
    await told(sealed)

    for text in ("LOVELACE", "ada@example", "countess"):
        assert (await sealed.store.page_of_events(EventFilter(grep=text))).total
    assert 1 == (await sealed.store.page_of_deliveries(DeliveryFilter(reason="ada lovelace"))).total
    assert (("500 Ada Lovelace is unknown", 1),) == (await sealed.store.backlog(now=START - DAY)).held_by


async def test_a_body_that_goes_to_another_item_can_still_be_read(sealed: Hand, url: str) -> None:
    items = [a_meaning(key=f"b{item}", event=about_ada(f"b{item}", item=item)) for item in range(2)]
    waiting = a_meaning(a_sale("waiting"), key="b2", event=about_ada("b2", item=2))
    await sealed.record(*items, waiting)

    await sealed.store.prune(bodies_before=START + DAY, keys_before=START)

    bodies = {one.event.key: one.event.body for one in await sealed.store.events(EventFilter())}
    assert {"b0": b"", "b1": b"", "b2": BODY} == bodies
    heads = [bytes(body)[:14] for (body,) in raw(url, "SELECT body FROM events ORDER BY id")]
    assert [b"", b"", f"~tb1:{number_of(ONE)}:".encode()] == heads


async def test_a_person_is_found_and_forgotten(sealed: Hand, url: str) -> None:
    await told(sealed)
    person = await forgetting.find(sealed.store, Person(emails=frozenset({"ada@example.com"})), lambda _: None)

    assert 5 == len(person.events)
    assert frozenset({"cus_ada"}) == person.person.customers
    await sealed.store.resume(now=sealed.now)
    await forgetting.end(sealed.store, person, now=sealed.now)
    await forgetting.erase(sealed.store, person, lambda _: None)
    assert 0 == len((await forgetting.find(sealed.store, person.person, lambda _: None)).events)


# ── keys that are missing ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("keys", [NO_KEYS, ONLY_TWO, EncryptionKeys(reads=(TWO,))], ids=["none", "another", "off"])
@pytest.mark.parametrize("exclusive", [True, False], ids=["serve", "a command"])
async def test_nobody_opens_it_without_its_key(sealed: Hand, url: str, keys: EncryptionKeys, exclusive: bool) -> None:
    await told(sealed)
    await sealed.store.close()

    with pytest.raises(ConfigError) as refused:
        await opened(url, exclusive=exclusive, keys=keys)

    (problem,) = refused.value.problems
    assert ("encryption-key", "TRACKBRIDGE_ENCRYPTION_KEY") == (problem.code, problem.place.file)
    assert number_of(ONE) in problem.what


async def test_another_key_of_the_same_number_does_not_open_it(sealed: Hand, url: str) -> None:
    await told(sealed)
    await sealed.store.close()
    raw(url, "UPDATE encryption_keys SET number = ?", [number_of(TWO)])

    with pytest.raises(ConfigError):
        await opened(url, keys=ONLY_TWO)


async def test_a_database_that_nothing_was_sealed_in_opens_with_any_key_or_none(url: str) -> None:
    for keys in (KEYS, NO_KEYS, ONLY_TWO):
        await (await opened(url, keys=keys)).close()


async def test_whoever_serves_without_a_key_takes_nothing_for_spoiled_that_another_sealed(url: str) -> None:
    """As while the first of several replicas has the new key, or a command has one that serve was not told."""
    keyless = Hand(await opened(url))
    await keyless.trust()
    beside = Hand(await opened(url, exclusive=False, keys=KEYS))
    await beside.record(a_sale("sealed", "cus_1", **ADA))
    await beside.store.close()
    await keyless.record(a_sale("clear", "cus_2"))

    with pytest.raises(StoreError, match="a key that this process does not have"):
        await keyless.claim()
    with pytest.raises(StoreError):
        await keyless.all()

    await keyless.store.use_keys(KEYS)
    assert ["sealed", "clear"] == await keyless.claim()
    assert "Ada Lovelace" == (await keyless.one("sealed")).payload.customer_name
    await keyless.store.close()


async def test_retention_takes_nothing_of_what_it_cannot_read(url: str) -> None:
    keyless = Hand(await opened(url))
    beside = Hand(await opened(url, exclusive=False, keys=KEYS))
    await beside.record(a_sale("sealed", "cus_1", **ADA))
    await beside.end(await beside.claim_one(), Delivered())

    with pytest.raises(StoreError):
        await keyless.store.prune(bodies_before=START + DAY, keys_before=START)

    assert "Ada Lovelace" == (await beside.one("sealed")).payload.customer_name
    await beside.store.close()
    await keyless.store.close()


# ── another key, and none ────────────────────────────────────────────────────────────────────────────────────────


async def test_what_was_in_clear_is_encrypted_under_another_key_and_in_clear_again(url: str) -> None:
    hand = Hand(await opened(url))
    await told(hand)
    before = await everything(hand.store)
    await hand.store.close()
    for keys, needed in ((KEYS, ONE), (ROTATED, TWO), (EncryptionKeys(reads=(TWO,)), None)):
        store = await opened(url, keys=keys)
        assert before == await everything(store)
        assert () == await applied(store)
        assert {"events": 0, "deliveries": 0, "attempts": 0} == await stale(store)
        assert before == await everything(store)
        assert ((number_of(needed),) if needed else ()) == await store.keys_needed()
        await store.rewrite(most=1 << 30)
        await store.fold()
        assert ([] if needed else list(SECRETS)) == found(url)
        await store.close()
    await (await opened(url)).close()


async def test_a_key_that_somebody_sealed_with_meanwhile_stays_needed(sealed: Hand, url: str) -> None:
    await told(sealed)
    other = await opened(url, exclusive=False, keys=ROTATED)
    await other.begin_resealing()
    await sealed.record(a_sale("meanwhile", "cus_2", **ADA))

    assert (number_of(ONE),) == await other.end_resealing()
    assert {number_of(ONE), number_of(TWO)} == set(await other.keys_needed())
    await sealed.store.use_keys(ROTATED)
    assert () == await applied(other)
    assert (number_of(TWO),) == await other.keys_needed()
    await other.close()


async def test_a_key_that_is_changed_in_the_same_commit_stays_needed_for_what_it_sealed_there(
    sealed: Hand, url: str
) -> None:
    other = await opened(url, exclusive=False, keys=ROTATED)
    await other.begin_resealing()

    recording = asyncio.ensure_future(sealed.record(a_sale("meanwhile", "cus_2", **ADA)))
    await asyncio.gather(recording, sealed.store.use_keys(ROTATED))

    assert (number_of(ONE),) == await other.end_resealing()
    assert () == await applied(other)
    assert (number_of(TWO),) == await other.keys_needed()
    await other.close()


async def test_a_key_that_nothing_is_sealed_with_any_more_leaves_no_nameless_one_behind(sealed: Hand) -> None:
    recording = asyncio.ensure_future(sealed.record(a_sale("meanwhile", "cus_2", **ADA)))
    await asyncio.gather(recording, sealed.store.use_keys(OFF))

    assert (number_of(ONE),) == await sealed.store.keys_needed()


async def test_who_was_left_behind_with_an_old_key_does_not_bring_it_back(sealed: Hand, url: str) -> None:
    await told(sealed)
    other = await opened(url, exclusive=False, keys=ROTATED)
    assert () == await applied(other)

    for _ in range(2):
        with pytest.raises(StoreError, match="does not have"):
            await sealed.record(a_sale("late", "cus_2", **ADA))

    assert (number_of(TWO),) == await other.keys_needed()
    await sealed.store.use_keys(ONLY_TWO)
    await sealed.record(a_sale("late", "cus_2", **ADA))
    assert {"events": 0, "deliveries": 0, "attempts": 0} == await stale(other)
    await other.close()


async def test_keys_are_not_changed_for_such_as_do_not_open_what_is_there(sealed: Hand) -> None:
    await told(sealed)

    with pytest.raises(ConfigError):
        await sealed.store.use_keys(ONLY_TWO)

    assert number_of(ONE) == await sealed.store.key_in_use()
    await sealed.store.use_keys(ROTATED)
    assert number_of(TWO) == await sealed.store.key_in_use()


async def test_rows_that_nobody_sealed_are_read_beside_sealed_ones(url: str) -> None:
    clear = await opened(url)
    await Hand(clear).record(a_sale("before", "cus_1", **ADA))
    await clear.close()
    hand = Hand(await opened(url, keys=KEYS))
    await hand.record(a_sale("after", "cus_2", **ADA))

    assert {"Ada Lovelace"} == {one.payload.customer_name for one in (await hand.all()).values()}
    assert {"events": 1, "deliveries": 1, "attempts": 0} == await stale(hand.store)
    await hand.store.close()


# ── spoiled, and hostile ─────────────────────────────────────────────────────────────────────────────────────────


async def test_sealed_values_cannot_be_swapped_between_rows(sealed: Hand, url: str) -> None:
    await sealed.trust()
    await sealed.record(a_sale("one", "cus_1", amount=1), a_sale("two", "cus_2", amount=1_000_000))
    raw(url, "UPDATE deliveries SET payload = (SELECT payload FROM deliveries WHERE lane = 'cus_2')")

    assert ["two"] == await sealed.claim()
    states = {one.lane: one.state for one in await sealed.store.deliveries(DeliveryFilter(limit=9))}
    assert DeliveryState.DEAD == states["cus_1"]


async def test_a_spoiled_value_stays_as_it_is_when_others_are_sealed_anew(sealed: Hand, url: str) -> None:
    await sealed.record(a_sale("one", "cus_1"), a_sale("two", "cus_2"))
    spoiled = f"~tb1:{number_of(ONE)}:AAAA"
    raw(url, "UPDATE deliveries SET payload = ? WHERE lane = 'cus_1'", [spoiled])
    await sealed.store.use_keys(ROTATED)

    assert () == await applied(sealed.store)

    assert [(spoiled,)] == raw(url, "SELECT payload FROM deliveries WHERE lane = 'cus_1'")
    assert "two" in await sealed.all()


@pytest.mark.parametrize("keys", [NO_KEYS, KEYS], ids=["no key", "key"])
async def test_a_sender_who_writes_what_looks_sealed_is_kept_as_he_wrote(url: str, keys: EncryptionKeys) -> None:
    hand = Hand(await opened(url, keys=keys))
    hostile = f"~tb1:{number_of(ONE)}:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    event = an_event("e1", body=hostile.encode(), query=hostile, headers=((hostile, hostile),))
    await hand.record(a_meaning(event=event, key="e1", state=EventState.UNMAPPED, reason=hostile))

    for _ in range(2):
        (stored,) = await hand.store.events(EventFilter())
        assert (hostile.encode(), hostile, hostile) == (stored.event.body, stored.event.query, stored.reason)
        assert ((hostile, hostile),) == stored.event.headers
        await applied(hand.store)
    await hand.store.close()
