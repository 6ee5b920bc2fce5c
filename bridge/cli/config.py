"""`trackbridge config`: the settings in force, and where each came from."""

import argparse

from bridge.cli.options import add_json, add_settings, settings_of
from bridge.cli.output import say, say_json, table, width
from bridge.config import SETTINGS, Setting, Settings, shown

EXAMPLE = "config --json"


def declare(parser: argparse.ArgumentParser) -> None:
    """Every setting may be tried out as an option."""
    add_json(parser)
    add_settings(parser)


def run(options: argparse.Namespace) -> int:
    """Print the table; a secret is `set` or `missing`, never shown."""
    settings = settings_of(options)
    if options.json:
        say_json([_as_json(settings, setting) for setting in SETTINGS])
    else:
        rows = [(setting.env, _as_text(settings, setting), _origin(settings, setting)) for setting in SETTINGS]
        say(table(("setting", "value", "from"), rows, most=width()))
    return 0


def _origin(settings: Settings, setting: Setting) -> str:
    return settings.origins.get(setting.env, "default")


def _as_text(settings: Settings, setting: Setting) -> str:
    value = shown(settings, setting)
    if value is None:
        return "missing" if setting.is_secret else "not set"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _as_json(settings: Settings, setting: Setting) -> dict[str, object]:
    return {
        "name": setting.env,
        "value": _as_text(settings, setting) if setting.is_secret else shown(settings, setting),
        "origin": _origin(settings, setting),
        "default": setting.default,
        "secret": setting.is_secret,
    }
