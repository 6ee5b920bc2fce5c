"""The steps of a schema, numbered alike for every kind of database: one SQL file each, told apart by its verb.

A released file is never edited: a change is a new file that the code before it can live with where that is possible.
Since which number older code may still run is said in the file's first lines (`-- older code: since 5`) and kept beside
the step's record, so that code which does not know the step can read it; a step that does not say so ends all others.
"""

import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise

from bridge import logs
from bridge.store.marks import problem

_log = logs.get("bridge.store")

_FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_OLDER_CODE = re.compile(r"^-- older code: since (\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One numbered change of the schema."""

    number: int
    name: str
    sql: str

    @property
    def since(self) -> int:
        """The oldest schema whose code may run beside this step, and after it."""
        said = _OLDER_CODE.search(self.sql)
        return int(said[1]) if said else self.number


def shipped(dialect: str) -> tuple[Step, ...]:
    """The steps inside this package for one kind of database, in order, without a gap."""
    folder = files("bridge.store").joinpath("schema", dialect)
    steps = []
    for file in folder.iterdir():
        match = _FILE_NAME.fullmatch(file.name)
        if match:
            steps.append(Step(number=int(match[1]), name=match[2], sql=file.read_text(encoding="utf-8")))
    steps.sort(key=lambda step: step.number)
    if not steps or steps[0].number != 1 or any(b.number != a.number + 1 for a, b in pairwise(steps)):
        raise AssertionError(f"schema/{dialect} must count from 0001 without a gap")
    return tuple(steps)


def check_newer(where: str, steps: Sequence[Step], applied: Iterable[tuple[int, int | None]]) -> None:
    """Raise ConfigError when a newer version took a step that this code must not run after; log any other.

    `applied`: the steps that were taken, each with since when older code may run; None: it was not said.
    """
    known = steps[-1].number
    newer = {number: number if since is None else since for number, since in applied if number > known}
    if newer and max(newer.values()) > known:
        raise problem(
            "database-newer",
            f"{where} was written by a newer trackbridge (schema {max(newer)}; this version knows {known})",
            why="an older version could misread what the newer one wrote",
            fix="run the newer version, or restore the copy you made before the upgrade",
        )
    if newer:
        logs.event(_log, logging.INFO, "database.newer", where=where, schema=max(newer), knows=known)
