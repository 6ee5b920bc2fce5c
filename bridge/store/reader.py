"""Reads, off the loop and beside the writer: WAL lets both go on, and each read sees one moment of the database.

Owns its connection and its thread alone; a connection that fails is replaced at the next read.
"""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from bridge.errors import StoreError
from bridge.store.connection import REFUSALS, Connected, as_store_error, connect
from bridge.store.sealing import Seals

R = TypeVar("R")


class Reader:
    """Answers one question at a time."""

    def __init__(self, path: Path, seals: Seals) -> None:
        self._path = path
        self._seals = seals
        self._db: Connected | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="trackbridge-reader")
        self._is_closed = False

    async def read(self, question: Callable[[Connected], R]) -> R:
        """Ask the database. Raises StoreError when it cannot answer."""
        if self._is_closed:
            raise StoreError("the store is closed")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._ask, question)

    async def apart(self, work: Callable[[Path], R]) -> R:
        """Do something with the file itself, while nobody reads in it here. Raises StoreError."""
        if self._is_closed:
            raise StoreError("the store is closed")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._do, work)

    async def close(self) -> None:
        """Answer what was asked, then let go of the database."""
        if self._is_closed:
            return
        self._is_closed = True
        await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown()

    def _ask(self, question: Callable[[Connected], R]) -> R:
        try:
            if self._db is None:
                self._db = connect(self._path, self._seals)
                self._db.execute("PRAGMA query_only = ON")
            self._db.execute("BEGIN")
            try:
                return question(self._db)
            finally:
                self._db.execute("ROLLBACK")
        except REFUSALS as error:
            self._disconnect()
            raise as_store_error(error) from error

    def _do(self, work: Callable[[Path], R]) -> R:
        self._disconnect()
        try:
            return work(self._path)
        except REFUSALS as error:
            raise as_store_error(error) from error

    def _disconnect(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            with contextlib.suppress(Exception):
                db.close()
