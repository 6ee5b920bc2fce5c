"""Use case: find everything that is about one person, and remove it; what prevents double counting stays.

By customer id: that customer's events, and every event in which one of the addresses stands that those name. By
address: every event in which it stands, and all of the customers under whose ids nobody else's address is sent.
Done portion by portion, so nobody waits long behind it; done again, it removes what was left.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from bridge.model import Delivery, DeliveryState
from bridge.store.base import Store
from bridge.store.persons import Erased, Person

#: So many events are looked at, or erased, in one go.
_LOOKED_AT: Final = 200
_ERASED: Final = 50

#: Something is still to be sent of these, or a person must look.
UNDER_WAY: Final = (DeliveryState.PENDING, DeliveryState.WAITING, DeliveryState.SENDING, DeliveryState.DEAD)

#: Told how many events were looked at.
Show = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Everything that is about a person."""

    #: with all customer ids and addresses that were found on the way
    person: Person
    events: tuple[int, ...] = ()
    #: the batches' bodies in which the person is named
    shared: tuple[int, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    #: customer ids under which other addresses are sent as well: only what names the person is removed of these
    mixed: frozenset[str] = frozenset()

    @property
    def under_way(self) -> tuple[Delivery, ...]:
        """The deliveries that are not over."""
        return tuple(delivery for delivery in self.deliveries if delivery.state in UNDER_WAY)

    @property
    def is_nothing(self) -> bool:
        """Whether nothing is kept of the person."""
        return not self.events and not self.shared


async def find(store: Store, asked: Person, show: Show) -> Found:
    """Look through everything."""
    person = asked
    for customer in asked.customers:
        person = replace(person, emails=person.emails | await store.addresses_of(customer))
    events, shared, customers = set[int](), set[int](), set[str]()
    after, seen = 0, 0
    while person.emails:
        sighting = await store.find_person(person, after=after, limit=_LOOKED_AT)
        events |= set(sighting.events)
        shared |= set(sighting.shared)
        customers |= sighting.customers
        if sighting.last is None:
            break
        after, seen = sighting.last, seen + _LOOKED_AT
        show(seen)
    mixed = frozenset([one for one in customers - asked.customers if await store.addresses_of(one) - person.emails])
    person = replace(person, customers=person.customers | (customers - mixed))
    events |= set(await store.events_of(sorted(person.customers)))
    ordered = tuple(sorted(events))
    deliveries = await store.theirs(ordered, person)
    return Found(person=person, events=ordered, shared=tuple(sorted(shared)), deliveries=tuple(deliveries), mixed=mixed)


async def end(store: Store, found: Found, *, now: datetime) -> Sequence[Delivery]:
    """Dismiss what is under way; what cannot be, because it is being sent right now."""
    ids = [delivery.id for delivery in found.under_way]
    for begin in range(0, len(ids), _ERASED):
        await store.dismiss(ids[begin : begin + _ERASED], only=False, now=now)
    again = await store.deliveries_by_id(ids)
    return [delivery for delivery in again if delivery.state in UNDER_WAY]


async def erase(store: Store, found: Found, show: Show) -> Erased:
    """Remove what was found; portion by portion, events and their deliveries, in the end clicks."""
    total = Erased()
    for begin in range(0, len(found.events), _ERASED):
        portion = found.events[begin : begin + _ERASED]
        done = await store.erase(portion, (), found.person)
        total = Erased(
            events=total.events + done.events,
            deliveries=total.deliveries + done.deliveries,
            keys=total.keys + done.keys,
            left=(*total.left, *done.left),
        )
        show(begin + len(portion))
    await store.erase((), found.shared, found.person)
    await store.unlink(found.person)
    return total


async def is_shadow(store: Store, person: Person) -> bool:
    """Whether an address that stands in the files' bytes is in no row, not even as a part of somebody else's."""
    wide, after = Person(emails=person.emails, loosely=True), 0
    while True:
        sighting = await store.find_person(wide, after=after, limit=_LOOKED_AT)
        if sighting.events or sighting.shared:
            return False
        if sighting.last is None:
            return True
        after = sighting.last
