"""What a number of money counts: cents or whole currency, by how it is written and by what stands beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from bridge import money
from bridge.drafts import shapes
from bridge.drafts.leaves import Leaf
from bridge.model import Json

_SIGNS = {"€": "EUR", "£": "GBP", "$": "USD", "¥": "JPY", "₹": "INR", "₩": "KRW", "R$": "BRL", "zł": "PLN"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """A unit and why."""

    unit: money.Unit
    why: str


def guess(value: Json, currency: str, leaf: Leaf, found: Sequence[Leaf]) -> Guess:
    """Decimals are whole currency; for whole numbers a formatted twin tells, else most senders count cents."""
    number = shapes.number_of(value) or Decimal(0)
    if shapes.has_decimals(value):
        return Guess(unit=money.Unit.MAJOR, why="it has decimals")
    places = _places(currency)
    if not places:
        return Guess(unit=money.Unit.MINOR, why=f"{currency.upper()} has no smaller unit")
    if leaf.words & {"cents", "minor", "subunits"}:
        return Guess(unit=money.Unit.MINOR, why="its name says so")
    twin = _twin(number, places, found)
    if twin is not None:
        return twin
    minor, major = _shown(number, places, currency), f"{number:,}.{'0' * places} {currency.upper()}"
    return Guess(
        unit=money.Unit.MINOR, why=f"CHECK: a whole number is read as {minor}; if it means {major}, write major"
    )


def currency_by_sign(found: Sequence[Leaf]) -> str:
    """The currency of the first sign that stands at a number's side."""
    for leaf in found:
        text = leaf.value if isinstance(leaf.value, str) and len(leaf.value) <= 20 else ""
        if any(char.isdigit() for char in text):
            for sign, code in _SIGNS.items():
                if sign in text:
                    return code
    return ""


def _twin(number: Decimal, places: int, found: Sequence[Leaf]) -> Guess | None:
    """The same money once more, written for people: `$49.99`, or as a decimal."""
    minor = number.scaleb(-places)
    for leaf in found:
        text = str(leaf.value) if isinstance(leaf.value, str | Decimal) else ""
        digits = "".join(char for char in text if char.isdigit() or char in ".,")
        if not 2 < len(digits) <= 15 or digits[-places - 1 : -places] not in (".", ","):
            continue
        plain = digits[: -places - 1].replace(",", "").replace(".", "") + "." + digits[-places:]
        written = shapes.number_of(plain)
        if written == minor:
            return Guess(unit=money.Unit.MINOR, why=f"{leaf.path} says {text.strip()[:20]}")
        if written == number:
            return Guess(unit=money.Unit.MAJOR, why=f"{leaf.path} says {text.strip()[:20]}")
    return None


def _places(currency: str) -> int:
    try:
        return money.exponent(currency)
    except money.MoneyError:
        return 2


def _shown(number: Decimal, places: int, currency: str) -> str:
    return f"{number.scaleb(-places):,.{places}f} {currency.upper()}"
