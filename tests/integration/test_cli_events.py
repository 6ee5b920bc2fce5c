"""`trackbridge events` and `trackbridge dead`: what is listed, and in what words."""

import pytest

from bridge.cli import main
from bridge.store import Store
from tests.integration.cli_hand import THEN, Text, a_graveyard, parsed, printed, said, states, with_store

pytestmark = pytest.mark.usefixtures("clean_room")


@pytest.mark.usefixtures("filled")
def test_events_lists_what_came_in_newest_first_and_what_became_of_it(capsys: Text) -> None:
    assert [
        "id  received  source  type                        source's id  customer         state      what became of it",
        "5   2 d ago   stripe  checkout.session.completed  evt_lead     ada@example.com  pending    lead signup",
        "4   2 d ago   quiz    checkout.session.completed                                unmapped   amount is missing",
        "3   2 d ago   stripe  checkout.session.completed  evt_test                      ignored    test mode",
        "2   2 d ago   stripe  checkout.session.completed  evt_renewed  cus_2            dead       "
        "422: invoiceId too long\\u001b[2J; 1000 JPY renew…",
        "1   2 d ago   stripe  checkout.session.completed  evt_paid     cus_1            delivered  49.99 USD purchase",
    ] == printed(capsys, "events")


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        (["--state", "unmapped"], [4]),
        (["--source", "stripe"], [5, 3, 2, 1]),
        (["--customer", "cus_2"], [2]),
        (["--limit", "2"], [5, 4]),
        (["--since", "3d"], [5, 4, 3, 2, 1]),
        (["--since", "1d"], []),
        (["--since", "THEN"], [5, 4, 3, 2, 1]),
        (["--since", "2099-01-01"], []),
        (["--until", "1d"], [5, 4, 3, 2, 1]),
        (["--until", "3d"], []),
        (["--since", "3d", "--until", "THEN"], [5, 4, 3, 2, 1]),
        (["--before", "3"], [2, 1]),
        (["--before", "d3"], [2, 1]),
        (["--grep", "EVT_R"], [2]),
        (["--grep", "test mode"], [3]),
        (["--grep", "ADA@example"], [5]),
        (["--grep", "purchase"], [1]),
        (["--grep", "evt_", "--state", "accepted", "--limit", "2"], [5, 2]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) and value and isinstance(value[0], str) else "",
)
@pytest.mark.usefixtures("filled")
def test_a_listing_can_be_narrowed_down(arguments: list[str], ids: list[int], capsys: Text) -> None:
    # a word stands for the time: what a test is called must not depend on when it was collected
    given = [THEN.isoformat() if argument == "THEN" else argument for argument in arguments]
    assert ids == [event["id"] for event in parsed(capsys, "events", *given)]


@pytest.mark.usefixtures("filled")
def test_a_listing_that_was_cut_says_so(capsys: Text) -> None:
    main(["events", "--limit", "2"])
    assert "2 of 5; older: --before 4\n" == capsys.readouterr().err
    main(["events", "--limit", "2", "--before", "4", "--source", "stripe"])
    assert "2 of 3; older: --before 2\n" == capsys.readouterr().err
    main(["events", "--before", "2"])
    assert "1 of 1\n" == capsys.readouterr().err
    main(["events", "--since", "1d"])
    assert "no events like this\n" == capsys.readouterr().err


@pytest.mark.usefixtures("filled")
def test_a_search_that_found_nothing_says_where_it_looked(capsys: Text) -> None:
    assert 0 == main(["events", "--grep", "no\x1bsuch"])
    said = capsys.readouterr().err
    assert said.startswith('no events like this; "no\\u001bsuch" was looked for in ids, keys, types, ')
    assert said.endswith("never bodies\n")


@pytest.mark.usefixtures("filled")
def test_a_search_that_ended_early_says_where(capsys: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.store.filters.MOST_SEARCHED", 3)

    main(["events", "--grep", "evt_lead"])
    assert "1 of 1; searched down to 3; further: --before 3\n" == capsys.readouterr().err
    main(["events", "--grep", "evt_paid"])
    assert "; searched down to 3; further: --before 3\n" in capsys.readouterr().err
    assert [1] == [event["id"] for event in parsed(capsys, "events", "--grep", "evt_paid", "--before", "3")]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--state", "dead"], "that is a delivery's state: trackbridge dead --state dead"),
        (["--state", "lost"], 'expected accepted, ignored, unmapped, got "lost"'),
        (["--grep", " "], "expected a text to look for"),
        (["--before", "x"], 'expected a number as listings print it, got "x"'),
        (["--until", "soon"], 'expected 30m, 12h, 7d or an ISO 8601 time, got "soon"'),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_no_filter_can_be_is_told(arguments: list[str], told: str, capsys: Text) -> None:
    assert 2 == main(["events", *arguments])
    assert told in capsys.readouterr().err


def test_an_empty_store_has_no_events_yet(capsys: Text) -> None:
    async def nothing(_: Store) -> None: ...

    with_store(nothing)

    assert 0 == main(["events"])
    assert "no events yet\n" == capsys.readouterr().err
    assert [] == parsed(capsys, "events")
    assert 0 == main(["dead"])
    assert "nothing is dead\n" == capsys.readouterr().err


@pytest.mark.usefixtures("filled")
def test_a_narrow_terminal_cuts_the_widest_columns(monkeypatch: pytest.MonkeyPatch, capsys: Text) -> None:
    monkeypatch.setenv("COLUMNS", "60")

    lines = printed(capsys, "events")

    assert all(len(line) <= 60 for line in lines)
    assert "1   2 d ago   stripe  delivered  49.99 USD purchase" == lines[-1]
    monkeypatch.setenv("COLUMNS", "40")
    assert "1   2 d ago   delivered  49.99 USD purc…" == printed(capsys, "events")[-1]


def test_a_dead_letters_state_can_be_asked_for(capsys: Text) -> None:
    a_graveyard(1, delivered=2)

    assert [4, 3] == [one["id"] for one in parsed(capsys, "dead", "--state", "delivered", "--grep", "cus_")][:2]
    assert ["nothing is waiting"] == said(capsys, "dead", "--state", "waiting")
    assert ["nothing is recorded in a dry run"] == said(capsys, "dead", "--state", "dry_run")
    assert "dead" == states()[2]
