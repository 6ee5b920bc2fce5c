"""The settings in force, and what is done when a reload brings others: most need no restart.

What is under way ends by the settings it began with. What a change of mappings must come along with (Stripe's key:
without it both families of events at once would be counted twice) waits until the mappings are sound.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from bridge import logs
from bridge.assembly import stripe_side
from bridge.assembly.alarms import Alarms
from bridge.assembly.clock import utcnow
from bridge.assembly.line import Line
from bridge.assembly.stripe_side import StripeSide
from bridge.config import SETTINGS, Settings
from bridge.errors import ConfigError
from bridge.store.base import Store
from bridge.worker import SETTLED_WITHIN, Worker

_log = logs.get("bridge.reload")

#: These come into force with a reload …
AT_ONCE: Final = frozenset(
    {
        "token",
        "base_url",
        "rate",
        "amount_unit",
        "timeout_seconds",
        "admin_token",
        "encryption_keys",
        "retention_days",
        "keys_days",
        "public_url",
        "notify_url",
        "notify_secret",
    }
)
#: … these with one whose mappings are sound, and all others with the next start.
WITH_MAPPINGS: Final = frozenset({*stripe_side.MADE_OF, "mappings"})


@dataclass(slots=True, kw_only=True)
class InForce:
    """The settings in force, for whoever asks each time."""

    settings: Settings

    @property
    def not_sending(self) -> str:
        """Why this replica sends nothing; empty when it does."""
        return "dry run" if self.settings.dry_run else "" if self.settings.token else "no token"

    @property
    def lease(self) -> timedelta:
        """How long a try may take, and its outcome to be written."""
        return timedelta(seconds=self.settings.timeout_seconds) + SETTLED_WITHIN


@dataclass(slots=True, kw_only=True)
class Changes:
    """Brings other settings into force."""

    inforce: InForce
    #: what the last reload read; raises nothing
    read: Callable[[], Settings]
    store: Store
    line: Line
    worker: Worker
    alarms: Alarms
    stripe: StripeSide
    #: said when something has changed
    changed: Callable[[], None]
    _told: list[str] = field(default_factory=list)

    async def __call__(self, is_sound: bool) -> None:  # noqa: FBT001 - what a reload says
        """Bring into force what can be. Raises StoreError: then nothing has changed."""
        before = self.inforce.settings
        read = await self._encrypt_by(before, self.read())
        may = AT_ONCE | WITH_MAPPINGS if is_sound else AT_ONCE
        after = replace(before, **{name: getattr(read, name) for name in may}, origins=read.origins, told=read.told)
        differing = [setting for setting in SETTINGS if getattr(before, setting.field) != getattr(after, setting.field)]
        await self._deliver_by(before, after)
        self.inforce.settings = after
        self.alarms.use(after)
        if any(setting.field in stripe_side.MADE_OF for setting in differing):
            await self.stripe.use(after)
        if differing:
            logs.event(_log, logging.INFO, "settings.changed", changed=", ".join(one.env for one in differing))
        self._tell_restart(read, after)
        self.changed()

    async def _encrypt_by(self, before: Settings, read: Settings) -> Settings:
        """Other keys are used from now on; where one lacks without which something cannot be read, they stay."""
        if read.encryption_keys == before.encryption_keys:
            return read
        try:
            await self.store.use_keys(read.encryption_keys)
        except ConfigError as error:
            logs.event(_log, logging.ERROR, "encryption_keys.kept", why=error.problems[0].what)
            return replace(read, encryption_keys=before.encryption_keys)
        return read

    async def _deliver_by(self, before: Settings, after: Settings) -> None:
        """Another token or base URL probes at once; another rate begins with an empty bucket."""
        line = Line.fingerprint_of(after)
        is_paced = before.rate == after.rate
        inforce = InForce(settings=after)
        if not inforce.not_sending and (line != self.line.fingerprint or not is_paced):
            await self.store.greet(line, now=utcnow(), pace=after.rate, joins=is_paced)
        self.line.change(after)
        self.worker.retune(pace=after.rate, lease=inforce.lease)
        self.worker.wake()
        if inforce.not_sending and not self.inforce.not_sending:
            logs.event(_log, logging.WARNING, "not_sending", why=inforce.not_sending)

    def _tell_restart(self, read: Settings, after: Settings) -> None:
        """Name what another start is needed for, once."""
        late = AT_ONCE | WITH_MAPPINGS
        waiting = [
            setting.env
            for setting in SETTINGS
            if setting.field not in late and getattr(read, setting.field) != getattr(after, setting.field)
        ]
        if waiting and waiting != self._told:
            logs.event(_log, logging.WARNING, "settings.need_restart", changed=", ".join(waiting))
        self._told = waiting
