"""A fake of Stripe's API on loopback: webhook endpoints and the list of events, with pages, limits and failures."""

import json
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "rk_test_51Fake"


@dataclass
class Failure:
    """What the fake does instead of answering once; status 0 drops the connection."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    error: dict[str, str] = field(default_factory=dict)
    #: the work is done all the same, and only the answer is lost
    after_work: bool = False


@dataclass
class FakeStripe:
    """The account behind the API."""

    events: list[dict[str, Any]] = field(default_factory=list)
    endpoints: list[dict[str, Any]] = field(default_factory=list)
    failures: deque[Failure] = field(default_factory=deque)
    #: method, path, parameters
    requests: list[tuple[str, str, dict[str, list[str]]]] = field(default_factory=list)
    page: int = 100
    #: whether the key is one of live mode
    is_live: bool = True
    #: single objects by kind and id, such as `customers/cus_1`
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    checkouts: list[dict[str, Any]] = field(default_factory=list)
    #: (invoice, payment intent)
    payments: list[tuple[str, str]] = field(default_factory=list)
    #: the account each request was made for, by its `Stripe-Account`
    accounts: list[str] = field(default_factory=list)
    #: seconds before any answer
    slowness: float = 0.0
    #: statuses by the kind of object that the key may not read
    refused: dict[str, int] = field(default_factory=dict)
    url: str = ""
    _answers: dict[str, dict[str, Any]] = field(default_factory=dict)

    def happen(self, kind: str, data: dict[str, Any], *, at: float | None = None, number: int = 0) -> dict[str, Any]:
        """An event of the account; `at` in seconds, now where it is not said."""
        event = {
            "id": f"evt_{kind.replace('.', '_')}_{number or len(self.events) + 1}",
            "object": "event",
            "api_version": "2026-01-28.clover",
            "created": int(time.time() if at is None else at),
            "data": {"object": data},
            "livemode": True,
            "pending_webhooks": 0,
            "request": {"id": None, "idempotency_key": None},
            "type": kind,
        }
        self.events.append(event)
        return event

    def answer(self, method: str, path: str, given: dict[str, list[str]], key: str) -> tuple[int, dict[str, Any]]:
        """One request's answer."""
        self.requests.append((method, path, given))
        if key and key in self._answers:
            return 200, self._answers[key]
        status, body = self._work(method, path, given)
        if key and status == 200:
            self._answers[key] = body
        return status, body

    def _work(self, method: str, path: str, given: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        kind = path.strip("/").split("/")[1]
        if kind in self.refused:
            return self.refused[kind], {"error": {"type": "invalid_request_error", "message": "no"}}
        match method, path.strip("/").split("/")[1:]:
            case "GET", ["events"]:
                return 200, self._paged(self._matching(given), given, path)
            case "GET", ["webhook_endpoints"]:
                return 200, self._paged([{**item, "secret": None} for item in self.endpoints], given, path)
            case "POST", ["webhook_endpoints"]:
                return 200, self._made(given)
            case "POST", ["webhook_endpoints", name]:
                return self._changed(name, given)
            case "GET", ["invoice_payments"]:
                return 200, self._paged(self._invoice_payments(given), given, path)
            case "GET", ["checkout", "sessions"]:
                return 200, self._paged([item for item in self.checkouts if _is_asked(item, given)], given, path)
            case "GET", [kind, name] if f"{kind}/{name}" in self.objects:
                return 200, {"id": name, **self.objects[f"{kind}/{name}"]}
            case _:
                return 404, {"error": {"type": "invalid_request_error", "message": "no such thing"}}

    def _invoice_payments(self, given: dict[str, list[str]]) -> list[dict[str, Any]]:
        invoice, payment = given.get("invoice", [""])[0], given.get("payment[payment_intent]", [""])[0]
        assert bool(invoice) != bool(payment)
        assert invoice or given["payment[type]"] == ["payment_intent"]
        return [
            {
                "id": f"inpay_{number}",
                "object": "invoice_payment",
                "invoice": one,
                "payment": {"type": "payment_intent", "payment_intent": other},
                "status": "paid",
            }
            for number, (one, other) in enumerate(self.payments)
            if one == invoice or other == payment
        ]

    def _matching(self, given: dict[str, list[str]]) -> list[dict[str, Any]]:
        types = [value for name, values in given.items() if name.startswith("types[") for value in values]
        assert len(types) <= 20, "Stripe takes at most 20 types"
        first, last = int(given["created[gte]"][0]), int(given["created[lt]"][0])
        found = [item for item in self.events if first <= item["created"] < last and item["type"] in types]
        return sorted(found, key=lambda item: (item["created"], item["id"]), reverse=True)

    def _paged(self, items: list[dict[str, Any]], given: dict[str, list[str]], url: str) -> dict[str, Any]:
        size = min(int(given.get("limit", ["10"])[0]), self.page)
        after = given.get("starting_after", [""])[0]
        start = next((n + 1 for n, item in enumerate(items) if item["id"] == after), 0)
        some = items[start : start + size]
        return {"object": "list", "url": url, "has_more": start + size < len(items), "data": some}

    def _made(self, given: dict[str, list[str]]) -> dict[str, Any]:
        number = len(self.endpoints) + 1
        made = {
            "id": f"we_{number}",
            "object": "webhook_endpoint",
            "url": given["url"][0],
            "enabled_events": _listed(given, "enabled_events"),
            "status": "enabled",
            "livemode": self.is_live,
        }
        self.endpoints.append(made)
        return {**made, "secret": f"whsec_fake_{number}"}

    def _changed(self, name: str, given: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        for item in self.endpoints:
            if item["id"] == name:
                item["enabled_events"] = _listed(given, "enabled_events") or item["enabled_events"]
                item["status"] = "disabled" if given.get("disabled") == ["true"] else "enabled"
                return 200, item
        return 404, {"error": {"type": "invalid_request_error", "code": "resource_missing", "message": "no"}}


def _is_asked(item: dict[str, Any], given: dict[str, list[str]]) -> bool:
    """Whether a checkout is of the payment or the subscription that is asked for."""
    return any(item.get(name) in given.get(name, []) for name in ("payment_intent", "subscription"))


def _listed(given: dict[str, list[str]], name: str) -> list[str]:
    return [value for key, values in given.items() if key.startswith(f"{name}[") for value in values]


@contextmanager
def fake_stripe() -> Iterator[FakeStripe]:
    """The fake on a port of its own."""
    fake = FakeStripe()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
            fake.accounts.append(self.headers.get("stripe-account") or "")
            time.sleep(fake.slowness)
            given = parse_qs(parts.query if self.command == "GET" else body, keep_blank_values=True)
            failure = fake.failures.popleft() if fake.failures else None
            if self.headers.get("authorization") != f"Bearer {KEY}":
                failure = Failure(401, error={"type": "invalid_request_error", "message": "Invalid API Key"})
            status, answer = 0, dict[str, Any]()
            if failure is None or failure.after_work:
                status, answer = fake.answer(self.command, parts.path, given, self.headers.get("idempotency-key") or "")
            if failure is not None:
                status, answer = failure.status, {"error": failure.error or {"type": "api_error", "message": "no"}}
            if status == 0:
                self.close_connection = True
                return
            data = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in (failure.headers if failure else {}).items():
                self.send_header(name, value)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
