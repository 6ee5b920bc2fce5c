"""`trackbridge new`: a mapping started from one sample payload, with an example that passes at once.

It guesses by names and shapes and says so in comments; people in the sample are made up before anything is written.
Nothing is overwritten unless `--force` says so.
"""

import argparse
from pathlib import Path

from bridge import schema
from bridge.cli import start
from bridge.cli.ending import Exit, Failed
from bridge.cli.mappings import add_mappings
from bridge.cli.options import settings_of
from bridge.cli.output import BOLD, GREEN, YELLOW, paint, printable, say, talk
from bridge.cli.payload import read_payload
from bridge.cli.start import Start
from bridge.config import Settings
from bridge.drafts.page import secret_of
from bridge.mapping.compare import conversions_of
from bridge.mapping.facts import shown
from bridge.mapping.reader import is_slug, suggestion

EXAMPLE = "new shop payload.json"

DETAILS = """\
The payload is a body as the sender posts it (JSON or a form), or {headers, query, body}; with its headers more can be
said of how the sender proves itself. Written are SOURCE.yaml, the payload as an example of it, and the schema that
editors read, into the folder of your mappings. Where SOURCE or --like is shipped, the file starts from that (extends).
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """A name and a payload."""
    parser.description = f"{parser.description}\n\n{DETAILS}"
    parser.add_argument("source", metavar="SOURCE", type=_slug, help="the new source's name: it stands in the URL")
    parser.add_argument("payload", metavar="PAYLOAD.json", help="a sample of what the sender posts; - is stdin")
    parser.add_argument("--like", metavar="SHIPPED", type=_slug, help="start from this shipped mapping")
    parser.add_argument("--alone", action="store_true", help="start from nothing, even where SOURCE is shipped")
    parser.add_argument("--name", type=_word, help="of the example's file (default: by the event's type)")
    parser.add_argument("--keep", action="store_true", help="leave the people in the sample as they are")
    parser.add_argument("--force", action="store_true", help="overwrite what is there")
    parser.add_argument("--stdout", action="store_true", help="print the mapping and write nothing")
    add_mappings(parser)


def run(options: argparse.Namespace) -> int:
    """Propose, write, and say what comes next."""
    settings = settings_of(options)
    folder = settings.mappings or Path("mappings")
    webhook = read_payload(options.payload, options.source)
    like = options.like or ("" if options.alone or not start.is_shipped(options.source) else options.source)
    if like and not start.is_shipped(like):
        raise Failed(f'there is no shipped mapping "{printable(like)}"; list them: trackbridge sources')
    started = start.from_sample(webhook, like=like, name=options.name or "", keep=options.keep)
    if options.stdout:
        say(started.mapping.rstrip("\n"))
        return Exit.DONE
    files = {
        folder / f"{options.source}.yaml": started.mapping,
        folder / "examples" / options.source / f"{started.name}.json": started.example,
    }
    _refuse_to_overwrite([file for file in files if file.exists() and not options.force])
    for file, text in files.items():
        _write(file, text)
    _write(folder / schema.FILE, schema.text())
    _tell(started, [*files, folder / schema.FILE])
    _tell_next(started, settings, folder)
    return Exit.DONE


def _refuse_to_overwrite(there: list[Path]) -> None:
    if there:
        names = " and ".join(map(str, there))
        raise Failed(f"{names} would be overwritten\n  fix: --force does it, --name gives the example another file")


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise Failed(f"{file}: cannot be written: {error.strerror}") from error


def _tell(started: Start, files: list[Path]) -> None:
    """What was written, and what it makes of the sample."""
    for file in files:
        say(f"wrote {file}")
    if started.made_up:
        talk(f"made up: {started.made_up} (look at the example before you commit it; --keep leaves it as it is)")
    talk()
    talk(paint("of the sample it makes", BOLD))
    got = conversions_of(started.meanings)
    for conversion in got:
        payload = conversion.payload
        click = payload.click_id or "none"
        facts = f"{shown(payload)}, customer {payload.customer_external_id}, click id {click}"
        talk(f"  {paint(printable(facts), GREEN)}")
    for why in started.concerns:
        talk(f"  {paint(printable(why), YELLOW)}")
    if not got and not started.concerns:
        talk("  nothing")


def _tell_next(started: Start, settings: Settings, folder: Path) -> None:
    """The next steps, in order, each to be pasted."""
    source, file = started.source, folder / f"{started.source}.yaml"
    base = settings.public_url or f"http://127.0.0.1:{settings.port}"
    steps = [
        f"read {file}: the comments say what was guessed (CHECK) and what else was seen",
        f"trackbridge explain {source} --example {started.name}",
        f"trackbridge test {file}",
    ]
    whose = "one of your own: openssl rand -hex 24" if started.makes_secret else "the sender's page shows it"
    steps.append(f"set {secret_of(source)} where the bridge runs ({whose})")
    steps.append(f"give the sender {base}/webhooks/{source}{started.address_end}")
    talk()
    talk(paint("next", BOLD))
    for number, step in enumerate(steps, start=1):
        talk(f"  {number}  {step}")
    if started.looks_like:
        talk()
        talk(f"this looks like {started.looks_like}, which is shipped: --like {started.looks_like} starts from that")


def _slug(text: str) -> str:
    if not is_slug(text):
        near = suggestion(text)
        fix = f', such as "{near}"' if near else ""
        raise argparse.ArgumentTypeError(f"expected lower-case letters, digits and hyphens{fix}")
    return text


def _word(text: str) -> str:
    if not text.replace("_", "").replace("-", "").isalnum() or not text.isascii():
        raise argparse.ArgumentTypeError("expected letters, digits, _ and -")
    return text
