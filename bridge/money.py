"""Amounts as whole minor units by ISO 4217, and the ways senders write them.

Owns the currency table and Stripe's exceptions to it. Every conversion is exact: what cannot be said in whole
minor units is refused, never rounded. Floats are refused too. A `MoneyError` never shows the amount or the code.
"""

from decimal import Context, Decimal, Inexact, InvalidOperation
from enum import Enum

from bridge.model import Json

#: More minor units than this many digits is a mistake, not a payment.
MOST_DIGITS = 15
_LIMIT = 10**MOST_DIGITS

#: ISO 4217 codes by their number of minor-unit digits; funds codes included, metals and test codes left out.
_CODES = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: """AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW
        CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR
        ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV
        MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD
        SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW
        ZWG""",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
#: Withdrawn since 2018, but old prices and slow senders (Stripe's STD, for one) still carry them.
_WITHDRAWN = {2: "ANG BGN CUC HRK MRO SLL STD VEF ZWL"}

_EXPONENTS = {
    code: digits for table in (_CODES, _WITHDRAWN) for digits, codes in table.items() for code in codes.split()
}

#: Where Stripe's smallest unit is not ISO's: ISK and UGX are sent times 100 although they have no minor unit,
#: and MGA is sent whole although ISO counts hundredths.
_STRIPE_EXPONENTS = _EXPONENTS | {"ISK": 2, "UGX": 2, "MGA": 0}

#: Refuses to round, and to hold more digits than an amount may have.
_EXACT = Context(prec=MOST_DIGITS, traps=[Inexact, InvalidOperation])


class Unit(Enum):
    """What a sender's number counts."""

    MINOR = "minor"  # ISO minor units: 4999 is 49.99 USD, 500 is 500 JPY
    MAJOR = "major"  # whole currency with decimals: 49.99
    STRIPE = "stripe"  # Stripe's smallest unit: minor, but for ISK, UGX and MGA


class MoneyError(ValueError):
    """This is not an amount of that currency; the message says why in a clause that holds no value."""


def exponent(currency: str) -> int:
    """How many minor-unit digits the currency has by ISO 4217; either case will do."""
    return _EXPONENTS[_code(currency)]


def to_minor(amount: Json, currency: str, unit: Unit) -> int:
    """Convert a sender's amount to ISO minor units, exactly; a sign is kept."""
    code = _code(currency)
    places = _EXPONENTS[code]
    match unit:
        case Unit.MINOR:
            return _scaled(amount, 0, "not a whole number of minor units")
        case Unit.MAJOR:
            return _scaled(amount, places, "more decimals than the currency has")
        case Unit.STRIPE:
            whole = _scaled(amount, 0, "not a whole number of Stripe's smallest unit")
            return _from_stripe(whole, places - _STRIPE_EXPONENTS[code])


def to_major(amount: int, currency: str) -> Decimal:
    """Convert ISO minor units to the whole currency, exactly, with as many decimals as it has."""
    places = exponent(currency)
    return Decimal(_bounded(amount)).scaleb(-places, _EXACT)


def _code(currency: str) -> str:
    # isascii first: upper() turns some foreign letters into ours
    code = currency.upper() if currency.isascii() else ""
    if code in _EXPONENTS:
        return code
    if len(code) == 3 and code.isalpha():
        raise MoneyError("not a currency code of ISO 4217")
    raise MoneyError("not a currency code: expected three letters such as USD")


def _scaled(amount: Json, places: int, too_fine: str) -> int:
    """Move the decimal point to the right; `too_fine` is the reason when something is left behind it."""
    match amount:
        case bool() | None | list() | dict():
            raise MoneyError("not a number")
        case float():
            raise MoneyError("a float, which cannot hold an exact amount")
        case int():
            return _bounded(_bounded(amount) * 10**places)
        case str():
            return _exactly(_decimal(amount), places, too_fine)
        case Decimal():
            return _exactly(amount, places, too_fine)


def _decimal(text: str) -> Decimal:
    """Read plain decimal text; Decimal() itself would take exponents, underscores, spaces and other scripts' digits."""
    if not text:
        raise MoneyError("empty text")
    if len(text) > 4 * MOST_DIGITS:
        raise MoneyError("too long for an amount")
    digits = text.removeprefix("-")
    whole, point, fraction = digits.partition(".")
    if not (digits.isascii() and whole.isdigit() and (fraction.isdigit() or not point)):
        raise MoneyError("not plain decimal text such as 1234.50 (no separators, signs, spaces or exponent)")
    return Decimal(text)


def _exactly(amount: Decimal, places: int, too_fine: str) -> int:
    if not amount.is_finite():
        raise MoneyError("not a finite number")
    try:
        # quantize looks at the exponent first, so 1e999999 costs nothing
        return int(amount.quantize(Decimal((0, (1,), -places)), context=_EXACT).scaleb(places, _EXACT))
    except Inexact:
        raise MoneyError(too_fine) from None
    except InvalidOperation:
        raise MoneyError("too large for an amount") from None


def _bounded(amount: int) -> int:
    if not -_LIMIT < amount < _LIMIT:
        raise MoneyError("too large for an amount")
    return amount


def _from_stripe(amount: int, shift: int) -> int:
    scale: int = 10 ** abs(shift)
    if shift >= 0:
        return _bounded(amount * scale)
    whole, rest = divmod(amount, scale)
    if rest:
        raise MoneyError("a fraction of a currency that has none")
    return whole
