"""What every view works with: the store, what else the running bridge knows, and the pages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bridge.intake import Refusal
from bridge.reload import Reloader
from bridge.store.base import Store
from bridge.web.admin.pages import Pages
from bridge.web.health import Health


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """An operator's tools."""

    health: Health
    pages: Pages
    #: unproven requests of this replica, the last few
    refusals: Callable[[], Sequence[Refusal]]
    #: something may be due: tell the worker
    wake: Callable[[], None]
    #: where senders reach the bridge
    base_url: Callable[[], str]

    @property
    def store(self) -> Store:
        """The store; pages ask its reader, which never stands in the way of the writer."""
        return self.health.store

    @property
    def reloader(self) -> Reloader:
        """The mappings in force."""
        return self.health.reloader

    async def names(self) -> list[str]:
        """The sources that a filter may name: those that are on, and those that were ever heard."""
        loaded = self.reloader.library.sources.values()
        return sorted({*(source.name for source in loaded if source.is_on), *await self.store.sources_seen()})
