"""CMSClient and AsyncCMSClient as callers meet them: results, not exceptions; closing that closes; no leaks."""

import asyncio
import gc
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from bridge.demo.tracker import Act, Answer, FakeTracker
from bridge.tracking import AsyncCMSClient, CMSClient, TrackingResult
from tests.support import free_port, wait_until

TOKEN = "tok.en-42_x"
SHORT = 0.3


@contextmanager
def tracker_elsewhere(script: Answer | None = None) -> Iterator[FakeTracker]:
    """A fake tracker on a thread of its own, for callers that block."""
    ready, over = threading.Event(), asyncio.Event()
    tracker = FakeTracker(script) if script else FakeTracker()

    async def serve() -> None:
        async with tracker:
            ready.set()
            await over.wait()

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert ready.wait(5)
    try:
        yield tracker
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(5)
        loop.close()


@pytest.fixture
def tracker() -> Iterator[FakeTracker]:
    with tracker_elsewhere() as fake:
        yield fake


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CMS_BEARER_TOKEN", raising=False)
    monkeypatch.delenv("CMS_BASE_URL", raising=False)


def client_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "cms-client"]


# Results


def test_a_lead_and_a_sale_are_tracked_from_plain_code(tracker: FakeTracker) -> None:
    with CMSClient(TOKEN, tracker.url) as client:
        lead = client.track_lead("signup_started", "user_42", click_id="id_123")
        sale = client.track_sale("purchase_completed", "user_42", "inv_987", 4999, "usd")

    assert {"success": True, "data": "lead tracked", "error": None, "status_code": 200} == lead
    assert sale.success
    assert ["/track/lead", "/track/sale"] == [received.path for received in tracker.requests]
    assert [1, 1] == [received.connection for received in tracker.requests]


async def test_a_lead_and_a_sale_are_tracked_from_async_code() -> None:
    async with FakeTracker() as tracker, AsyncCMSClient(TOKEN, tracker.url) as client:
        lead, sale = await asyncio.gather(
            client.track_lead("signup_started", "user_42", click_id="id_123"),
            client.track_sale("purchase_completed", "user_42", "inv_987", 4999, "USD"),
        )

    assert lead.success
    assert sale.get("success")


@pytest.mark.parametrize(
    ("expected", "answer"),
    [
        pytest.param(
            {"success": False, "data": {"error": "bad key"}, "error": "bad key", "status_code": 401},
            Answer(status=401, body={"error": "bad key"}),
            id="a refusal",
        ),
        pytest.param(
            {"success": False, "data": "", "error": "the tracker answered 503", "status_code": 503},
            Answer(status=503, body=b""),
            id="an outage",
        ),
        pytest.param(
            {
                "success": False,
                "data": None,
                "error": "closed: the connection was closed without an answer; the tracker may have received it",
                "status_code": None,
            },
            Answer(act=Act.CLOSE),
            id="no answer",
        ),
        pytest.param(
            {"success": True, "data": {"success": True, "timestamp": "x"}, "error": None, "status_code": 200},
            Answer(body={"success": True, "timestamp": "x"}),
            id="the documented body",
        ),
        pytest.param(
            {"success": True, "data": "", "error": None, "status_code": 204},
            Answer(status=204, body=b""),
            id="no content",
        ),
        pytest.param(
            {"success": True, "data": "y" * 5000, "error": None, "status_code": 200},
            Answer(body={"status": True, "data": "y" * 5000}),
            id="more than an outcome keeps",
        ),
    ],
)
def test_whatever_the_tracker_does_is_a_result_of_one_request(
    tracker: FakeTracker, expected: dict[str, object], answer: Answer
) -> None:
    tracker.answer = answer
    with CMSClient(TOKEN, tracker.url) as client:
        result = client.track_sale("purchase", "user_42", "inv_1", 4999, "USD")

    assert expected == result
    assert isinstance(result, TrackingResult)
    assert 1 == len(tracker.requests)


def test_no_tracker_at_all_is_a_result_too() -> None:
    with CMSClient(TOKEN, f"http://127.0.0.1:{free_port()}") as client:
        result = client.track_lead("signup", "user_42", "c1")

    assert not result.success
    assert result.status_code is None
    assert str(result.error).endswith("it was not sent")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Answer(act=Act.NEVER), id="silence"),
        pytest.param(Answer(drip_seconds=SHORT / 6), id="dripping headers"),
        pytest.param(Answer(drip_seconds=SHORT / 6, drips_body_only=True, body=b"x" * 999), id="a dripping body"),
    ],
)
def test_the_timeout_of_a_plain_call_is_total(tracker: FakeTracker, answer: Answer) -> None:
    """The vendor's client waits 30 s for every single byte, four times."""
    tracker.answer = answer
    with CMSClient(TOKEN, tracker.url, timeout=SHORT) as client:
        started = time.monotonic()
        client.track_lead("signup", "user_42", "c1")

        assert SHORT * 0.9 <= time.monotonic() - started <= SHORT + 0.7
    assert 1 == len(tracker.requests)


# Arguments


def test_a_wrong_argument_raises_before_anything_is_sent(tracker: FakeTracker) -> None:
    with CMSClient(TOKEN, tracker.url) as client:
        with pytest.raises(TypeError, match="amount"):
            client.track_sale("purchase", "user_42", "inv_1", 49.99, "USD")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="click_id is required"):
            client.track_lead("signup", "user_42", mode="deferred", click_id="")
        assert client.track_lead("signup", "user_42", click_id="").success

    assert [{"eventName": "signup", "customerExternalId": "user_42"}] == [each.json for each in tracker.requests]


@pytest.mark.parametrize("make", [CMSClient, AsyncCMSClient])
def test_a_client_takes_token_and_host_from_the_environment(
    make: type[CMSClient | AsyncCMSClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match="CMS_BEARER_TOKEN"):
        make()
    with pytest.raises(ValueError, match="no token"):
        make(token="  ")
    monkeypatch.setenv("CMS_BEARER_TOKEN", f"{TOKEN}\n")
    assert "api.cme.sh" in repr(make())
    monkeypatch.setenv("CMS_BASE_URL", "https://tracker.example/")
    assert "'https://tracker.example'" in repr(make())
    assert "'https://other.example'" in repr(make(host="https://other.example"))
    with pytest.raises(ValueError, match="plain http"):
        make(host="http://other.example")
    with pytest.raises(ValueError, match="timeout"):
        make(timeout=0)
    assert TOKEN not in repr(make())


def test_the_environments_token_is_the_one_sent(tracker: FakeTracker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CMS_BEARER_TOKEN", f" {TOKEN}\n")
    monkeypatch.setenv("CMS_BASE_URL", tracker.url)
    with CMSClient() as client:
        client.track_lead("signup", "user_42")

    assert f"Bearer {TOKEN}" == tracker.requests[0].headers["authorization"]


def test_major_units_are_for_the_wire_only(tracker: FakeTracker) -> None:
    with CMSClient(TOKEN, tracker.url, amount_unit="major") as client:
        client.track_sale("purchase", "user_42", "inv_1", 4999, "USD")
        unknown = client.track_sale("purchase", "user_42", "inv_2", 4999, "XXY")

    assert b'"amount":49.99,' in tracker.requests[0].body
    assert "unsendable: this cannot be sent (not a currency code of ISO 4217); it was not sent" == unknown.error
    assert 1 == len(tracker.requests)


# Threads and loops


async def test_the_plain_client_works_inside_a_running_loop(tracker: FakeTracker) -> None:
    with CMSClient(TOKEN, tracker.url) as client:
        assert client.track_lead("signup", "user_42", "c1").success


def test_many_threads_share_one_client(tracker: FakeTracker) -> None:
    with CMSClient(TOKEN, tracker.url) as client, ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda n: client.track_sale("buy", f"user_{n}", f"inv_{n}", n, "USD"), range(80)))

        assert 1 == len(client_threads())
    assert all(result.success for result in results)
    assert 80 == len(tracker.invoices)
    assert 0 == tracker.repeats
    assert tracker.connections <= 8


def test_closing_leaves_no_thread_and_no_connection(tracker: FakeTracker) -> None:
    client = CMSClient(TOKEN, tracker.url)
    client.track_lead("signup", "user_42", "c1")
    assert 1 == len(client_threads())
    client.close()
    client.close()

    assert [] == client_threads()
    wait_until(lambda: not tracker.open)


def test_a_client_never_used_has_no_thread_and_closes(tracker: FakeTracker) -> None:
    with CMSClient(TOKEN, tracker.url):
        assert [] == client_threads()


def test_closing_waits_for_calls_under_way() -> None:
    with tracker_elsewhere(Answer(delay_seconds=0.2)) as tracker, ThreadPoolExecutor(3) as pool:
        client = CMSClient(TOKEN, tracker.url)
        calls = [pool.submit(client.track_lead, "signup", f"user_{n}", "c1") for n in range(3)]
        wait_until(lambda: len(tracker.requests) == 3)
        client.close()

        assert [True] * 3 == [call.result(5).success for call in calls]


def test_a_closed_client_says_so() -> None:
    client = CMSClient(TOKEN, "http://127.0.0.1:9")
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.track_lead("signup", "user_42")


async def test_a_closed_async_client_says_so() -> None:
    client = AsyncCMSClient(TOKEN, "http://127.0.0.1:9")
    await client.aclose()
    await client.aclose()
    with pytest.raises(RuntimeError, match="closed"):
        await client.track_lead("signup", "user_42")


def test_leaving_the_block_hides_no_error(tracker: FakeTracker) -> None:
    """The vendor's close() raises AttributeError over whatever happened inside."""

    def fail_inside() -> None:
        with CMSClient(TOKEN, tracker.url) as client:
            client.track_lead("signup", "user_42", "c1")
            raise KeyError("the caller's own")

    with pytest.raises(KeyError, match="the caller's own"):
        fail_inside()
    assert [] == client_threads()


async def test_leaving_the_async_block_hides_no_error() -> None:
    async def fail_inside(url: str) -> None:
        async with AsyncCMSClient(TOKEN, url) as client:
            await client.track_lead("signup", "user_42", "c1")
            raise KeyError("the caller's own")

    async with FakeTracker() as tracker:
        with pytest.raises(KeyError, match="the caller's own"):
            await fail_inside(tracker.url)
        await tracker.wait_until_quiet()


def test_a_forgotten_client_ends_its_thread(tracker: FakeTracker) -> None:
    client = CMSClient(TOKEN, tracker.url)
    client.track_lead("signup", "user_42", "c1")
    del client
    gc.collect()

    wait_until(lambda: not client_threads())
    wait_until(lambda: not tracker.open)


# Processes


def run_script(text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", text, *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )


def test_a_program_may_end_without_closing(tracker: FakeTracker) -> None:
    script = """
import sys
from bridge.tracking import CMSClient
client = CMSClient("tok", sys.argv[1])
print(client.track_lead("signup", "user_42", "c1").success)
"""
    ended = run_script(script, tracker.url)

    assert (0, "True\n", "") == (ended.returncode, ended.stdout, ended.stderr)


def test_a_forked_child_tracks_over_a_connection_of_its_own(tracker: FakeTracker) -> None:
    """As under gunicorn --preload: the parent's thread does not exist in the child."""
    script = """
import os, sys, warnings
from bridge.tracking import CMSClient
warnings.filterwarnings("ignore", message=".*fork", category=DeprecationWarning)
client = CMSClient("tok", sys.argv[1], timeout=5)
first = client.track_lead("signup", "parent", "c1").success
child = os.fork()
if child == 0:
    ok = client.track_lead("signup", "child", "c1").success
    client.close()
    os._exit(0 if ok else 1)
ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print(first, ended, client.track_lead("signup", "parent again", "c1").success)
client.close()
"""
    ended = run_script(script, tracker.url)

    assert (0, "True 0 True\n", "") == (ended.returncode, ended.stdout, ended.stderr)
    assert [1, 2, 1] == [received.connection for received in tracker.requests]


def test_the_import_takes_neither_stripe_nor_the_web_along() -> None:
    script = """
import sys
from bridge.tracking import CMSClient
print([name for name in ("stripe", "starlette", "uvicorn", "yaml", "sqlite3", "requests") if name in sys.modules])
"""
    ended = run_script(script)

    assert "[]\n" == ended.stdout
