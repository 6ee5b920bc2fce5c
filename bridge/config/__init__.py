"""Everything the operator told us: flag > environment > `.env` > default, checked as a whole before anything starts."""

from bridge.config.kinds import LogFormat, Secret
from bridge.config.settings import SETTINGS, Setting, Settings, as_markdown, load, shown
from bridge.config.told import Secrets

__all__ = [
    "SETTINGS",
    "LogFormat",
    "Secret",
    "Secrets",
    "Setting",
    "Settings",
    "as_markdown",
    "load",
    "shown",
]
