"""`trackbridge serve` as an operator meets it: starts or says why not, never a secret in its log."""

import asyncio
import json
import os
import resource
import signal
import socket
import sqlite3
from pathlib import Path

import httpx

from bridge.demo.tracker import FakeTracker
from tests.support import STRIPE_SECRET, TOKEN, a_checkout, bridge_process, stripe_headers, stripe_signature, wait_until


def test_a_second_serve_on_the_same_file_exits_3_and_says_why(tmp_path: Path) -> None:
    with bridge_process(tmp_path) as first:
        first.start()

        second = first.run("serve", "--port", "0", check=False)

    assert 3 == second.returncode
    assert "one serve" in second.stderr
    assert "fix:" in second.stderr


def test_a_taken_port_exits_3_and_says_which(tmp_path: Path) -> None:
    with socket.socket() as taken, bridge_process(tmp_path) as bridge:
        taken.bind(("127.0.0.1", bridge.port))
        taken.listen()

        done = bridge.run("serve", check=False)

    assert 3 == done.returncode
    assert f"cannot listen on 127.0.0.1 port {bridge.port}" in done.stderr


def test_a_broken_mapping_keeps_serve_from_starting_and_names_the_place(tmp_path: Path) -> None:
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "quiz.yaml").write_text("source: quiz\nverfy: {}\n", encoding="utf-8")
    with bridge_process(tmp_path) as bridge:
        done = bridge.run("serve", check=False)

    assert 3 == done.returncode
    assert "quiz.yaml:2:1" in done.stderr
    assert 'did you mean "verify"?' in done.stderr


def test_wrong_settings_are_all_told_at_once(tmp_path: Path) -> None:
    with bridge_process(tmp_path, TRACKBRIDGE_PORT="80a0", CMS_RATE_LIMIT="quick", TRACKBRIDGE_RETENTION="3") as bridge:
        done = bridge.run("serve", check=False)

    assert 3 == done.returncode
    for word in ("TRACKBRIDGE_PORT", "CMS_RATE_LIMIT", "TRACKBRIDGE_RETENTION", "did you mean"):
        assert word in done.stderr


def test_a_locked_database_answers_503_and_recovers_by_itself(tmp_path: Path) -> None:
    with bridge_process(tmp_path) as bridge:
        bridge.start()
        assert 200 == bridge.post(a_checkout(1)).status_code
        with sqlite3.connect(tmp_path / "trackbridge.db", isolation_level=None) as lock:
            lock.execute("BEGIN IMMEDIATE")

            refused = bridge.post(a_checkout(2))

            assert 503 == refused.status_code
            assert "30" == refused.headers["retry-after"]
            assert 503 == httpx.get(f"{bridge.url}/readyz", timeout=10).status_code
            assert 200 == httpx.get(f"{bridge.url}/healthz").status_code
            lock.execute("ROLLBACK")
        lock.close()

        again = wait_until(lambda: bridge.post(a_checkout(2)), what="an answer")
        assert 200 == again.status_code
        assert "accepted" == again.json()["status"]
        wait_until(lambda: httpx.get(f"{bridge.url}/readyz").status_code == 200, what="readiness")


def test_a_full_disk_answers_503_and_recovers_by_itself(tmp_path: Path) -> None:
    """The disk is full for this process by RLIMIT_FSIZE: every write past it fails as on a full disk."""
    with bridge_process(tmp_path) as bridge:
        bridge.start()
        assert 200 == bridge.post(a_checkout(1)).status_code
        assert bridge.process is not None
        resource.prlimit(bridge.process.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
        refused = bridge.post(a_checkout(2))
        assert 503 == refused.status_code
        assert 503 == bridge.post(a_checkout(3)).status_code
        resource.prlimit(bridge.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

        assert "accepted" == bridge.post(a_checkout(2)).json()["status"]
        assert "duplicate" == bridge.post(a_checkout(1)).json()["status"]


async def test_no_secret_and_no_person_is_in_any_log_line(tmp_path: Path) -> None:
    async with FakeTracker() as tracker:
        with bridge_process(
            tmp_path, CMS_BASE_URL=tracker.url, TRACKBRIDGE_ADMIN_TOKEN="adm_secret_77", TRACKBRIDGE_LOG_FORMAT="json"
        ) as bridge:
            await asyncio.to_thread(bridge.start)
            body = a_checkout(1)
            forged = stripe_signature(body, secret="whsec_of_somebody_else")
            async with httpx.AsyncClient(base_url=bridge.url) as http:
                for headers in (
                    stripe_headers(body),
                    {"Stripe-Signature": forged},
                    {"Authorization": "Bearer adm_secret_77"},
                ):
                    await http.post("/webhooks/stripe?token=query_secret_5", content=body, headers=headers)
                await http.get("/readyz", headers={"Authorization": "Bearer adm_secret_77"})
                await http.get("/metrics")
            await tracker.wait_for(1)
            await asyncio.to_thread(wait_until, lambda: "delivery.attempted" in bridge.log)
            assert 0 == await asyncio.to_thread(bridge.terminate)
            log = bridge.log

    signature = forged.partition("v1=")[2]
    for secret in (
        STRIPE_SECRET,
        TOKEN,
        "adm_secret_77",
        "query_secret_5",
        "buyer1@example.com",
        "Ada Buyer",
        signature,
    ):
        assert secret not in log
    events = [json.loads(line)["event"] for line in log.splitlines()]
    assert {"starting", "serving", "event.recorded", "webhook.refused", "delivery.attempted", "stopped"} <= set(events)


def test_sigint_ends_it_like_sigterm(tmp_path: Path) -> None:
    with bridge_process(tmp_path) as bridge:
        bridge.start()
        assert bridge.process is not None
        os.kill(bridge.process.pid, signal.SIGINT)

        assert 0 == bridge.process.wait(15)


async def test_without_a_token_deliveries_wait_and_go_once_there_is_one(tmp_path: Path) -> None:
    async with FakeTracker() as tracker:
        with bridge_process(tmp_path, CMS_BASE_URL=tracker.url) as bridge:
            bridge.settings["CMS_BEARER_TOKEN"] = ""
            await asyncio.to_thread(bridge.start)
            answer = await asyncio.to_thread(bridge.post, a_checkout(1))
            assert 1 == answer.json()["deliveries"]
            await asyncio.to_thread(wait_until, lambda: "no token" in bridge.log)
            metrics = await asyncio.to_thread(httpx.get, f"{bridge.url}/metrics")
            assert 'trackbridge_deliveries{state="pending"} 1.0' in metrics.text
            assert 0 == await asyncio.to_thread(bridge.terminate)
            assert [] == tracker.requests

            bridge.settings["CMS_BEARER_TOKEN"] = TOKEN
            await asyncio.to_thread(bridge.start)
            await tracker.wait_for(1)

    assert "pi_1" == json.loads(tracker.requests[0].body)["invoiceId"]
