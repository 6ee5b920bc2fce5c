"""The mappings in force: load every file, check the set as a whole, join everybody's Problems.

Operators' files overlay the shipped ones by source name. A secret that is not set does not stop the bridge: its
source is off and listed, never open. Nothing here keeps state; a reload makes a new Library and swaps it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

from bridge import families, sources
from bridge.credentials import PUBLIC_URL, Bound, Lookup, bind, unset
from bridge.errors import Place, Problem, Severity, in_order
from bridge.mapping import Mapping, Parsed, parse
from bridge.mapping.notify import Notify
from bridge.model import Node
from bridge.notices import Outlet

#: A `verify` section, its source's name and its `notify` section → the verifier, and who is told.
_Bind: TypeAlias = Callable[[Node, str, Notify | None], Bound]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One mapping document with its verifier, ready to take webhooks — or off, for want of a secret."""

    name: str
    mapping: Mapping
    #: None: a secret it needs is not set
    verifier: sources.Verifier | None
    #: names of the variables that are not set
    missing: tuple[str, ...]
    file: Path
    shipped: bool
    #: who is told of its troubles, besides those who are told of everything
    outlet: Outlet | None = None

    @property
    def is_on(self) -> bool:
        """Whether webhooks can be proven."""
        return self.verifier is not None

    @property
    def is_idle(self) -> bool:
        """Whether nobody uses it: it came along, and its own secret is not set. Then that it is off is no news."""
        return self.shipped and any(name != PUBLIC_URL for name in self.missing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """The set in force: sources by name, and every Problem and warning found on the way."""

    sources: dict[str, Source]
    problems: tuple[Problem, ...] = ()

    @property
    def errors(self) -> list[Problem]:
        """The problems that keep this set from coming into force."""
        return [problem for problem in self.problems if problem.severity is Severity.PROBLEM]


def shipped_folder() -> Path:
    """Where the mappings that come with trackbridge are: in the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "_mappings"
    return installed if installed.is_dir() else package.parent / "mappings"


def load(
    *,
    shipped: Path,
    folder: Path | None,
    lookup: Lookup,
    certificates: sources.Certificates = sources.no_certificates,
) -> Library:
    """Read the shipped mappings and the operator's over them. Raises nothing: look at `errors`."""
    base, bound = _texts(shipped), partial(bind, lookup=lookup, certificates=certificates)
    found, problems = _read(_files(shipped), base, bound, shipped=True)
    if folder is not None and folder.resolve() != shipped.resolve():
        files, trouble = _listed(folder)
        theirs, more = _read(files, base, bound, shipped=False)
        found |= theirs
        problems += [*trouble, *more]
    problems += _doubled(found.values(), lookup)
    return Library(sources=dict(sorted(found.items())), problems=tuple(in_order(problems)))


def read_paths(paths: Sequence[Path], *, shipped: Path, lookup: Lookup) -> Library:
    """Read just these files and folders, for `check` and `test`: a secret that is not set is a problem here."""
    files: list[Path] = []
    problems: list[Problem] = []
    for path in paths:
        if path.is_file():
            files.append(path)
        elif path.is_dir():
            listed, trouble = _listed(path)
            files += listed
            problems += trouble
        else:
            problems.append(_no_file(path))
    found, more = _read(files, _texts(shipped), partial(bind, lookup=lookup), shipped=False)
    more += _doubled(found.values(), lookup)
    missing = [unset(source.mapping.verify, source.name, name) for source in found.values() for name in source.missing]
    return Library(sources=found, problems=tuple(in_order([*problems, *more, *missing])))


def is_mapping(path: Path) -> bool:
    """Whether it is called as a mapping is. What is hidden belongs to an editor or a file system."""
    return path.suffix in (".yaml", ".yml") and not path.name.startswith(".")


def _files(folder: Path) -> list[Path]:
    """The mapping files; with links that lead nowhere, so that what they led to is not taken for given up."""
    return sorted(path for path in folder.iterdir() if is_mapping(path) and (path.is_file() or not path.exists()))


def _listed(folder: Path) -> tuple[list[Path], list[Problem]]:
    """The mapping files of an operator's folder, or why it cannot be read."""
    try:
        return _files(folder), []
    except FileNotFoundError:
        return [], [_no_folder(folder)]
    except OSError as error:
        return [], [_unreadable(folder, error)]


def _texts(shipped: Path) -> dict[str, Path]:
    return {path.stem: path for path in _files(shipped)} if shipped.is_dir() else {}


def _read(
    files: Iterable[Path], base: dict[str, Path], bound: _Bind, *, shipped: bool
) -> tuple[dict[str, Source], list[Problem]]:
    found: dict[str, Source] = {}
    problems: list[Problem] = []

    def shipped_text(name: str) -> str | None:
        return base[name].read_text(encoding="utf-8") if name in base else None

    for file in files:
        source, more = _read_one(file, shipped_text, bound, shipped=shipped)
        problems += more
        if source is None:
            continue
        if source.name in found:
            problems.append(_twice(source, found[source.name]))
        else:
            found[source.name] = source
    return found, problems


def _read_one(
    file: Path, shipped_text: Callable[[str], str | None], bound: _Bind, *, shipped: bool
) -> tuple[Source | None, list[Problem]]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return None, [_unreadable(file, error)]
    parsed: Parsed = parse(text, file=str(file), base=shipped_text)
    problems = list(parsed.problems)
    if parsed.mapping is None:
        return None, problems
    mapping = parsed.mapping
    proof = bound(mapping.verify, mapping.source, mapping.notify)
    problems += proof.problems
    if not proof.is_sound:
        return None, problems
    source = Source(
        name=mapping.source,
        mapping=mapping,
        verifier=proof.verifier,
        missing=proof.missing,
        file=file,
        shipped=shipped,
        outlet=proof.outlet,
    )
    return source, problems


def _doubled(found: Iterable[Source], lookup: Lookup) -> list[Problem]:
    """What would be counted twice, unless the names of a payment can be looked up."""
    if lookup(families.API_KEY):
        return []
    mappings = [source.mapping for source in found]
    within = [problem for mapping in mappings for problem in families.doubled(mapping)]
    return [*within, *families.doubled_between(source.mapping for source in found if source.is_on)]


def _twice(source: Source, first: Source) -> Problem:
    return Problem(
        code="source-twice",
        what=f'the source "{source.name}" is described twice',
        place=Place(file=str(source.file)),
        why=f"{first.file} describes it too, and one URL has one mapping",
        fix="give one of them another `source:`, or remove it",
    )


def _unreadable(file: Path, error: OSError | UnicodeDecodeError) -> Problem:
    why = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else (error.strerror or "it cannot be opened")
    return Problem(code="unreadable-file", what="this cannot be read", place=Place(file=str(file)), why=why)


def _no_folder(folder: Path) -> Problem:
    return Problem(
        code="no-folder",
        what=f"there is no folder {folder}",
        place=Place(file="TRACKBRIDGE_MAPPINGS"),
        fix="make it, or unset TRACKBRIDGE_MAPPINGS to use the shipped mappings alone",
    )


def _no_file(path: Path) -> Problem:
    return Problem(code="no-file", what="there is no such file or folder", place=Place(file=str(path)))
