"""How long the orderly end may take, and the one clock all its phases share."""

import asyncio

#: How long the whole orderly end may take, from the signal to the exit: containers are killed after it. The web
#: takes its part first, and the rest that is not named here is the last commit's, which may wait for a locked database.
DRAIN_SECONDS = 10.0
#: By then, what is on its way to the tracker is given up as unknown …
SENT_BY = 6.0
#: … and by then its outcome is on disk, or is found as unsure by the next start.
SETTLED_BY = 6.75


class Ending:
    """The one clock of the orderly end: every phase has until its moment, however long the one before it took."""

    def __init__(self) -> None:
        self._began: float | None = None

    def begin(self) -> None:
        """The end begins now, unless it has begun."""
        if self._began is None:
            self._began = asyncio.get_running_loop().time()

    def left(self, until: float) -> float:
        """How many seconds there are until that many after the beginning."""
        now = asyncio.get_running_loop().time()
        return max((now if self._began is None else self._began) + until - now, 0.0)
