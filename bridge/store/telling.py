"""The clicks of one recording: which of those asked for are known, and what its events tell of others.

What the database knows is read with one statement; what events of the same recording tell is laid over that.
"""

from collections.abc import Iterable

from bridge.store.clicks import Question, Told, answered, fits, questions, remember
from bridge.store.database import Connection
from bridge.store.emails import EMAIL, Hasher
from bridge.store.encoding import EncodedConversion
from bridge.store.lanes import wake
from bridge.store.waits import wake_addresses


class Clicks:
    """Known and new clicks, within one transaction."""

    def __init__(self, db: Connection, conversions: Iterable[EncodedConversion]) -> None:
        self._db = db
        self._hasher = Hasher(db)
        asking = [c for c in conversions if c.click_id is None and (c.wait_ms or c.conversion.needs_association)]
        self._known = answered(db, [question for c in asking for question in self._questions(c)]) if asking else set()
        self._told: list[Told] = []
        #: the same by namespace and customer
        self._by_customer: dict[tuple[str, str], list[Told]] = {}

    def knows(self, conversion: EncodedConversion) -> bool:
        """Whether there is a click for a conversion that has none of its own."""
        return any(self._is_answered(question) for question in self._questions(conversion))

    def tell(self, conversion: EncodedConversion, event_id: int) -> None:
        """Remember whose click it is that a conversion has: its customer's, and its address's."""
        if conversion.click_id is None or not conversion.namespace:
            return
        self.tell_of(conversion.namespace, conversion.lane, conversion, event_id)
        email = conversion.conversion.payload.customer_email
        if email:
            self._add(EMAIL, self._hasher.of(email), conversion, event_id, paid_at=None)

    def tell_of(self, namespace: str, customer: str, conversion: EncodedConversion, event_id: int) -> None:
        """The same for a customer that another webhook of the same payment names."""
        self._add(namespace, customer, conversion, event_id, conversion.clicked_at if conversion.is_sale else None)

    def address_of(self, conversion: EncodedConversion) -> str | None:
        """The hash of the address by which a conversion may find a click; None when it may not."""
        email = conversion.conversion.payload.customer_email
        return self._hasher.of(email) if email and "email" in conversion.fill and conversion.is_sale else None

    def write(self, now_ms: int) -> None:
        """Put on the disk what was told; whoever waits for it is due."""
        if not self._told:
            return
        remember(self._db, self._told)
        wake(self._db, {customer for namespace, customer in self._by_customer if namespace != EMAIL}, now_ms)
        addresses = [customer for namespace, customer in self._by_customer if namespace == EMAIL]
        if addresses:
            wake_addresses(self._db, addresses, now_ms)

    def retell(self, event_id: int, now_ms: int) -> None:
        """The same for an event that told something else before: what it alone told and tells no more is forgotten."""
        still = {(namespace, customer, click_id) for namespace, customer, click_id, *_ in self._told}
        before = self._db.execute(
            "SELECT namespace, customer, click_id FROM associations WHERE told_by = ? AND event_id = told_by",
            (event_id,),
        ).fetchall()
        self._db.executemany(
            "DELETE FROM associations WHERE namespace = ? AND customer = ? AND click_id = ?",
            [row for row in map(tuple, before) if row not in still],
        )
        self.write(now_ms)

    def _questions(self, conversion: EncodedConversion) -> list[Question]:
        namespace, customer = conversion.namespace, conversion.lane
        if not conversion.is_sale:
            return [Question(namespace, customer, None)] if namespace else []
        return questions(conversion.fill, namespace, customer, self.address_of(conversion), conversion.clicked_at)

    def _is_answered(self, question: Question) -> bool:
        if question in self._known:
            return True
        told = self._by_customer.get((question.namespace, question.customer), ())
        return any(fits(question, clicked_at, paid_at) for _, _, _, clicked_at, _, _, paid_at in told)

    def _add(
        self, namespace: str, customer: str, conversion: EncodedConversion, event_id: int, paid_at: int | None
    ) -> None:
        click_id = conversion.click_id or ""
        told = (namespace, customer, click_id, conversion.clicked_at, event_id, event_id, paid_at)
        self._told.append(told)
        self._by_customer.setdefault((namespace, customer), []).append(told)
