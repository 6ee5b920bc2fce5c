"""What a reload reads anew: the settings, their secrets, the mappings. Settings that need a restart are told, once."""

import logging
from collections.abc import Callable
from pathlib import Path

from bridge import library, logs, reload
from bridge.config import SETTINGS, Settings
from bridge.errors import ConfigError
from bridge.library import Library
from bridge.sources import Certificates, no_certificates

#: Read at every reload; a change of any other setting needs a restart.
_RELOADED = "TRACKBRIDGE_MAPPINGS"

_log = logs.get("bridge.reload")


def load_library(settings: Settings, *, certificates: Certificates = no_certificates) -> Library:
    """The mappings in force by these settings; ConfigError with every problem when the set is not sound."""
    secrets, shipped = settings.secrets(), library.shipped_folder()
    loaded = library.load(shipped=shipped, folder=settings.mappings, lookup=secrets, certificates=certificates)
    if loaded.errors or secrets.problems:
        raise ConfigError([*loaded.errors, *secrets.problems])
    return loaded


class Fresh:
    """Reads settings and mappings as they are now. `reread` raises ConfigError when the settings have a problem."""

    def __init__(self, settings: Settings, reread: Callable[[], Settings], certificates: Certificates) -> None:
        self._started_with = settings
        self._certificates = certificates
        self._reread = reread
        self._told: list[str] = []
        self._folder = settings.mappings

    def library(self) -> Library:
        """The mappings by the settings of now. Raises ConfigError with every problem."""
        settings = self._reread()
        loaded = load_library(settings, certificates=self._certificates)
        self._folder = settings.mappings
        self._tell_restart(settings)
        return loaded

    def marks(self) -> reload.Marks:
        """The marks of everything that `library` would read; without a folder, of the one that may come."""
        return reload.marks({library.shipped_folder().resolve(), (self._folder or Path("mappings")).resolve()})

    def _tell_restart(self, settings: Settings) -> None:
        changed = [
            setting.env
            for setting in SETTINGS
            if setting.env != _RELOADED
            and getattr(settings, setting.field) != getattr(self._started_with, setting.field)
        ]
        if changed and changed != self._told:
            logs.event(_log, logging.WARNING, "settings.need_restart", changed=", ".join(changed))
        self._told = changed
