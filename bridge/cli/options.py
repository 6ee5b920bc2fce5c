"""Settings as options of a command, and what several commands ask in the same words."""

import argparse
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bridge.cli import output
from bridge.config import SETTINGS, Setting, Settings, kinds, load

#: Read in the folder where the command runs.
DOTENV = Path(".env")

_UNITS = {"m": 60, "min": 60, "h": 3600, "d": 86400}


def add_settings(parser: argparse.ArgumentParser, *names: str) -> None:
    """Give the command an option for each of these settings; without names, for all that may be options."""
    group = parser.add_argument_group("settings (option, then environment, then .env, then default)")
    for setting in SETTINGS:
        if setting.has_flag and (not names or setting.env in names):
            _add(group, setting)


def _add(group: argparse._ArgumentGroup, setting: Setting) -> None:
    text = f"{setting.meaning} (env: {setting.env}, default: {setting.default or 'not set'})".replace("%", "%%")
    if setting.kind is kinds.SWITCH:
        group.add_argument(setting.flag, dest=setting.env, action="store_const", const="true", help=text)
    else:
        group.add_argument(setting.flag, dest=setting.env, metavar="X", help=text)


def settings_of(options: argparse.Namespace) -> Settings:
    """The settings that hold for this command. Raises ConfigError with every problem."""
    return load(flags_of(options), os.environ, DOTENV)


def flags_of(options: argparse.Namespace) -> Mapping[str, str]:
    """The settings given as options, by variable name."""
    given = vars(options)
    return {setting.env: given[setting.env] for setting in SETTINGS if given.get(setting.env) is not None}


def add_json(parser: argparse.ArgumentParser) -> None:
    """Give the command `--json`."""
    parser.add_argument("--json", action="store_true", help="print JSON, for scripts")


def moment(text: str) -> datetime:
    """A time given as an age (`12h`) or in ISO 8601; without an offset it is UTC."""
    age = re.fullmatch(r"([0-9]{1,6})(m|min|h|d)", text)
    if age:
        return output.now() - timedelta(seconds=int(age[1]) * _UNITS[age[2]])
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f'expected 30m, 12h, 7d or an ISO 8601 time, got "{text}"') from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def count(text: str) -> int:
    """A number of things, at least one."""
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) == 0:
        raise argparse.ArgumentTypeError(f'expected a number from 1, got "{text}"')
    return int(text)
