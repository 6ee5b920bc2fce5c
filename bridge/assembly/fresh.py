"""What a reload reads anew: the settings, their secrets, the mappings."""

from collections.abc import Callable
from pathlib import Path

from bridge import library, reload
from bridge.config import Settings
from bridge.errors import ConfigError
from bridge.library import Library
from bridge.sources import Certificates, no_certificates


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
        #: as they were when they were last read without a problem
        self.settings = settings
        self._certificates = certificates
        self._reread = reread
        self._folder = settings.mappings

    def library(self) -> Library:
        """The mappings by the settings of now. Raises ConfigError with every problem."""
        self.settings = settings = self._reread()
        loaded = load_library(settings, certificates=self._certificates)
        self._folder = settings.mappings
        return loaded

    def marks(self) -> reload.Marks:
        """The marks of everything that `library` would read; without a folder, of the one that may come."""
        return reload.marks({library.shipped_folder().resolve(), (self._folder or Path("mappings")).resolve()})
