"""What several tests need: signed webhooks, waiting for a condition, a bridge as a real process."""

import hashlib
import hmac
import json
import multiprocessing
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx

from bridge.cli import main

T = TypeVar("T")

#: Starting Python and importing the bridge takes half a second: commands fork from one process that has done both.
_WARM = multiprocessing.get_context("forkserver")
_WARM.set_forkserver_preload(["tests.support", "bridge.cli.events", "bridge.cli.tracker", "bridge.cli.remap"])

#: what httpx would make for each call takes longer than the call, and nothing here is TLS
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

STRIPE_SECRET = "whsec_test_4eC39HqLyjWDarjtT1zdp7dc"
TOKEN = "tok_live_not_for_logs_8f3a"


def wait_until(condition: Callable[[], T], *, seconds: float = 20.0, what: str = "the condition") -> T:
    """The first truthy value of `condition`; fails after the deadline."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"{what} did not come true within {seconds} s")


def stripe_signature(body: bytes, *, secret: str = STRIPE_SECRET, at: float | None = None) -> str:
    """The value of Stripe-Signature, made by hand so that it does not depend on our own signing."""
    moment = int(time.time() if at is None else at)
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


def stripe_headers(body: bytes, **options: Any) -> dict[str, str]:
    return {"Stripe-Signature": stripe_signature(body, **options), "Content-Type": "application/json; charset=utf-8"}


def a_checkout(number: int | str = 1, *, customer: str = "", amount: int = 4999, **changes: Any) -> bytes:
    """A paid one-time Checkout session as Stripe sends it; `number` makes its ids."""
    session = {
        "id": f"cs_live_{number}",
        "object": "checkout.session",
        "amount_total": amount,
        "client_reference_id": None,
        "created": 1_767_600_000,
        "currency": "usd",
        "customer": customer or f"cus_{number}",
        "customer_details": {"email": f"buyer{number}@example.com", "name": "Ada Buyer"},
        "invoice": None,
        "metadata": {"click_id": f"click_{number}"},
        "mode": "payment",
        "payment_intent": f"pi_{number}",
        "payment_status": "paid",
        "status": "complete",
        "subscription": None,
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
    } | changes
    event = {
        "id": f"evt_{number}",
        "object": "event",
        "api_version": "2026-01-28.clover",
        "created": 1_767_600_001,
        "data": {"object": session},
        "livemode": True,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": "checkout.session.completed",
    }
    return json.dumps(event, indent=2).encode()


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def clean_environment(**settings: str) -> dict[str, str]:
    """This process's environment without any setting of ours, plus the given ones."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TRACKBRIDGE_", "CMS_", "STRIPE_"))}
    return kept | settings


@dataclass
class BridgeProcess:
    """`trackbridge serve` as a real process in its own folder."""

    folder: Path
    port: int = field(default_factory=free_port)
    settings: dict[str, str] = field(default_factory=dict)
    #: the folder that the package is taken from
    code: Path = Path(__file__).parents[1]
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log_file(self) -> Path:
        return self.folder / "serve.log"

    @property
    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8", errors="replace") if self.log_file.exists() else ""

    @property
    def environment(self) -> dict[str, str]:
        return clean_environment(
            **{
                "TRACKBRIDGE_PORT": str(self.port),
                "TRACKBRIDGE_DATABASE_URL": f"sqlite:///{self.folder / 'trackbridge.db'}",
                "CMS_BEARER_TOKEN": TOKEN,
                "CMS_RATE_LIMIT": "0",
                "STRIPE_WEBHOOK_SECRET": STRIPE_SECRET,
            }
            | self.settings
        )

    def start(self, *, ready: bool = True) -> "BridgeProcess":
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bridge", "serve"],
                cwd=self.folder,
                env=self.environment | {"PYTHONPATH": str(self.code)},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.starts += 1
        if ready:
            wait_until(self.is_ready, what=f"readiness; log: {self.log[-2000:]}")
        return self

    def is_ready(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"serve ended with {self.process.returncode}: {self.log[-3000:]}")
        try:
            return httpx.get(f"{self.url}/readyz", timeout=2, verify=PLAIN).status_code == 200
        except httpx.HTTPError:
            return False

    def post(self, body: bytes, *, source: str = "stripe", **headers: str) -> httpx.Response:
        return httpx.post(
            f"{self.url}/webhooks/{source}",
            content=body,
            headers=stripe_headers(body) | headers,
            timeout=10,
            verify=PLAIN,
        )

    def kill(self) -> None:
        """kill -9, the whole process group that we started."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def terminate(self, seconds: float = 15) -> int:
        """SIGTERM, and the exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(seconds)

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Another trackbridge command in the same folder with the same settings, as a process of its own."""
        with tempfile.TemporaryDirectory() as folder:
            out, err = Path(folder, "out"), Path(folder, "err")
            process = _WARM.Process(target=_command, args=(arguments, self.folder, self.environment, out, err))
            process.start()
            process.join(60)
            if process.is_alive():
                process.kill()
                process.join()
            done = subprocess.CompletedProcess(
                arguments, process.exitcode or 0, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8")
            )
            process.close()
        assert not check or done.returncode == 0, done.stderr
        return done


def _command(arguments: Sequence[str], folder: Path, environment: dict[str, str], out: Path, err: Path) -> None:
    """What a forked process does: be `trackbridge` with these arguments, and nothing of whom it was forked from."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, file in enumerate((Path(os.devnull), out, err)):
        os.dup2(os.open(file, os.O_RDWR | os.O_CREAT), number)
    sys.exit(main(arguments))


@contextmanager
def bridge_process(folder: Path, **settings: str) -> Iterator[BridgeProcess]:
    """A bridge that is ended whatever happens."""
    bridge = BridgeProcess(folder=folder, settings=settings)
    try:
        yield bridge
    finally:
        if bridge.process is not None and bridge.process.poll() is None:
            bridge.kill()
