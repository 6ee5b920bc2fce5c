"""What this replica says of itself to the others: its mappings and the settings that all must have in common.

Nobody who reads it learns a secret: of one there are sixteen bits of a hash, which tell two apart and fit as many
others. Where it listens, logs and finds its files is its own affair.
"""

import hashlib
import platform
from collections.abc import Callable
from dataclasses import replace
from typing import Final
from uuid import uuid4

from bridge import __version__
from bridge.config import SETTINGS, Secret, Settings, shown
from bridge.credentials import variables
from bridge.library import Library
from bridge.model import Replica

#: What is done by one replica for all.
HOUSE: Final = "house"
RECONCILE: Final = "reconcile"

_OWN: Final = frozenset(
    {
        "TRACKBRIDGE_HOST",
        "TRACKBRIDGE_PORT",
        "TRACKBRIDGE_MAPPINGS",
        "TRACKBRIDGE_DATABASE_URL",
        "TRACKBRIDGE_LOG_FORMAT",
    }
)
#: So much of a mapping's hash is enough to tell.
_REVISION_LETTERS: Final = 12


class Described:
    """Describes this replica as it is now."""

    def __init__(
        self, *, settings: Callable[[], Settings], library: Callable[[], Library], idle: Callable[[], str]
    ) -> None:
        self._settings = settings
        self._library = library
        self._idle = idle
        self._id = uuid4().hex
        self._host = platform.node()
        #: what the rest was made of, and the rest: files of secrets are read as rarely as they come into force
        self._made: tuple[Settings, Library, Replica] | None = None

    def __call__(self) -> Replica:
        """Everything the others should know."""
        settings, library = self._settings(), self._library()
        if self._made is None or self._made[0] is not settings or self._made[1] is not library:
            self._made = (settings, library, self._described(settings, library))
        return replace(self._made[2], idle=self._idle())

    def _described(self, settings: Settings, library: Library) -> Replica:
        used = [source for source in library.sources.values() if not source.is_idle]
        secrets = settings.secrets()
        names = {name for source in used for name in variables(source.mapping.verify)}
        return Replica(
            id=self._id,
            host=self._host,
            version=__version__,
            sources={
                source.name: source.mapping.revision[:_REVISION_LETTERS] + ("" if source.is_on else " (off)")
                for source in used
            },
            settings=_common(settings) | {name: _marked(name, secrets(name)) for name in names},
            duties=frozenset({HOUSE, *([RECONCILE] if settings.reconcile_every and settings.stripe_key else [])}),
        )


def _common(settings: Settings) -> dict[str, str]:
    said = {}
    for setting in SETTINGS:
        if setting.env not in _OWN:
            value = getattr(settings, setting.field)
            is_secret = isinstance(value, Secret)
            said[setting.env] = _marked(setting.env, value.reveal()) if is_secret else _plain(shown(settings, setting))
    return said


def _plain(value: object) -> str:
    return "not set" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _marked(name: str, secret: str | None) -> str:
    """A secret as something that is another one for another secret, most likely."""
    if not secret:
        return "not set"
    return "secret #" + hashlib.sha256(f"trackbridge replica\0{name}\0{secret.strip()}".encode()).hexdigest()[:4]
