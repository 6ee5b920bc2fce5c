"""What the commands about mappings share: the set in force by the settings, and one source of it."""

import argparse
from pathlib import Path

from bridge import library
from bridge.cli.ending import Failed, failed
from bridge.cli.options import add_settings
from bridge.cli.output import printable
from bridge.config import Settings
from bridge.credentials import Lookup
from bridge.errors import did_you_mean
from bridge.families import API_KEY
from bridge.library import Library, Source


def add_mappings(parser: argparse.ArgumentParser) -> None:
    """Give the command `--mappings`."""
    add_settings(parser, "TRACKBRIDGE_MAPPINGS")


def in_force(settings: Settings, *, secretly: bool = True) -> Library:
    """The shipped mappings with the operator's over them, problems and all; not `secretly`: no secret is looked up."""
    shipped = library.shipped_folder()
    if not secretly:
        return library.load(shipped=shipped, folder=settings.mappings, lookup=_no_secret(settings))
    secrets = settings.secrets()
    loaded = library.load(shipped=shipped, folder=settings.mappings, lookup=secrets)
    return Library(sources=loaded.sources, problems=(*loaded.problems, *secrets.problems))


def at(paths: list[Path], settings: Settings, *, secretly: bool = True) -> Library:
    """Just the mappings in these files and folders, problems and all; not `secretly`: no secret is looked up."""
    shipped = library.shipped_folder()
    if not secretly:
        loaded = library.read_paths(paths, shipped=shipped, lookup=_no_secret(settings))
        return Library(sources=loaded.sources, problems=tuple(p for p in loaded.problems if p.code != "unset-variable"))
    secrets = settings.secrets()
    loaded = library.read_paths(paths, shipped=shipped, lookup=secrets)
    return Library(sources=loaded.sources, problems=(*loaded.problems, *secrets.problems))


def source_named(name: str, settings: Settings, *, secretly: bool) -> Source:
    """One source by its name, or by the path of its mapping. Raises Failed with everything that is in the way."""
    is_path = name.endswith((".yaml", ".yml"))
    loaded = at([Path(name)], settings, secretly=secretly) if is_path else in_force(settings, secretly=secretly)
    if loaded.errors:
        raise failed(loaded.errors)
    if is_path:
        return next(iter(loaded.sources.values()))
    if name not in loaded.sources:
        raise Failed(f'there is no source "{printable(name)}": {did_you_mean(name, loaded.sources)}')
    return loaded.sources[name]


def _no_secret(settings: Settings) -> Lookup:
    """No variable is set here, but whether Stripe can be asked decides what may stand in a mapping."""
    return lambda name: "set" if name == API_KEY and settings.stripe_key is not None else None
