"""The verbs that bring a whole database under another key, or into clear. A part of `base.Store`."""

from collections.abc import Sequence
from typing import Protocol

from bridge.encryption import EncryptionKeys
from bridge.store.resealing import Looked, Resealed, RowId, Table


class Vault(Protocol):
    """The verbs. What is written while they go on is as the settings say already."""

    async def use_keys(self, keys: EncryptionKeys) -> None:
        """Encrypt and decrypt with other keys from now on. Raises ConfigError, and changes nothing, when one lacks."""
        ...

    async def keys_needed(self) -> tuple[str, ...]:
        """The numbers of the keys without which something here may not open."""
        ...

    async def key_in_use(self) -> str:
        """The number of the key that encrypts; empty when none does."""
        ...

    async def begin_resealing(self) -> None:
        """From now on the other keys are leaving, unless somebody encrypts with them."""
        ...

    async def look_for_stale(self, table: Table, after: RowId) -> Looked:
        """Look for rows that are not as the settings say, some behind that one."""
        ...

    async def reseal(self, table: Table, ids: Sequence[RowId]) -> Resealed:
        """Bring these rows to what the settings say. One short commit."""
        ...

    async def end_resealing(self) -> tuple[str, ...]:
        """Everything was looked through: the other keys are not needed any more, but for those that somebody used."""
        ...
