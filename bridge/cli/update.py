"""`trackbridge test --update`: what came of examples, written into their mapping's file, and shown."""

import difflib
from collections.abc import Mapping as Map
from collections.abc import Sequence
from pathlib import Path

from bridge import library, mapping
from bridge.cli.ending import Failed
from bridge.cli.output import BOLD, GREEN, RED, paint, printable
from bridge.mapping import Parsed
from bridge.mapping.rewrite import updated
from bridge.model import Meaning


def update(file: Path, known: Map[str, Sequence[Meaning]]) -> list[str]:
    """Rewrite the `expect:` of these examples; gives the changed lines. Raises Failed, and then nothing is written."""
    before = _read(file)
    after = before
    for name, meanings in known.items():
        after = _with(after, file, name, meanings)
    try:
        with file.open("w", encoding="utf-8", newline="") as out:
            out.write(after)
    except OSError as error:
        raise Failed(f"{file}: cannot be written: {error.strerror}") from error
    return [paint(f"updated {file}", BOLD), *_changes(before, after)]


def _with(text: str, file: Path, name: str, meanings: Sequence[Meaning]) -> str:
    """The text with one example expecting what came, read again to be sure."""
    for example in _parsed(text, file).examples:
        if example.name == name:
            changed = updated(text, example, mapping.verdict(example, meanings), meanings)
            again = next((one for one in _parsed(changed, file).examples if one.name == name), None)
            if again is not None and not mapping.compare(again, meanings):
                return changed
    raise Failed(f'{file}: the example "{name}" cannot be rewritten in place; change its `expect:` by hand')


def _parsed(text: str, file: Path) -> mapping.Mapping:
    shipped = library.shipped_folder()

    def base(name: str) -> str | None:
        path = shipped / f"{name}.yaml"
        return path.read_text(encoding="utf-8") if path.is_file() else None

    parsed: Parsed = mapping.parse(text, file=str(file), base=base)
    if parsed.mapping is None:
        raise Failed(f"{file}: it changed while it was being read")
    return parsed.mapping


def _read(file: Path) -> str:
    """The text with its line ends as they are."""
    with file.open(encoding="utf-8", newline="") as opened:
        return opened.read()


def _changes(before: str, after: str) -> list[str]:
    """The changed lines with their numbers, old ones by the old text's and new ones by the new."""
    old, new = before.splitlines(), after.splitlines()
    lines: list[str] = []
    for tag, start, end, first, last in difflib.SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        lines += [paint(printable(f"  {start + n + 1:>5} - {line}"), RED) for n, line in enumerate(old[start:end])]
        lines += [paint(printable(f"  {first + n + 1:>5} + {line}"), GREEN) for n, line in enumerate(new[first:last])]
    return lines
