"""`trackbridge serve`: the bridge itself, until SIGTERM or Ctrl-C."""

import argparse
import logging

from bridge import assembly, logs
from bridge.cli.options import add_settings, settings_of

EXAMPLE = "serve --port 9000"


def declare(parser: argparse.ArgumentParser) -> None:
    """Every setting is an option, but for secrets: other users of the machine see a command's options."""
    add_settings(parser)


def run(options: argparse.Namespace) -> int:
    """Serve until told to stop."""
    settings = settings_of(options)
    logs.start(settings.log_format.value, level=logging.DEBUG if options.debug else logging.INFO)
    return assembly.serve(settings, lambda: settings_of(options))
