"""The verbs of `vault.Vault` over a database."""

from collections.abc import Sequence

from bridge.encryption import EncryptionKeys
from bridge.store import keyring, resealing
from bridge.store.database import Connection
from bridge.store.database_part import DatabasePart
from bridge.store.resealing import Looked, Resealed, RowId, Table


class DatabaseVault(DatabasePart):
    """What is sealed, and with which keys."""

    async def use_keys(self, keys: EncryptionKeys) -> None:
        """Encrypt and decrypt with other keys from now on."""

        def verb(db: Connection) -> None:
            keyring.use_keys(db, keys)
            resealing.seal_hash_key(db)

        # by the writer, which alone seals
        await self._writer.alone(verb)

    async def keys_needed(self) -> tuple[str, ...]:
        """The numbers of the keys without which something here may not open."""
        return await self._reader.read(keyring.listed)

    async def key_in_use(self) -> str:
        """The number of the key that encrypts."""
        return await self._reader.read(lambda db: db.seals.number)

    async def begin_resealing(self) -> None:
        """From now on the other keys are leaving."""
        await self._writer.alone(keyring.part_with_others)

    async def look_for_stale(self, table: Table, after: RowId) -> Looked:
        """Look for rows that are not as the settings say."""
        return await self._reader.read(lambda db: resealing.look(db, table, after))

    async def reseal(self, table: Table, ids: Sequence[RowId]) -> Resealed:
        """Bring these rows to what the settings say."""
        return await self._writer.alone(lambda db: resealing.reseal(db, table, ids))

    async def end_resealing(self) -> tuple[str, ...]:
        """Everything was looked through: the other keys are not needed any more."""

        def verb(db: Connection) -> tuple[str, ...]:
            resealing.reseal_rest(db)
            return keyring.forget_others(db)

        return await self._writer.alone(verb)
