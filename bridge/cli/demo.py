"""`trackbridge demo`: see it work, with no account, no network and no configuration; it leaves nothing behind."""

import argparse
import asyncio
import json
import shutil
import signal
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

from bridge import logs
from bridge.cli.described import outcome
from bridge.cli.ending import Exit
from bridge.cli.output import BOLD, DIM, GREEN, RED, now, paint, printable, say, talk
from bridge.demo.answers import Received
from bridge.demo.play import STORY, Chapter, Scene, stage

EXAMPLE = "demo"

_WIDTH = 100
_INDENT = 12


def declare(parser: argparse.ArgumentParser) -> None:
    """It needs no option."""
    after = parser.add_mutually_exclusive_group()
    after.add_argument(
        "--exit", action="store_true", help="end after the story, as it does by itself when nobody is at a terminal"
    )
    after.add_argument("--stay", action="store_true", help="stay up after the story, though nobody is at a terminal")


def run(options: argparse.Namespace) -> int:
    """Tell the story, then stay up for whoever wants to try; it fails when anything is not as it must be."""
    is_watched = sys.stdin.isatty() and sys.stdout.isatty()
    with tempfile.TemporaryDirectory(prefix="trackbridge-demo-") as name:
        folder = Path(name)
        with (folder / "serve.log").open("w", encoding="utf-8") as file:
            writer = logs.start("json", stream=file)
            try:
                return asyncio.run(_play(folder, ends=options.exit or not (is_watched or options.stay)))
            finally:
                writer.close()


async def _play(folder: Path, *, ends: bool) -> int:
    async with stage(folder) as scene:
        say(f"A real bridge on {scene.url}, a fake tracker, {len(STORY)} webhooks. Nothing leaves this machine.\n")
        differences: list[str] = []
        for number, step in enumerate(STORY, start=1):
            chapter = await scene.play(step)
            say(_told(number, chapter))
            differences += [f"{number}: {difference}" for difference in chapter.differences]
        differences += await scene.surplus()
        say(_moral(differences))
        if not ends:
            await _stay(scene)
    return Exit.FAILED if differences else Exit.DONE


def _told(number: int, chapter: Chapter) -> str:
    """One chapter: what was sent, what was answered, what became of it, what reached the tracker."""
    lines = [paint(f"{number}  {chapter.step.title}", BOLD)]
    lines += _fact("sent", _sent(chapter))
    colour = GREEN if chapter.answer.status < 300 else RED
    lines += _fact("answered", f"{paint(str(chapter.answer.status), colour)} {printable(chapter.answer.text)}")
    lines += _fact("became", _became(chapter))
    for rule in _rules(chapter):
        lines += _fact("by rule", rule)
    for received in chapter.requests:
        lines += _request(received)
    lines += [paint(f"   not as it must be: {difference}", RED) for difference in chapter.differences]
    return "\n".join(lines) + "\n"


def _sent(chapter: Chapter) -> str:
    body = json.loads(chapter.sent.body)
    kind = body.get("type") or body.get("event_type")
    how = "signed, then changed" if chapter.step.tampers else "signed"
    return f"POST /webhooks/{chapter.step.source}  {kind}, {len(chapter.sent.body):,} bytes, {how}"


def _became(chapter: Chapter) -> str:
    if chapter.event is None:
        return "nothing: what is not proven is counted and never stored"
    if chapter.step.repeats:
        return f"nothing new: event {chapter.event.id} is known"
    return f"event {chapter.event.id} is {chapter.event.state.value}; {printable(outcome(chapter.event, now()))}"


def _rules(chapter: Chapter) -> list[str]:
    return [step.rule for step in chapter.event.steps if step.result == "matched"] if chapter.event else []


def _request(received: Received) -> Iterator[str]:
    yield from _fact("tracker got", f"{received.method} {received.path}, with the bearer token")
    for line in json.dumps(received.json, indent=2, ensure_ascii=False).splitlines():
        yield paint(" " * (_INDENT + 3) + printable(line), DIM)


def _moral(differences: list[str]) -> str:
    if differences:
        return paint("Not as it must be:", RED) + "".join(f"\n  {difference}" for difference in differences)
    requests = sum(step.requests for step in STORY)
    return paint(f"{len(STORY)} webhooks, {requests} requests to the tracker: nothing lost, nothing twice.", GREEN)


async def _stay(scene: Scene) -> None:
    """Say how to try it, and tell what reaches the tracker, until Ctrl-C."""
    over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    talk(_invitation(scene))
    telling = asyncio.create_task(_tell_arrivals(scene))
    await over.wait()
    telling.cancel()


async def _tell_arrivals(scene: Scene) -> None:
    while True:
        say("\n".join(_request(await scene.arrivals.get())))


def _invitation(scene: Scene) -> str:
    secret = scene.settings.secrets()("STRIPE_WEBHOOK_SECRET")
    command = _command()
    return textwrap.dedent(f"""
        It stays up until Ctrl-C. In another terminal:

          # one more sale
          STRIPE_WEBHOOK_SECRET={secret} \\
          {command} send stripe checkout_paid --live --url {scene.url}

          # what came in, and what became of it
          export TRACKBRIDGE_DATABASE_URL={scene.settings.database_url.reveal()}
          {command} events

          # a stranger
          curl -i -d '{{}}' {scene.url}/webhooks/stripe
    """)


def _command() -> str:
    """How this program is called from here."""
    beside = Path(sys.executable).with_name("trackbridge")
    if shutil.which("trackbridge"):
        return "trackbridge"
    if not beside.exists():
        return f"{sys.executable} -m bridge"
    return str(beside.relative_to(Path.cwd()) if beside.is_relative_to(Path.cwd()) else beside)


def _fact(name: str, text: str) -> list[str]:
    """A fact under its name, in lines that fit."""
    return textwrap.wrap(
        text,
        width=_WIDTH,
        initial_indent=f"   {name:{_INDENT}}",
        subsequent_indent=" " * (_INDENT + 3),
        break_long_words=False,
        break_on_hyphens=False,
    )
