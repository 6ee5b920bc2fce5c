"""Amounts there and back: exact in every currency and unit, whatever the digits, and never by way of a float."""

from decimal import Context, Decimal, Inexact

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.money import _EXPONENTS, MoneyError, Unit, exponent, to_major, to_minor

#: holds whatever digits hypothesis writes; a result that it had to round would be an error of the test
EXACT = Context(prec=400, traps=[Inexact])
CODES = st.sampled_from(sorted(_EXPONENTS))
MINOR = st.integers(-(10**15) + 1, 10**15 - 1)
DECIMALS = st.decimals(-(10**11), 10**11, allow_nan=False, allow_infinity=False, places=None)


@given(MINOR, CODES)
def test_every_amount_comes_back_from_its_major_form_as_number_and_as_text(amount: int, code: str) -> None:
    major = to_major(amount, code)

    assert type(major) is Decimal
    assert amount == to_minor(major, code, Unit.MAJOR) == to_minor(str(major), code, Unit.MAJOR)
    assert amount == to_minor(major * 10 ** exponent(code), code, Unit.MINOR)


@given(DECIMALS, CODES)
def test_a_major_amount_is_exact_or_refused(amount: Decimal, code: str) -> None:
    try:
        minor = to_minor(amount, code, Unit.MAJOR)
    except MoneyError:
        # shifted, not multiplied: a product is rounded to 28 digits
        shifted = amount.scaleb(exponent(code), context=EXACT)
        assert shifted != shifted.to_integral_value(context=EXACT) or abs(shifted) >= 10**15
        return
    assert type(minor) is int
    assert amount == to_major(minor, code)


@given(MINOR, CODES)
def test_what_stripe_tells_is_that_many_minor_units_or_refused(amount: int, code: str) -> None:
    factor = {"ISK": Decimal("0.01"), "UGX": Decimal("0.01"), "MGA": Decimal(100)}.get(code, Decimal(1))
    try:
        minor = to_minor(amount, code, Unit.STRIPE)
    except MoneyError:
        assert (amount * factor) % 1 or abs(amount * factor) >= 10**15
        return
    assert amount * factor == minor


@given(st.floats(), CODES, st.sampled_from(Unit))
def test_a_float_is_refused_whatever_it_is(amount: float, code: str, unit: Unit) -> None:
    with pytest.raises(MoneyError, match="float"):
        to_minor(amount, code, unit)
