"""Everything the operator told us: flag > environment > `.env` > default, checked as a whole before anything starts."""

from bridge.config.kinds import LogFormat, Secret, is_loopback
from bridge.config.settings import SETTINGS, Setting, Settings, as_markdown, load, shown
from bridge.config.told import Secrets, secrets_environment

__all__ = [
    "SETTINGS",
    "LogFormat",
    "Secret",
    "Secrets",
    "Setting",
    "Settings",
    "as_markdown",
    "is_loopback",
    "load",
    "secrets_environment",
    "shown",
]
