"""What was paid: the whole amount, its currency, and the id of the payment."""

from collections.abc import Sequence

from bridge.drafts import shapes
from bridge.drafts.choices import Choice, best
from bridge.drafts.leaves import Leaf

_MONEY_NOUNS = {
    "invoice": 100,
    "order": 96,
    "transaction": 94,
    "payment": 94,
    "charge": 92,
    "sale": 92,
    "purchase": 92,
    "checkout": 80,
    "booking": 60,
    "receipt": 55,
    "donation": 92,
    "ticket": 75,
    "registration": 72,
    "enrollment": 72,
    "reservation": 72,
    "contract": 70,
    "pledge": 70,
    "bill": 90,
}
#: Words of a document that is about money, even where it names no currency.
BOUGHT = frozenset(_MONEY_NOUNS)
_PARTS = frozenset(
    (
        *("item", "items", "line", "lines", "product", "products", "variant", "tax", "taxes", "discount", "discounts"),
        *("shipping", "refund", "refunds", "fee", "fees", "plan", "card", "payout", "coupon", "options"),
        *("previous", "old", "original", "breakdown", "details"),
    )
)
_NOT_ALL = frozenset(
    (
        *(
            "tax",
            "vat",
            "discount",
            "discounts",
            "shipping",
            "fee",
            "fees",
            "refund",
            "refunded",
            "refunds",
            "tip",
            "due",
        ),
        *(
            "outstanding",
            "remaining",
            "balance",
            "unit",
            "quantity",
            "count",
            "rate",
            "percent",
            "percentage",
            "weight",
        ),
        *(
            "original",
            "net",
            "earnings",
            "payout",
            "change",
            "cash",
            "surcharge",
            "credit",
            "transferred",
            "min",
            "max",
        ),
        *("id", "number", "code", "phone", "year", "month", "day", "age", "score", "version", "lines", "savings"),
        *("commission", "duties", "exchange", "affiliate", "suggested", "base", "received", "current", "recurring"),
    )
)


def amount(found: Sequence[Leaf]) -> Choice | None:
    """The whole money."""
    with_currency = {leaf.within for leaf in found if shapes.is_currency(leaf.value)}

    def points(leaf: Leaf) -> int:
        number = shapes.number_of(leaf.value)
        if number is None:
            return 0
        beside = leaf.within in with_currency
        words = leaf.words
        if beside and words & {"amount", "value"} and leaf.above:
            words = words | leaf.parent
        known = _of_amount(words, beside=beside)
        if not known or (leaf.words & _NOT_ALL and "total" not in leaf.words) or leaf.words & {"count", "id", "tax"}:
            return 0
        known -= 30 if words & _NOT_ALL else 0
        known -= (45 if leaf.around & _PARTS else 0) + 20 * leaf.is_listed + leaf.depth
        return known + (12 if beside else 0) - (30 if number <= 0 else 0)

    return best(found, points, least=60)


def _of_amount(words: frozenset[str], *, beside: bool) -> int:
    for wanted, points in _AMOUNTS:
        if wanted <= words:
            return points
    return 60 if beside and "value" in words else 0


_AMOUNTS: tuple[tuple[frozenset[str], int], ...] = tuple(
    (frozenset(words.split()), points)
    for words, points in (
        ("amount paid", 100),
        ("total paid", 100),
        ("amount total", 99),
        ("grand total", 99),
        ("total price", 96),
        ("order total", 96),
        ("payment amount", 95),
        ("total amount", 95),
        ("total money", 95),
        ("total", 92),
        ("amount", 88),
        ("gross", 84),
        ("sum", 70),
        ("revenue", 80),
        ("price", 68),
        ("subtotal", 45),
    )
)


def currency(found: Sequence[Leaf], money: Leaf) -> Choice | None:
    """The currency of that amount: the one that stands nearest."""

    def points(leaf: Leaf) -> int:
        named = leaf.words & {"currency", "ccy", "curr", "cur"} or leaf.parent & {"currency"}
        if not shapes.is_currency(leaf.value) or not named:
            return 0
        near = 30 if leaf.within == money.within else 20 * (money.within.startswith(leaf.within) and bool(leaf.within))
        odd = 15 if leaf.words & {"presentment", "settlement", "customer", "base", "payout", "display"} else 0
        return 60 + near - odd - leaf.depth - 10 * leaf.is_listed

    return best(found, points, least=30)


#: Ids beside an amount that are those of other things.
_NO_PURCHASE = frozenset(
    (
        *("product", "item", "customer", "user", "account", "seller", "merchant", "plan", "price", "variant", "click"),
        *("buyer", "contact", "member", "store", "shop", "form", "campaign", "session", "device", "tax", "method"),
        *("app", "event"),
    )
)


#: What people call their ids: `booking.reference`, `order.number`.
_PLAIN_NUMBERS = (frozenset({"reference"}), frozenset({"ref"}), frozenset({"number"}), frozenset({"no"}))


def invoice_id(found: Sequence[Leaf], money: Leaf) -> Choice | None:
    """The id of what was paid: that of the object which holds the amount before all others."""
    own = _own_id(found, money)

    def points(leaf: Leaf) -> int:
        if leaf is own:
            return 102
        if not shapes.is_id(leaf.value) or leaf.is_listed:
            return 0
        noun = max((_MONEY_NOUNS[word] for word in leaf.words if word in _MONEY_NOUNS), default=0)
        if "id" in leaf.words and noun:
            return noun - 2 * leaf.depth - _strange(leaf)
        if leaf.words in ({"id"}, {"uuid"}, {"external", "id"}):
            noun = max((_MONEY_NOUNS[word] for word in leaf.parent if word in _MONEY_NOUNS), default=0)
            return noun - 1 - 2 * leaf.depth - _strange(leaf)
        if noun and leaf.words & {"number", "no", "reference", "ref", "name"}:
            return noun - 25 - 2 * leaf.depth
        if leaf.words in _PLAIN_NUMBERS:
            noun = max((_MONEY_NOUNS[word] for word in leaf.parent if word in _MONEY_NOUNS), default=0)
            if noun:
                return max(noun - 30 - 2 * leaf.depth, 45)
        is_beside = leaf.within == money.within and not leaf.words & _NO_PURCHASE
        return (
            60
            if leaf.words in ({"reference"}, {"number"}) and is_beside
            else 45
            if "id" in leaf.words and is_beside
            else 0
        )

    return best(found, points)


def _own_id(found: Sequence[Leaf], money: Leaf) -> Leaf | None:
    """The id beside the amount, or of the nearest object around it."""
    around = [leaf for leaf in found if leaf.key in ("id", "uuid", "external_id") and shapes.is_id(leaf.value)]
    around = [
        leaf
        for leaf in around
        if not leaf.within or f"{money.within}.".startswith((f"{leaf.within}.", f"{leaf.within}["))
    ]
    return max(around, key=lambda leaf: (len(leaf.within), leaf.key != "external_id"), default=None)


def _strange(leaf: Leaf) -> int:
    odd = leaf.words & {"method", "type", "intent", "parent", "link", "status", "account", "template", "source", "page"}
    return 50 * bool(odd) + 40 * bool((leaf.around | leaf.words) & (_PARTS | {"customer", "address", "user"}))
