"""Sealing: what was sealed opens again in its place and nowhere else, and nothing that was changed opens at all."""

import contextlib

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from bridge.encryption import EncryptionKeys, number_of
from bridge.store.sealing import (
    BODY,
    CLEAR,
    HEADERS,
    MARK,
    PAYLOAD,
    QUERY,
    UNSEALED,
    KeyMissing,
    Seals,
    Unopened,
    number_in,
    try_key,
)

ONE, TWO = bytes(range(32)), bytes(range(100, 132))
FIRST = Seals(EncryptionKeys(writes=ONE, reads=(ONE,)))
SECOND = Seals(EncryptionKeys(writes=TWO, reads=(TWO, ONE)))
LEAVING = Seals(EncryptionKeys(writes=None, reads=(ONE,)))

#: what a database takes as text, with much that looks like ours
TEXTS = st.one_of(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    st.sampled_from(["", "[]", MARK, CLEAR, CLEAR + CLEAR, MARK + "deadbeef:", MARK + "deadbeef:AAAA"]),
    st.text(st.sampled_from("~tb1:.0aA=")).map(lambda text: MARK + text),
)
DATA = st.one_of(st.binary(), TEXTS.map(str.encode), st.binary().map(lambda data: MARK.encode() + data))
SEALS = st.sampled_from([UNSEALED, FIRST, SECOND, LEAVING])


@given(seals=SEALS, text=TEXTS, row=st.integers(0, 2**63 - 1))
def test_a_text_comes_back_as_it_was(seals: Seals, text: str, row: int) -> None:
    stored = seals.text(PAYLOAD, row, text)

    assert text == seals.opened(PAYLOAD, row, stored) == seals.read(PAYLOAD, row, stored)
    assert "\0" not in stored


@given(seals=SEALS, data=DATA, row=st.integers(0, 2**63 - 1))
def test_bytes_come_back_as_they_were(seals: Seals, data: bytes, row: int) -> None:
    stored = seals.data(BODY, row, data)

    assert data == seals.opened_data(BODY, row, stored) == seals.read_data(BODY, row, stored)


@given(text=TEXTS.map(lambda text: f"@{text}@"))
def test_nothing_of_a_sealed_text_shows_and_no_two_look_alike(text: str) -> None:
    one, other = (FIRST.text(QUERY, 1, text) for _ in range(2))

    assert one != other
    assert number_of(ONE) == number_in(one[: len(CLEAR)]) == FIRST.number
    assert text not in one[len(CLEAR) :] or set(text) <= set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
    )


@given(text=st.text(min_size=1, max_size=40).filter(lambda text: text.isprintable()), data=st.data())
@example(text="a", data=None)
def test_a_changed_sealed_text_never_opens_as_something_else(text: str, data: st.DataObject | None) -> None:
    stored = FIRST.text(PAYLOAD, 7, text)
    at = len(CLEAR) if data is None else data.draw(st.integers(len(MARK), len(stored) - 1))
    letter = "/" if data is None else data.draw(st.characters(codec="utf-8", exclude_characters="\0"))
    changed = stored[:at] + letter + stored[at + 1 :]
    assume(changed != stored and not changed.startswith(CLEAR))

    with contextlib.suppress(Unopened, KeyMissing):
        # base64 may write the same bytes in another way
        assert text == FIRST.opened(PAYLOAD, 7, changed)


@given(data=st.binary(min_size=1, max_size=60), draw=st.data())
def test_changed_sealed_bytes_do_not_open(data: bytes, draw: st.DataObject) -> None:
    stored = FIRST.data(BODY, 7, data)
    at = draw.draw(st.integers(len(CLEAR), len(stored) - 1))
    changed = bytearray(stored)
    changed[at] ^= draw.draw(st.integers(1, 255))

    for spoiled in (bytes(changed), stored[:at], stored + b"\0"):
        with pytest.raises(Unopened):
            FIRST.opened_data(BODY, 7, spoiled)
        assert FIRST.read_data(BODY, 7, spoiled) == b""


@pytest.mark.parametrize(
    ("place", "row"),
    [
        pytest.param(PAYLOAD, 8, id="another row"),
        pytest.param(HEADERS, 7, id="another column"),
        pytest.param(PAYLOAD, "7", id="no other place"),
        pytest.param(PAYLOAD, try_key(7, 1), id="a try of it"),
    ],
)
def test_a_sealed_value_opens_in_its_place_only(place: str, row: int | str) -> None:
    stored = FIRST.text(PAYLOAD, 7, "Ada")

    if (place, str(row)) == (PAYLOAD, "7"):
        assert "Ada" == FIRST.opened(place, row, stored)
    else:
        with pytest.raises(Unopened):
            FIRST.opened(place, row, stored)
        assert FIRST.read(place, row, stored) == ""


def test_an_older_key_opens_and_does_not_seal() -> None:
    before, after = FIRST.text(PAYLOAD, 1, "Ada"), SECOND.text(PAYLOAD, 1, "Ada")

    assert "Ada" == SECOND.opened(PAYLOAD, 1, before) == SECOND.opened(PAYLOAD, 1, after)
    assert number_of(TWO) == SECOND.number == number_in(after)
    assert {number_of(ONE), number_of(TWO)} == SECOND.numbers


def test_what_another_key_sealed_is_never_taken_for_spoiled() -> None:
    stored, body = SECOND.text(PAYLOAD, 1, "Ada"), SECOND.data(BODY, 1, b"Ada")

    for seals in (UNSEALED, FIRST, LEAVING):
        for read in (seals.opened, seals.read):
            with pytest.raises(KeyMissing):
                read(PAYLOAD, 1, stored)
        for look in (seals.opened_data, seals.read_data):
            with pytest.raises(KeyMissing):
                look(BODY, 1, body)


def test_without_a_key_everything_is_stored_as_it_is_but_for_what_looks_sealed() -> None:
    assert "Ada" == UNSEALED.text(PAYLOAD, 1, "Ada") == LEAVING.text(PAYLOAD, 1, "Ada")
    assert UNSEALED.data(BODY, 1, b"{}") == b"{}"
    assert CLEAR + MARK == UNSEALED.text(QUERY, 1, MARK)
    assert not UNSEALED.has_sealed


def test_nothing_is_not_sealed() -> None:
    assert ["", "[]"] == [FIRST.text(HEADERS, 1, text) for text in ("", "[]")]
    assert FIRST.data(BODY, 1, b"") == b""
