"""`trackbridge replicas` and what `doctor` says of them."""

from datetime import timedelta

import pytest

from bridge.cli import main, output
from bridge.model import Replica, Seen
from bridge.store import Store
from bridge.store.database_fleet import DatabaseFleet
from tests.integration.cli_hand import Text, parsed, printed, with_store

pytestmark = pytest.mark.usefixtures("clean_room")

ONE = Replica(id="1f00aa", host="web-1", version="1.2.3", sources={"stripe": "r1"}, settings={"CMS_RATE_LIMIT": "9/s"})
TWO = Replica(id="2f00bb", host="web-2", version="1.2.4", sources={"stripe": "r2"}, settings={"CMS_RATE_LIMIT": "9/s"})
GONE = Replica(id="3f00cc", host="web-3", version="1.2.3", idle="no token")


def seen(*replicas: Replica) -> None:
    """A database in which these have said that they live."""

    async def tell(store: Store) -> None:
        for replica in replicas:
            await store.beat(replica, now=output.now())

    with_store(tell)


def several(monkeypatch: pytest.MonkeyPatch, *rows: Seen) -> None:
    """Rows as a shared database has them: a file holds one."""

    async def replicas(store: Store, *, now: object) -> tuple[Seen, ...]:
        return rows

    seen()
    monkeypatch.setattr(DatabaseFleet, "replicas", replicas)


def row(replica: Replica, *, age: float = 5.0, is_live: bool = True) -> Seen:
    now = output.now()
    return Seen(
        replica=replica,
        started_at=now - timedelta(hours=2),
        seen_at=now - timedelta(seconds=age),
        is_live=is_live,
    )


def test_the_one_that_serves_from_a_file_is_listed(capsys: Text) -> None:
    seen(ONE)

    header, line = printed(capsys, "replicas")

    assert ["replica", "version", "state", "started", "last", "heard", "of"] == header.split()
    assert ["web-1/1f00", "1.2.3", "at", "work"] == line.split()[:4]


def test_nobody_is_told_when_nobody_serves(capsys: Text) -> None:
    seen()

    assert 0 == main(["replicas"])

    assert ("", "nobody serves from this database\n") == capsys.readouterr()


def test_all_are_listed_with_what_they_differ_in(capsys: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    several(monkeypatch, row(ONE), row(TWO), row(GONE, age=90, is_live=False))

    lines = printed(capsys, "replicas")

    assert ["web-1/1f00", "web-2/2f00", "web-3/3f00"] == [line.split()[0] for line in lines[1:4]]
    assert " gone " in lines[3]
    assert ["", "they differ in:", '  mapping "stripe": r1 on web-1/1f00; r2 on web-2/2f00'] == lines[4:]


def test_that_they_work_alike_is_said(capsys: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    several(monkeypatch, row(ONE), row(ONE))

    assert "all work by the same mappings and settings" == printed(capsys, "replicas")[-1]


def test_a_script_gets_everything(capsys: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    several(monkeypatch, row(ONE), row(TWO))

    told = parsed(capsys, "replicas", "--json")

    assert [True, True] == [one["live"] for one in told["replicas"]]
    assert [{"value": "r1", "replicas": ["web-1/1f00"]}, {"value": "r2", "replicas": ["web-2/2f00"]}] == (
        told["differences"][0]["sides"]
    )


def test_doctor_warns_of_replicas_that_differ(capsys: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    several(monkeypatch, row(ONE), row(TWO))
    main(["doctor", "--json"])

    assert '"what": "2 that differ in mapping \\"stripe\\""' in capsys.readouterr().out
