"""Work in the background, whose end by a bug is told at once."""

import asyncio
import logging
from collections.abc import Coroutine

from bridge import logs

_log = logs.get("bridge.serve")


def duty(work: Coroutine[None, None, None], name: str) -> "asyncio.Task[None]":
    """Do this in the background."""

    def tell(task: "asyncio.Task[None]") -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            logs.event(_log, logging.ERROR, "bug", exception=error, where=name)

    task = asyncio.create_task(work)
    task.add_done_callback(tell)
    return task
