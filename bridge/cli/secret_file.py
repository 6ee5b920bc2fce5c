"""A file for a secret that is shown once: made before the secret is, so that it is not lost for want of a place."""

import errno
import os
from contextlib import suppress
from pathlib import Path

from bridge.cli.ending import Failed


class SecretFile:
    """Readable by its owner alone before anything is in it. Raises Failed when it cannot be made."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._draft = path.parent / f"{path.name}.{os.getpid()}"
        try:
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            os.close(os.open(self._draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            self._draft.unlink()
        except OSError as error:
            raise Failed(f"{path}: cannot be written: {error.strerror}; nothing was done") from error

    def write(self, secret: str) -> None:
        """Put the secret there, instead of what was."""
        with suppress(FileNotFoundError):
            self._draft.unlink()
        descriptor = os.open(self._draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{secret}\n")
        self._draft.replace(self._path)
