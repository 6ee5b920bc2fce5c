"""What is played for each row of the verdict table; see `test_verdicts`, which looks at what was seen."""

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from bridge.demo.tracker import Act, Answer, FakeTracker, Received, judge
from tests.e2e.rows import DEAD, DELIVERED, ECHOES, FAILURES, PATIENCE, PERSON, REFUSALS
from tests.e2e.stage import Seen, failing, invoice, stage
from tests.integration.test_tracking_failures import CERTIFICATE, KEY
from tests.support import free_port

Scene: TypeAlias = Callable[[Path], Awaitable[Seen]]


async def answers_about_a_delivery(folder: Path) -> Seen:
    answers = {**DELIVERED, **DEAD}

    def answer(received: Received) -> Answer:
        name = invoice(received)
        if name not in ECHOES:
            return answers[name]
        said = f"{received.body.decode()} {json.dumps(PERSON, ensure_ascii=False)}"
        return failing(422, ECHOES[name](said))

    async with stage(folder) as on:
        on.tracker.answer = answer
        await on.post(*answers)
        await on.post(*ECHOES, **PERSON)
        await on.until_states(delivered=len(DELIVERED), dead=len(DEAD) + len(ECHOES))
        await on.story(*answers, *ECHOES)
        await on.row("at the end")
        return await on.finish()


def refusals(*names: str) -> Scene:
    """One after the other, each on a tracker that was well before."""

    async def scene(folder: Path) -> Seen:
        async with FakeTracker() as elsewhere, stage(folder) as on:
            await on.post("well before")
            for number, name in enumerate(names):
                await on.until_states(delivered=2 * number + 1)
                refusal = replace(REFUSALS[name], headers=(*REFUSALS[name].headers, ("Location", elsewhere.url)))
                on.tracker.answer = refusal
                await on.post(name)
                await on.until_paused()
                await on.post(f"behind {name}")
                await on.row(name)
                on.tracker.answer = judge
                await on.resume()
            await on.until_states(delivered=2 * len(names) + 1)
            await on.story(*names)
            on.seen.notes["connections elsewhere"] = elsewhere.connections
            return await on.finish()

    return scene


async def probes(folder: Path) -> Seen:
    """Two customers, everybody refused; well again before the first probe."""
    async with stage(folder) as on:
        on.tracker.answer = failing(401)
        await on.post("first")
        await on.until_paused()
        await on.post("second", "third")
        on.tracker.answer = judge
        await on.until_states(delivered=3)
        await on.until_paused(False)
        await on.story("first", "second", "third")
        return await on.finish()


async def refused_alone(folder: Path) -> Seen:
    """One that is refused each time, while others pass in between."""
    async with stage(folder) as on:
        on.tracker.answer = lambda received: failing(403) if invoice(received) == "odd" else judge(received)
        await on.post("odd")
        for number in range(3):
            await on.until_heard("odd", number + 1)
            await on.post(f"other {number}")
            await on.until_states(delivered=number + 1)
        await on.until_states(dead=1)
        await on.story("odd", "other 0")
        return await on.finish()


async def wrong_host_in_json(folder: Path) -> Seen:
    """Everybody is unknown there; the right address is told with the next start."""
    names = [f"cus {number}" for number in range(6)]
    async with FakeTracker(failing(404, "Not found")) as wrong, stage(folder, wrong) as on:
        await on.post(*names)
        await on.until_paused()
        on.seen.notes["asked"] = [invoice(received) for received in wrong.requests]
        await on.row("paused")
        await on.story(*names)
        async with FakeTracker() as right:
            await on.start(CMS_BASE_URL=right.url)
            await on.until_states(delivered=2)
            await on.row("after the start")
            on.seen.notes["right"] = [invoice(received) for received in right.requests]
            return await on.finish()


async def not_yet(folder: Path) -> Seen:
    """A sale before its lead: the tracker knows nobody it has had no lead of."""

    def answer(received: Received) -> Answer:
        body = received.json
        assert isinstance(body, dict)
        is_known = received.path == "/track/lead" or body["customerExternalId"] in known
        return judge(received) if is_known else failing(404, "Customer not found")

    known = {"warm"}
    async with stage(folder) as on:
        on.tracker.answer = answer
        await on.post("warm")
        await on.until_states(delivered=1)
        await on.post("early", customer="cus_1")
        await on.until_states(waiting=1)
        await on.row("waiting")
        await on.story("early")
        on.seen.stories["early, while waiting"] = on.seen.stories["early"]
        known.add("cus_1")
        await on.post("lead", kind="lead", customer="cus_1", click=None)
        await on.until_states(delivered=3)
        await on.story("early", "lead")
        return await on.finish()


async def patience(folder: Path) -> Seen:
    """What the tracker asks for once, read in its row; a success in between forgets how often it was asked."""
    asked: set[str] = set()

    def answer(received: Received) -> Answer:
        name = invoice(received)
        if name in asked:
            return judge(received)
        asked.add(name)
        return PATIENCE[name][0]

    async with stage(folder) as on:
        on.tracker.answer = answer
        for number, name in enumerate(PATIENCE):
            await on.post(name)
            await on.until_paused()
            await on.row(name)
            await on.resume()
            await on.until_states(delivered=number + 1)
        on.tracker.answer = failing(503)
        await on.post("twice")
        await on.until_paused()
        await on.resume()
        await on.until_heard("twice", 2)
        await on.until_paused()
        await on.row("nothing, the second time")
        await on.story(*PATIENCE)
        return await on.finish()


async def patience_is_kept(folder: Path) -> Seen:
    """Three seconds are asked for, and several customers have something to send."""
    async with stage(folder) as on:
        on.tracker.answer = failing(429, Retry_After="3")
        await on.post("first")
        await on.until_paused()
        on.tracker.answer = judge
        await on.post("second", "third")
        await on.until_states(delivered=3)
        return await on.finish()


async def failures(folder: Path) -> Seen:
    """Each once, a success after each, so that they are no outage; then all again."""
    tried: set[str] = set()

    def answer(received: Received) -> Answer:
        name = invoice(received)
        if name in tried or name not in FAILURES:
            return judge(received)
        tried.add(name)
        return FAILURES[name][0]

    async with stage(folder, CMS_TIMEOUT="2") as on:
        on.tracker.answer = answer
        await on.post("well before")
        await on.until_states(delivered=1)
        for number, name in enumerate(FAILURES):
            await on.post(name)
            await on.until('attempts_total{verdict="retry"}', number + 1)
            await on.post(f"between {number}")
            await on.until_heard(f"between {number}")
        await on.until_states(delivered=2 * len(FAILURES) + 1)
        await on.story(*FAILURES)
        return await on.finish()


async def cut_bodies(folder: Path) -> Seen:
    """A status is a verdict, however little of the body comes."""
    answers = {"cut": Answer(cut_after=150), "dripping": Answer(drip_seconds=0.2, drips_body_only=True)}
    # time enough for the status on a busy machine: only the body is to be cut
    async with stage(folder, CMS_TIMEOUT="4") as on:
        on.tracker.answer = lambda received: answers[invoice(received)]
        await on.post(*answers)
        await on.until_states(delivered=2)
        await on.story(*answers)
        return await on.finish()


async def outage(folder: Path) -> Seen:
    """Nobody listens; three customers. Then somebody does."""
    port = free_port()
    async with stage(folder, CMS_BASE_URL=f"http://127.0.0.1:{port}") as on:
        await on.post("a", "b", "c")
        await on.until_paused()
        await on.row("paused")
        async with FakeTracker(port=port) as tracker:
            await on.until_states(delivered=3)
            await on.story("a", "b", "c")
            on.seen.notes["received"] = [invoice(received) for received in tracker.requests]
            return await on.finish()


async def certificate_of_nobody(folder: Path) -> Seen:
    """A tracker that has signed its certificate itself."""
    async with FakeTracker(tls=_signed_by_itself(folder)) as tracker, stage(folder, tracker) as on:
        await on.post("secret")
        await on.until('attempts_total{verdict="retry"}', 1)
        await on.story("secret")
        return await on.finish()


def _signed_by_itself(folder: Path) -> ssl.SSLContext:
    folder.mkdir()
    pem = folder / "tracker.pem"
    pem.write_text(KEY + CERTIFICATE)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


async def accepts_and_resets(folder: Path) -> Seen:
    """It takes what is sent and breaks the connection, once for each."""
    tried: set[str] = set()

    def answer(received: Received) -> Answer:
        name = invoice(received)
        if name in tried or name == "well":
            return judge(received)
        tried.add(name)
        return Answer(act=Act.RESET)

    async with stage(folder) as on:
        on.tracker.answer = answer
        await on.post("well")
        await on.until_states(delivered=1)
        await on.post("careful", kind="careful lead")
        await on.until_states(dead=1)
        await on.post("sale")
        await on.until_states(delivered=2)
        await on.story("careful", "sale")
        on.seen.notes["accepted"] = dict(on.tracker.invoices)
        return await on.finish()


async def another_token(folder: Path) -> Seen:
    """The token is not known; after a first probe the next is ten seconds away, and somebody sets the right one."""

    def answer(received: Received) -> Answer:
        is_known = received.headers["authorization"] == "Bearer the_right_one"
        return judge(received) if is_known else failing(401)

    async with stage(folder) as on:
        on.tracker.answer = answer
        await on.post("a", "b")
        await on.until_heard("b")
        await on.row("paused")
        await on.start(CMS_BEARER_TOKEN="the_right_one")
        await on.until_states(delivered=2)
        await on.row("after the start")
        return await on.finish()


async def no_token(folder: Path) -> Seen:
    """Nothing is sent and nothing pretended."""
    async with stage(folder, CMS_BEARER_TOKEN="") as on:
        await on.post("a", "b")
        on.seen.notes["ready"] = await on.ready()
        await on.row("waiting")
        await asyncio.sleep(0.5)
        on.seen.notes["connections"] = on.tracker.connections
        return await on.finish()


async def a_rate(folder: Path) -> Seen:
    """At four a second, with a kill in the middle."""
    async with stage(folder, CMS_RATE_LIMIT="4/s") as on:
        await on.post(*(f"n{number}" for number in range(24)))
        await on.row("at work")
        await on.until_heard("n9")
        await asyncio.to_thread(on.bridge.kill)
        await asyncio.to_thread(on.bridge.start)
        await on.until_states(delivered=24)
        return await on.finish()


#: The longest first, so that they do not end alone.
SCENES: dict[str, Scene] = {
    "patience": patience,
    "failures": failures,
    "refused alone": refused_alone,
    "another token": another_token,
    "refusals 1": refusals("401", "402", "403", "405"),
    "refusals 2": refusals("404 HTML", "404 text", "200 HTML"),
    "refusals 3": refusals("301", "302", "307", "308"),
    "rate": a_rate,
    "outage": outage,
    "probes": probes,
    "wrong host in JSON": wrong_host_in_json,
    "patience is kept": patience_is_kept,
    "about a delivery": answers_about_a_delivery,
    "not yet": not_yet,
    "accepts and resets": accepts_and_resets,
    "cut bodies": cut_bodies,
    "certificate of nobody": certificate_of_nobody,
    "no token": no_token,
}
