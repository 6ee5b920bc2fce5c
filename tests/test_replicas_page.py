"""docs/replicas.md says what is so: every metric has its place, and every setting its time of coming into force."""

import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from bridge.assembly import changing
from bridge.config import SETTINGS
from bridge.metrics import Metrics
from bridge.model import Backlog, Counts, Tracker

PAGE = (Path(__file__).parents[1] / "docs" / "replicas.md").read_text(encoding="utf-8")


def _series(registry: CollectorRegistry) -> set[str]:
    """The names that are scraped, as the page writes them."""
    found = {f"{one.name}_total" if one.type == "counter" else one.name for one in registry.collect()}
    return {name for name in found if name.startswith("trackbridge_")}


def test_the_page_sorts_every_metric() -> None:
    metrics = Metrics("0")
    metrics.render(Counts(events={}, deliveries={}), Tracker(), Backlog())

    assert _series(metrics.registry) == set(re.findall(r"trackbridge_[a-z_]+", PAGE))


def _column(number: int) -> set[str]:
    row = PAGE.partition("| at once |")[2].splitlines()[2]
    return set(re.findall(r"`([A-Z_]+)`", row.split("|")[number]))


@pytest.mark.parametrize(
    ("number", "fields"), [(1, changing.AT_ONCE), (2, changing.WITH_MAPPINGS)], ids=["at once", "later"]
)
def test_the_page_says_when_a_setting_comes_into_force(number: int, fields: frozenset[str]) -> None:
    assert {setting.env for setting in SETTINGS if setting.field in fields} == _column(number)
