"""Sessions without memory: who holds the token can make them, nobody else can, and they end."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.web.admin.asking import local
from bridge.web.admin.sessions import LASTS, Session, Sessions

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
OURS = Sessions("adm_0123456789abcdef")
COOKIE = OURS.begin(NOW)


def the_session(sessions: Sessions = OURS, cookie: str = COOKIE) -> Session:
    found = sessions.read(cookie, NOW)
    assert found is not None
    return found


def test_another_replica_with_the_same_token_knows_the_session() -> None:
    other = Sessions("adm_0123456789abcdef")

    assert the_session() == the_session(other)
    assert other.is_form_proof(the_session(), OURS.form_proof(the_session()))


@pytest.mark.parametrize(
    ("later", "is_in"),
    [
        (timedelta(), True),
        (LASTS - timedelta(seconds=1), True),
        (LASTS, False),
        (-timedelta(minutes=1), True),
        (-timedelta(minutes=10), False),
    ],
    ids=["at once", "just before its end", "at its end", "by a clock a minute behind", "from the future"],
)
def test_a_session_lasts_twelve_hours(later: timedelta, is_in: bool) -> None:
    assert is_in == (OURS.read(COOKIE, NOW + later) is not None)


def test_another_token_ends_every_session() -> None:
    assert None is Sessions("adm_0123456789abcdeg").read(COOKIE, NOW)


def test_two_sessions_have_nothing_in_common() -> None:
    first, second = the_session(), the_session(cookie=OURS.begin(NOW))

    assert first.nonce != second.nonce
    assert not OURS.is_form_proof(second, OURS.form_proof(first))


def test_nothing_of_the_token_is_in_a_cookie() -> None:
    assert "adm_" not in COOKIE
    assert COOKIE != OURS.begin(NOW)


@given(st.integers(0, len(COOKIE) - 1), st.characters(codec="latin-1"))
def test_a_cookie_with_one_other_character_is_nobodys(place: int, char: str) -> None:
    changed = COOKIE[:place] + char + COOKIE[place + 1 :]

    assert (changed == COOKIE) == (OURS.read(changed, NOW) is not None)


@given(st.text(max_size=200))
def test_no_text_is_a_session_and_none_breaks_anything(text: str) -> None:
    assert None is OURS.read(text, NOW)
    assert not OURS.is_ours(text)
    assert not OURS.is_form_proof(the_session(), text)
    assert [] == OURS.unseal(the_session(), text, NOW)


def test_what_was_done_is_told_to_the_same_session_for_a_minute() -> None:
    sealed = OURS.seal(the_session(), ["delivery 2 will be sent again"], NOW)
    other = the_session(cookie=OURS.begin(NOW))

    assert ["delivery 2 will be sent again"] == OURS.unseal(the_session(), sealed, NOW + timedelta(seconds=59))
    assert [] == OURS.unseal(the_session(), sealed, NOW + timedelta(seconds=60))
    assert [] == OURS.unseal(other, sealed, NOW)


def test_what_was_done_fits_into_a_cookie_however_much_it_is() -> None:
    lines = [f"delivery {number} was left alone: 😀\ud83d" for number in range(500)]
    sealed = OURS.seal(the_session(), lines, NOW)
    told = OURS.unseal(the_session(), sealed, NOW)

    assert len(sealed) < 3_000
    assert lines[: len(told) - 1] == told[:-1]
    assert f"… and {500 - len(told) + 1} more" == told[-1]


@pytest.mark.parametrize(
    "wanted",
    ["/admin", "/admin/events?state=unmapped&since=7d", "/admin/events/12", "/admin/find?ref=a%2Fb"],
)
def test_the_sign_in_goes_on_to_pages_of_ours(wanted: str) -> None:
    assert wanted == local(wanted)


@pytest.mark.parametrize(
    "wanted",
    [
        "",
        "https://evil.example/",
        "//evil.example/admin",
        "/\\evil.example",
        "/admin/..//evil.example",
        "/admin\\@evil.example",
        "/admin.evil.example",
        "/administrator",
        "javascript:alert(1)",
        "/admin/\r\nSet-Cookie: a=b",
        "/admin?a=\n",
        "/admin?\\evil",
        "/admin?" + "a" * 3000,
        "/admin/ü",
        "\t/admin",
    ],
)
def test_the_sign_in_goes_nowhere_else(wanted: str) -> None:
    assert "/admin" == local(wanted)
