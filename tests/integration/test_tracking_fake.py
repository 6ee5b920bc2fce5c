"""The fake tracker itself: answers like the real one, counts repeats, and runs as a process of its own."""

import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from bridge.demo.tracker import Act, Answer, FakeTracker, Received
from tests.support import clean_environment, free_port, wait_until

SALE = {"eventName": "buy", "customerExternalId": "u1", "invoiceId": "inv_1", "amount": 4999, "currency": "USD"}
BEARER = {"Authorization": "Bearer secret-token"}


@pytest.fixture
async def tracker() -> AsyncIterator[FakeTracker]:
    async with FakeTracker() as fake:
        yield fake


@pytest.fixture
async def http(tracker: FakeTracker) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=tracker.url, trust_env=False, headers=BEARER) as client:
        yield client


async def test_what_is_complete_is_tracked(tracker: FakeTracker, http: httpx.AsyncClient) -> None:
    sale = await http.post("/track/sale", json=SALE)
    lead = await http.post("/track/lead", json={"eventName": "signup", "customerExternalId": "u1"})

    assert {"status": True, "data": "sale tracked"} == sale.json()
    assert {"status": True, "data": "lead tracked"} == lead.json()
    assert SALE == tracker.requests[0].json
    assert [1, 1] == [received.connection for received in tracker.requests]


@pytest.mark.parametrize(
    ("status", "method", "path", "body", "headers"),
    [
        pytest.param(404, "POST", "/track/other", SALE, BEARER, id="another path"),
        pytest.param(405, "PUT", "/track/sale", SALE, BEARER, id="another method"),
        pytest.param(401, "POST", "/track/sale", SALE, {}, id="no token"),
        pytest.param(400, "POST", "/track/sale", [1], BEARER, id="no object"),
        pytest.param(422, "POST", "/track/sale", {**SALE, "invoiceId": ""}, BEARER, id="no invoice"),
    ],
)
async def test_what_is_wrong_is_refused_as_the_tracker_does(
    tracker: FakeTracker, status: int, method: str, path: str, body: object, headers: dict[str, str]
) -> None:
    async with httpx.AsyncClient(base_url=tracker.url, trust_env=False) as http:
        answer = await http.request(method, path, json=body, headers=headers)

    assert status == answer.status_code == answer.json()["statusCode"]
    assert not tracker.invoices


async def test_repeats_are_accepted_sales_beyond_the_first(tracker: FakeTracker, http: httpx.AsyncClient) -> None:
    def script(received: Received) -> Answer:
        return Answer(status=500 if len(tracker.requests) == 1 else 200)

    tracker.answer = script
    for invoice in ("a", "a", "b", "a"):
        await http.post("/track/sale", json={**SALE, "invoiceId": invoice})

    assert {"a": 2, "b": 1} == tracker.invoices
    assert 1 == tracker.repeats


async def test_a_sale_whose_answer_got_lost_was_accepted(tracker: FakeTracker, http: httpx.AsyncClient) -> None:
    tracker.answer = Answer(act=Act.RESET)
    with pytest.raises(httpx.NetworkError):
        await http.post("/track/sale", json=SALE)

    assert {"inv_1": 1} == tracker.invoices


async def test_a_script_that_fails_fails_the_test_and_hangs_nobody() -> None:
    def broken(_received: Received) -> Answer:
        raise KeyError("in the script")

    async def scenario() -> None:
        async with FakeTracker(broken) as tracker, httpx.AsyncClient(base_url=tracker.url, trust_env=False) as http:
            with pytest.raises(httpx.NetworkError):
                await http.post("/track/sale", json=SALE)

    with pytest.raises(KeyError, match="in the script"):
        await scenario()


async def test_waiting_for_what_never_comes_ends(tracker: FakeTracker) -> None:
    with pytest.raises(TimeoutError):
        await tracker.wait_for(1, within_seconds=0.05)


def start(*arguments: str, port: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bridge.demo.tracker", "--port", str(port), *arguments],
        env=clean_environment(PYTHONPATH=str(Path(__file__).parents[2])),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert f"tracker listening on http://127.0.0.1:{port}\n" == process.stderr.readline()
    return process


def test_as_a_process_it_prints_one_line_per_request_and_no_token() -> None:
    port = free_port()
    process = start(port=port)
    httpx.post(f"http://127.0.0.1:{port}/track/sale", json=SALE, headers=BEARER, trust_env=False)
    httpx.post(f"http://127.0.0.1:{port}/track/lead", content=b"{oops", trust_env=False)
    process.send_signal(signal.SIGTERM)
    out, talk = process.communicate(timeout=10)

    sale, lead = [json.loads(line) for line in out.splitlines()]
    assert ("POST", "/track/sale", True, SALE, 200) == tuple(
        sale[key] for key in ("method", "path", "has_token", "body", "status")
    )
    assert (False, None, 401) == (lead["has_token"], lead["body"], lead["status"])
    assert "secret-token" not in out
    assert (0, "") == (process.returncode, talk)


def test_as_a_process_it_misbehaves_and_logs_to_a_file(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "tracker.jsonl"
    process = start("--log", str(log), "--status", "429", "--retry-after", "7", "--delay-seconds", "0.01", port=port)
    answer = httpx.post(f"http://127.0.0.1:{port}/track/sale", json=SALE, headers=BEARER, trust_env=False)
    wait_until(lambda: log.read_text())
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=10)

    assert (429, "7") == (answer.status_code, answer.headers["retry-after"])
    assert 429 == json.loads(log.read_text())["status"]
    assert (0, "") == (process.returncode, out)
