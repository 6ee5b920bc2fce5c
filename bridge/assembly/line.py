"""The way to the tracker, by the settings of now: another one takes its place while tries on the old one end."""

import asyncio
from typing import Final

from bridge.address import fingerprint
from bridge.config import Settings
from bridge.model import Outcome, Payload
from bridge.money import Unit
from bridge.tracking import Wire

#: What of the settings makes it another way.
_MADE_OF: Final = ("token", "base_url", "timeout_seconds", "amount_unit")


class Line:
    """Sends by the wire in use."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._wire = wire_of(settings)
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def fingerprint(self) -> str:
        """Base URL and token, hashed."""
        return self._wire.fingerprint

    @staticmethod
    def fingerprint_of(settings: Settings) -> str:
        """The fingerprint of the line that these settings make."""
        return fingerprint(settings.base_url, settings.token.reveal() if settings.token else "")

    async def send(self, payload: Payload) -> Outcome:
        """Make one try."""
        return await self._wire.send(payload)

    def change(self, settings: Settings) -> None:
        """Send by these settings from now on; what is under way ends as it began."""
        if all(getattr(settings, name) == getattr(self._settings, name) for name in _MADE_OF):
            return
        task = asyncio.create_task(self._wire.aclose())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
        self._settings, self._wire = settings, wire_of(settings)

    async def aclose(self) -> None:
        """Close all connections."""
        await asyncio.gather(self._wire.aclose(), *self._ending)


def wire_of(settings: Settings) -> Wire:
    """A wire by these settings."""
    return Wire(
        settings.base_url,
        settings.token.reveal() if settings.token else "",
        timeout_seconds=settings.timeout_seconds,
        amount_unit="major" if settings.amount_unit is Unit.MAJOR else "minor",
    )
