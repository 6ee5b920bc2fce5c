"""Who is told what happens: the outlet of the settings, and those of the mappings in force."""

from collections.abc import Callable

from bridge.assembly.clock import utcnow
from bridge.config import Settings
from bridge.library import Library
from bridge.metrics import Metrics
from bridge.notices import Notice, Outlet, outlet
from bridge.notify import Notifier

#: How long what is still to be told may take at the end.
FAREWELL_SECONDS = 1.0
#: The same for a command that has nothing else to do.
_PATIENCE_SECONDS = 15.0


class Alarms:
    """Tells whoever is to be told, by the mappings in force at that moment."""

    def __init__(self, settings: Settings, library: Library, metrics: Metrics) -> None:
        self._own = _of_settings(settings)
        #: the set in force
        self.library: Callable[[], Library] = lambda: library
        count = metrics.notifications.labels
        self._notifier = Notifier(self._outlets, clock=utcnow, count=lambda result: count(result).inc())

    def tell(self, notice: Notice) -> None:
        """Put a notice on its way; never raises, never waits."""
        self._notifier.tell(notice)

    async def aclose(self) -> None:
        """Tell what is still to be told, for a moment."""
        await self._notifier.aclose(within_seconds=FAREWELL_SECONDS)

    def _outlets(self) -> list[Outlet]:
        return _all(self._own, self.library())


async def told(settings: Settings, library: Library, notice: Notice) -> None:
    """Tell one thing and wait until it is told: for a command, which ends afterwards."""
    outlets = _all(_of_settings(settings), library)
    notifier = Notifier(lambda: outlets, clock=utcnow)
    notifier.tell(notice)
    await notifier.aclose(within_seconds=_PATIENCE_SECONDS)


def _of_settings(settings: Settings) -> Outlet | None:
    if settings.notify_url is None:
        return None
    secret = settings.notify_secret.reveal() if settings.notify_secret else ""
    return outlet("TRACKBRIDGE_NOTIFY_URL", settings.notify_url.reveal(), secret)


def _all(own: Outlet | None, library: Library) -> list[Outlet]:
    """Everybody's outlets; one that the settings name anyway is told once."""
    theirs = [source.outlet for source in library.sources.values() if source.outlet is not None]
    return [*([own] if own else []), *(one for one in theirs if own is None or one.url != own.url)]
