"""Stripe's API as far as we need it: webhook endpoints, the list of events, single objects. On Stripe's own library.

Every call is tried again while that may help (busy, rate limit with its Retry-After, lost connections), a bounded
number of times. Raises StripeTrouble with a sentence for the operator, never with the key or an object's content.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

import stripe

from bridge.errors import BridgeError
from bridge.model import Json

#: Stripe keeps events for this long.
EVENTS_KEPT = timedelta(days=30)
#: The most that one page holds, and the most types that one question may name.
_PAGE: Final = 100
_MOST_TYPES: Final = 20
_TIMEOUT_SECONDS: Final = 30.0
#: Waits before another try when Stripe does not say how long.
_PAUSES: Final = (0.5, 1.0, 2.0, 4.0, 8.0)
_LONGEST_PAUSE: Final = 60.0


class StripeTrouble(BridgeError):
    """Stripe's API did not do what was asked; `word` for scripts, the text for people."""

    def __init__(self, word: str, text: str) -> None:
        super().__init__(text)
        self.word = word


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One of the account's webhook endpoints."""

    id: str
    url: str
    types: frozenset[str]
    is_enabled: bool
    is_live: bool


class StripeApi:
    """The account of one API key. Use `stripe_api()`, which closes it."""

    def __init__(
        self,
        client: stripe.StripeClient,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        pauses: Sequence[float] | None = None,
    ) -> None:
        self._client = client
        self._sleep = sleep
        self._pauses = _PAUSES if pauses is None else pauses

    async def endpoints(self) -> list[Endpoint]:
        """Every webhook endpoint of the account."""
        found: list[Endpoint] = []
        after: dict[str, str] = {}
        while True:
            page = await self._get("/v1/webhook_endpoints", limit=_PAGE, **after)
            items = [_endpoint(item) for item in _items(page)]
            found += items
            if not page.get("has_more") or not items:
                return found
            after = {"starting_after": items[-1].id}

    async def create_endpoint(self, url: str, types: Sequence[str], *, connected: bool) -> tuple[Endpoint, str]:
        """Make an endpoint; it and its signing secret, which Stripe shows this once."""
        made = await self._post(
            "/v1/webhook_endpoints",
            url=url,
            enabled_events=sorted(types),
            description="trackbridge",
            **({"connect": True} if connected else {}),
        )
        return _endpoint(made), str(made.get("secret") or "")

    async def update_endpoint(self, id: str, types: Sequence[str]) -> Endpoint:  # noqa: A002 - Stripe's own word
        """Let an endpoint send exactly these types, and switch it on."""
        return _endpoint(await self._post(f"/v1/webhook_endpoints/{id}", enabled_events=sorted(types), disabled=False))

    async def events(
        self, types: Sequence[str], *, since: datetime, until: datetime, account: str = ""
    ) -> AsyncIterator[tuple[datetime, list[dict[str, Json]]]]:
        """The account's events of these types, oldest first, in stretches of time of a few hundred each, with its end.

        Stripe lists the newest first: a stretch is collected and turned round. Its width follows what is in it.
        """
        width = timedelta(hours=1)
        start = since
        while start < until:
            end = min(start + width, until)
            found: dict[str, dict[str, Json]] = {}
            for some in _chunks(sorted(types)):
                async for event in self._stretch(some, start, end, account):
                    found[str(event.get("id"))] = event
            yield end, sorted(found.values(), key=_created)
            width = width * 2 if len(found) < _PAGE else width / 2 if len(found) > 4 * _PAGE else width
            width = max(width, timedelta(minutes=1))
            start = end

    async def read(self, path: str, *, account: str = "", **parameters: object) -> dict[str, Json] | None:
        """An object, or a list, by its path; None when there is none. Of a connected account where one is named."""
        try:
            return await self._get(path, **parameters, **_of(account))
        except StripeTrouble as trouble:
            if trouble.word == "missing":
                return None
            raise

    async def _stretch(
        self, types: Sequence[str], start: datetime, end: datetime, account: str
    ) -> AsyncIterator[dict[str, Json]]:
        created = {"gte": int(start.timestamp()), "lt": int(end.timestamp())}
        after: dict[str, str] = {}
        while True:
            asked = {"limit": _PAGE, "created": created, "types": list(types), **_of(account), **after}
            page = await self._get("/v1/events", **asked)
            items = _items(page)
            for item in items:
                yield item
            if not page.get("has_more") or not items:
                return
            after = {"starting_after": str(items[-1].get("id"))}

    async def _get(self, path: str, **parameters: object) -> dict[str, Json]:
        return await self._call("get", path, parameters)

    async def _post(self, path: str, **parameters: object) -> dict[str, Json]:
        # one key for all tries, so that a try whose answer was lost does not act twice
        return await self._call("post", path, {**parameters, "idempotency_key": uuid4().hex})

    async def _call(self, method: str, path: str, parameters: dict[str, object]) -> dict[str, Json]:
        for pause in (*self._pauses, None):
            try:
                answer = await self._client.raw_request_async(method, path, **parameters)
            except stripe.StripeError as error:
                wait = _wait(error, pause)
                if wait is None:
                    raise _trouble(error) from error
                await self._sleep(wait)
            else:
                return _document(answer.data)
        raise AssertionError("the last try has no pause")


@asynccontextmanager
async def stripe_api(
    key: str,
    *,
    base_url: str = "https://api.stripe.com",
    pauses: Sequence[float] | None = None,
    timeout_seconds: float = _TIMEOUT_SECONDS,
) -> AsyncIterator[StripeApi]:
    """The API of this key's account, closed afterwards; one try more than there are `pauses`."""
    http = stripe.HTTPXClient(timeout=timeout_seconds)
    client = stripe.StripeClient(
        key,
        http_client=http,
        base_addresses={"api": base_url},
        max_network_retries=0,  # the tries are ours: the library does not wait for a Retry-After
    )
    try:
        yield StripeApi(client, pauses=pauses)
    finally:
        await http.close_async()  # type: ignore[no-untyped-call]  # the library leaves this one function untyped


def _of(account: str) -> dict[str, object]:
    """What makes it a connected account's."""
    return {"stripe_account": account} if account else {}


def _document(data: object) -> dict[str, Json]:
    if not isinstance(data, dict):
        raise StripeTrouble("unreadable", "Stripe answered with something else than a JSON object")
    return data


def _items(page: dict[str, Json]) -> list[dict[str, Json]]:
    data = page.get("data")
    if not isinstance(data, list):
        raise StripeTrouble("unreadable", "Stripe answered with something else than a list")
    return [item for item in data if isinstance(item, dict)]


def _created(event: dict[str, Json]) -> int:
    created = event.get("created")
    return created if isinstance(created, int) else 0


def _chunks(types: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(types), _MOST_TYPES):
        yield types[start : start + _MOST_TYPES]


def _endpoint(item: dict[str, Json]) -> Endpoint:
    types = item.get("enabled_events")
    return Endpoint(
        id=str(item.get("id")),
        url=str(item.get("url")),
        types=frozenset(str(name) for name in types) if isinstance(types, list) else frozenset(),
        is_enabled=item.get("status") != "disabled",
        is_live=item.get("livemode") is True,
    )


def _wait(error: stripe.StripeError, pause: float | None) -> float | None:
    """How long to wait before the next try; None when there shall be none."""
    status = error.http_status or 0
    if pause is None or (status and status not in (409, 429) and status < 500):
        return None
    told = {name.lower(): value for name, value in (error.headers or {}).items()}.get("retry-after", "")
    seconds = float(told) if str(told).isdigit() else pause
    return min(seconds, _LONGEST_PAUSE)


def _trouble(error: stripe.StripeError) -> StripeTrouble:
    match error:
        case stripe.AuthenticationError():
            return StripeTrouble("unauthorized", "Stripe does not know this API key (STRIPE_API_KEY)")
        case stripe.PermissionError():
            return StripeTrouble(
                "forbidden",
                "this API key may not do that: a restricted key needs Webhook Endpoints (write) for connect, "
                "Events (read) for reconcile, and for look-ups read access to what they ask for (docs/stripe.md)",
            )
        case _ if error.http_status == 429:
            return StripeTrouble("busy", "Stripe's rate limit did not let go; try again later")
        case _ if error.http_status == 404:
            return StripeTrouble("missing", "Stripe knows no such object")
        case _ if (error.http_status or 0) >= 500:
            return StripeTrouble("failing", f"Stripe answers {error.http_status}; try again later")
        case stripe.APIConnectionError():
            return StripeTrouble("unreachable", "Stripe's API cannot be reached")
        case _:
            code = f" ({error.code})" if error.code else ""
            return StripeTrouble("refused", f"Stripe answered {error.http_status or 'nothing'}{code}")
