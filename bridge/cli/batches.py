"""Long work in short transactions: progress on a terminal, and Ctrl-C that ends between two of them, not within one."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

#: So many in one transaction: the bridge beside us waits some milliseconds for it.
MOST_TOGETHER = 50


@dataclass(slots=True, kw_only=True)
class Progress(Generic[R]):
    """What was done, in order, and how much was left when somebody pressed Ctrl-C."""

    results: list[R] = field(default_factory=list)
    left: int = 0


async def in_batches(
    items: Sequence[T],
    work: Callable[[Sequence[T]], Awaitable[Sequence[R]]],
    label: str,
    *,
    together: int | None = None,
) -> Progress[R]:
    """Do the work portion by portion, in order; each is on disk when the next begins."""
    progress, size = Progress[R](), together or MOST_TOGETHER
    with stoppable() as stopped, meter(label, len(items)) as show:
        for begin in range(0, len(items), size):
            if stopped():
                progress.left = len(items) - begin
                break
            portion = items[begin : begin + size]
            progress.results += await work(portion)
            show(begin + len(portion))
    return progress


@contextmanager
def stoppable() -> Iterator[Callable[[], bool]]:
    """Ctrl-C is noted instead of breaking off; asked twice, it breaks off after all."""
    loop = asyncio.get_running_loop()
    pressed: list[None] = []

    def press() -> None:
        pressed.append(None)
        loop.remove_signal_handler(signal.SIGINT)

    loop.add_signal_handler(signal.SIGINT, press)
    try:
        yield lambda: bool(pressed)
    finally:
        loop.remove_signal_handler(signal.SIGINT)


@contextmanager
def meter(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """A line on a terminal that tells how far it is; nothing where nobody looks."""
    if not sys.stderr.isatty() or total <= MOST_TOGETHER:
        yield lambda _: None
        return

    def show(done: int) -> None:
        print(f"\r{label}: {done:,} of {total:,}", end="", file=sys.stderr, flush=True)

    try:
        yield show
    finally:
        print("\r\033[K", end="", file=sys.stderr, flush=True)
