"""Settings as options of a command, and what several commands ask in the same words."""

import argparse
import os
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from bridge.cli import output
from bridge.config import SETTINGS, Setting, Settings, kinds, load
from bridge.wording import texts

#: Read in the folder where the command runs.
DOTENV = Path(".env")


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
    try:
        return texts.moment(text, output.now())
    except ValueError:
        raise argparse.ArgumentTypeError(f'expected 30m, 12h, 7d or an ISO 8601 time, got "{text}"') from None


def count(text: str) -> int:
    """A number of things, at least one."""
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) == 0:
        raise argparse.ArgumentTypeError(f'expected a number from 1, got "{text}"')
    return int(text)
