"""Listings that fit: what is left out, what is cut, and how wide text is on a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.cli.listing import Column, cells_of, fit, told

COLUMNS = [
    Column(name="id", cells=["1", "22"]),
    Column(name="source", cells=["stripe", "typeform"], least=4, last=2),
    Column(
        name="type", cells=["checkout.session.completed", "form_response"], least=9, yields=1, last=3, keeps_end=True
    ),
    Column(name="customer", cells=["cus_1", ""], spare=1),
    Column(name="what", cells=["49.99 USD purchase_completed", "lead signup"], least=8, enough=20),
]


@pytest.mark.parametrize(
    ("most", "lines"),
    [
        (
            None,
            [
                "id  source    type                        customer  what",
                "1   stripe    checkout.session.completed  cus_1     49.99 USD purchase_completed",
                "22  typeform  form_response                         lead signup",
            ],
        ),
        (
            72,
            [
                "id  source    type                        customer  what",
                "1   stripe    checkout.session.completed  cus_1     49.99 USD purchase_…",
                "22  typeform  form_response                         lead signup",
            ],
        ),
        (
            50,
            [
                "id  source    type            what",
                "1   stripe    checkou…pleted  49.99 USD purchase_…",
                "22  typeform  form_response   lead signup",
            ],
        ),
        (29, ["id  sou…  type       what", "1   str…  chec…eted  49.99 U…", "22  typ…  form…onse  lead si…"]),
        (26, ["id  source    what", "1   stripe    49.99 USD p…", "22  typeform  lead signup"]),
        (14, ["id  what", "1   49.99 USD…", "22  lead sign…"]),
        (5, ["id  what", "1   49.99 U…", "22  lead si…"]),
    ],
    ids=str,
)
def test_columns_are_left_out_then_cut_until_a_line_fits(most: int | None, lines: list[str]) -> None:
    assert lines == told(COLUMNS, most).splitlines()


def test_what_senders_wrote_cannot_act_on_the_terminal() -> None:
    column = Column(name="who", cells=["a\x1b[2Jb\n", "\u202edrawkcab"])

    assert ["who", "a\\u001b[2Jb\\n", "\\u202edrawkcab"] == told([column], None).splitlines()


def test_an_ideograph_is_two_cells_wide_and_an_accent_none() -> None:
    assert [8, 3, 4] == [cells_of("山田太郎"), cells_of("Zoë"), cells_of("Zoe\u0308x")]
    assert ["name  x", "山田  1", "Ada   2"] == told(
        [Column(name="name", cells=["山田", "Ada"]), Column(name="x", cells=["1", "2"])], None
    ).splitlines()
    assert "山…" == fit("山田太郎", 4)


@pytest.mark.parametrize(
    ("text", "width", "cut"),
    [
        ("checkout.session.completed", 12, "checko…leted"),
        ("abc", 3, "abc"),
        ("abcd", 3, "a…d"),
        ("abcd", 2, "a…"),
        ("abcd", 1, "…"),
    ],
)
def test_a_text_that_keeps_its_end_is_cut_in_the_middle(text: str, width: int, cut: str) -> None:
    assert cut == fit(text, width, keeps_end=True)


@given(texts=st.lists(st.text(max_size=40), min_size=1, max_size=5), most=st.integers(20, 80), keeps_end=st.booleans())
def test_no_line_is_wider_than_the_terminal_whatever_stands_in_it(texts: list[str], most: int, keeps_end: bool) -> None:
    columns = [
        Column(name="a", cells=texts, least=6, keeps_end=keeps_end),
        Column(name="b", cells=texts, least=6, last=1),
        Column(name="c", cells=texts, spare=1),
    ]

    lines = told(columns, most).split("\n")

    assert len(texts) + 1 == len(lines)
    assert all(cells_of(line) <= most for line in lines)


def test_colours_are_on_the_words_not_on_the_room_behind_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    columns = [
        Column(name="state", cells=["dead", "delivered"], colours=["31", ""]),
        Column(name="n", cells=["1", "2"]),
    ]

    assert ["state      n", "\033[31mdead\033[0m       1", "delivered  2"] == told(columns, 20).splitlines()
