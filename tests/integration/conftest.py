"""Fixtures for tests of commands: a folder without anybody's settings, and a store with one event of each sort."""

import os
from pathlib import Path

import pytest

from bridge.model import Dead, Delivered, EventState, Step
from bridge.store import Store
from tests.contract.store_hand import Hand, a_conversion, a_lead, a_sale, an_outcome
from tests.integration.cli_hand import THEN, an_old_meaning, with_store
from tests.support import clean_environment


@pytest.fixture
def clean_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, a terminal of 140 columns, and no settings."""
    for name in os.environ.keys() - clean_environment().keys():
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "140")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def filled(clean_room: Path) -> None:
    """One event of each sort: 1 delivered, 2 dead, 3 a test, 4 unmapped, 5 on its way."""

    async def fill(store: Store) -> None:
        hand = Hand(store)
        hand.now = THEN
        steps = (Step(rule="checkout", result="matched"), Step(rule="trial", result="skipped", why="when is not met"))
        sale = a_sale("purchase", "cus_1", click_id="click_1", timestamp=THEN)
        await hand.record(an_old_meaning(a_conversion(sale, rule="checkout"), key="evt_paid", steps=steps))
        answer = an_outcome(started_at=THEN, text='{"status": true}', is_json=True)
        await hand.end(await hand.claim_one(), Delivered(flags=("already there",)), answer, cautious=False)
        late = a_sale("renewal", "cus_2", amount=1000, currency="JPY", timestamp=THEN)
        await hand.record(an_old_meaning(a_conversion(late), key="evt_renewed"))
        refused = an_outcome(422, started_at=THEN, text="no\x1b[2J", message="no")
        await hand.end(await hand.claim_one(), Dead(reason="422: invoiceId too long\x1b[2J"), refused)
        await hand.record(
            an_old_meaning(key="evt_test", state=EventState.IGNORED, reason="test mode", event={"test": True}),
            an_old_meaning(
                key="sha256:ab",
                state=EventState.UNMAPPED,
                reason="cannot map: amount is missing",
                event={"source": "quiz", "source_id": None},
            ),
            an_old_meaning(a_conversion(a_lead("signup", "ada@example.com", timestamp=THEN)), key="evt_lead"),
        )

    with_store(fill)
