"""Certificates that webhooks name: fetched in the background, proven once, kept for a while.

Nobody waits for a fetch: who asks is told what is known now. Strangers choose which addresses are asked for (within
what their source allows), so fetches are few a minute, one per address, bounded in size and time, and their failures
are remembered. A certificate in force stays in force while it cannot be fetched again, for a week at most.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import TypeAlias

import certifi
import httpx

from bridge import logs
from bridge.sources import Certificate, Lack

#: How long a certificate is not asked for again, and how long it holds when asking again fails.
_FRESH = timedelta(hours=12)
_KEPT = timedelta(days=7)
#: How long it is remembered that there is none that can be trusted, and that the address could not be reached.
_REFUSED = timedelta(minutes=10)
_FAILED = timedelta(seconds=30)

_MOST_KEPT = 64
_MOST_FETCHES = 10
_WHILE = timedelta(minutes=1)
_FETCH_SECONDS = 10.0
_MOST_BYTES = 64 * 1024
#: A file may leave out the authorities between it and the root; how many of these are followed.
_MOST_ISSUERS = 2
#: Answers that say there is nothing at this address, in contrast to those that say: not now.
_NOTHING_THERE = frozenset((400, 404, 410))

_log = logs.get("bridge.certificates")
_Key: TypeAlias = tuple[str, str]


class _NotNow(Exception):
    """The address answered, but not with what is there."""


class _Untrusted(Exception):
    """What is there is no certificate that can be trusted; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What is known of an address, and until when."""

    found: Certificate | Lack
    fresh_until: datetime
    kept_until: datetime


def system_roots() -> bytes:
    """The authorities that everybody trusts, as PEM."""
    return Path(certifi.where()).read_bytes()


def _transport() -> httpx.AsyncBaseTransport:
    return httpx.AsyncHTTPTransport(verify=httpx.create_ssl_context(trust_env=False), trust_env=False)


class Certificates:
    """Answers `sources` at once with what it has; to be called within a running loop, and closed."""

    def __init__(
        self,
        *,
        clock: Callable[[], datetime],
        roots: Callable[[], bytes] = system_roots,
        transport: Callable[[], httpx.AsyncBaseTransport] = _transport,
    ) -> None:
        self._clock = clock
        self._roots = roots
        self._transport = transport
        self._known: dict[_Key, _Known] = {}
        self._fetching: dict[_Key, asyncio.Task[None]] = {}
        #: when the last fetches began
        self._began: deque[datetime] = deque(maxlen=_MOST_FETCHES)

    def __call__(self, url: str, name: str) -> Certificate | Lack:
        """The certificate at this address, which must be this name's; what is not known is fetched meanwhile."""
        now, key = self._clock(), (url, name)
        known = self._known.get(key)
        if known is None or now >= known.fresh_until:
            self._wish(key, now)
        return Lack.COMING if known is None or now >= known.kept_until else known.found

    async def aclose(self) -> None:
        """Give up what is being fetched."""
        tasks = list(self._fetching.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _wish(self, key: _Key, now: datetime) -> None:
        too_many = len(self._began) == _MOST_FETCHES and now - self._began[0] < _WHILE
        if key in self._fetching or too_many:
            return
        self._began.append(now)
        task = asyncio.create_task(self._fetch(key))
        self._fetching[key] = task
        task.add_done_callback(lambda _: self._fetching.pop(key, None))

    async def _fetch(self, key: _Key) -> None:
        """Fetch and judge; whatever happens is remembered, and told."""
        url, name = key
        try:
            async with asyncio.timeout(_FETCH_SECONDS):
                found = await self._trusted(url, name)
        except _Untrusted as error:
            self._remember(key, Lack.REFUSED, _REFUSED, _REFUSED)
            logs.event(_log, logging.WARNING, "certificate.refused", url=url, why=str(error))
        except (httpx.HTTPError, httpx.InvalidURL, OSError, _NotNow) as error:
            self._put_off(key)
            logs.event(_log, logging.WARNING, "certificate.failed", url=url, why=str(error) or type(error).__name__)
        except Exception as error:  # noqa: BLE001  # a bug in here, or in what reads certificates, is told and survived
            self._put_off(key)
            logs.event(_log, logging.ERROR, "bug", exception=error, where="certificates")
        else:
            self._remember(key, found, _FRESH, _KEPT)
            logs.event(_log, logging.INFO, "certificate.fetched", url=url, valid_until=found.valid_until)

    async def _trusted(self, url: str, name: str) -> Certificate:
        # both take tens of milliseconds, in which webhooks can be answered
        transport = await asyncio.to_thread(self._transport)
        async with httpx.AsyncClient(transport=transport, trust_env=False, follow_redirects=False) as http:
            files = [await _file(http, url)]
            for _ in range(_MOST_ISSUERS):
                found, issuer = await asyncio.to_thread(_judged, files, self._roots, name, self._clock())
                if not issuer:
                    break
                files.append(await _file(http, issuer))
            else:
                found, _ = await asyncio.to_thread(_judged, files, self._roots, name, self._clock())
        if isinstance(found, str):
            raise _Untrusted(found)
        return found

    def _put_off(self, key: _Key) -> None:
        """Ask again in a while; a certificate that is in force stays."""
        known = self._known.get(key)
        if known is None or known.found is Lack.REFUSED or self._clock() >= known.kept_until:
            self._remember(key, Lack.COMING, _FAILED, _FAILED)
        else:
            left = known.kept_until - self._clock()
            self._remember(key, known.found, min(_FAILED, left), left)

    def _remember(self, key: _Key, found: Certificate | Lack, fresh: timedelta, kept: timedelta) -> None:
        now = self._clock()
        self._known.pop(key, None)
        self._known[key] = _Known(found=found, fresh_until=now + fresh, kept_until=now + kept)
        if len(self._known) > _MOST_KEPT:
            lacking = (old for old, known in self._known.items() if isinstance(known.found, Lack))
            del self._known[next(lacking, next(iter(self._known)))]


def _judged(files: list[bytes], roots: Callable[[], bytes], name: str, now: datetime) -> tuple[Certificate | str, str]:
    """The certificate or why it is not trusted, and where its issuer's may be when that is what is missing."""
    # imported for those who take such webhooks: the library behind it costs time and memory
    chain = import_module("bridge.sources.chain")
    found = chain.trusted(files, roots(), name, now)
    if not isinstance(found, chain.Distrust):
        certificate: Certificate = found
        return certificate, ""
    issuer: str = chain.issuer_address(files[-1]) if found is chain.Distrust.NO_CHAIN else ""
    return str(found.value), issuer if issuer.startswith(("http://", "https://")) else ""


async def _file(http: httpx.AsyncClient, url: str) -> bytes:
    # as it is: what is small on the way may be anything unpacked
    async with http.stream("GET", url, headers={"accept-encoding": "identity"}) as answer:
        if answer.status_code in _NOTHING_THERE:
            raise _Untrusted(f"the answer was {answer.status_code}")
        if answer.status_code != httpx.codes.OK:
            raise _NotNow(f"the answer was {answer.status_code}")
        data = b""
        async for chunk in answer.aiter_raw():
            data += chunk
            if len(data) > _MOST_BYTES:
                raise _Untrusted("the file is too large")
        return data
