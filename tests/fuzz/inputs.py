"""Which targets there are, and the inputs each begins with: made by the target, and kept in seeds/ once found."""

from importlib import import_module
from pathlib import Path

FOLDER = Path(__file__).parent
TARGETS = sorted(file.stem for file in (FOLDER / "targets").glob("*.py"))


def seeds(target: str) -> list[bytes]:
    """Every input that is tried first, and in every run of the tests."""
    made: list[bytes] = import_module(f"tests.fuzz.targets.{target}").seeds()
    return [*made, *(file.read_bytes() for file in sorted((FOLDER / "seeds" / target).glob("*")))]


def check(target: str, data: bytes) -> None:
    """Try one input; raises when a promise is broken."""
    import_module(f"tests.fuzz.targets.{target}").check(data)
