"""One target under libFuzzer: `python -m tests.fuzz.engine TARGET CORPUS [libFuzzer's options]`. Needs atheris."""

import logging
import sys
from importlib import import_module

import atheris


def main() -> None:
    """Fuzz until the time is over or something is found; the exit code is libFuzzer's."""
    name, *options = sys.argv[1:]
    with atheris.instrument_imports(include=["bridge", "yaml", "jmespath", "python_multipart"]):
        target = import_module(f"tests.fuzz.targets.{name}")
    logging.disable(logging.CRITICAL)
    atheris.Setup([sys.argv[0], *options], target.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
