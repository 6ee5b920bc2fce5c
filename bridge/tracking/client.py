"""CMSClient and AsyncCMSClient: the vendor's names and the same JSON on the wire, without its surprises.

A wrong argument raises before anything is sent; everything that the network or the tracker does is returned as a
TrackingResult, within the timeout as a whole. One call is one request: no retries, no redirects. Whoever needs
delivery come what may sends a webhook to the bridge instead.
"""

import os
import weakref
from datetime import datetime
from types import TracebackType
from typing import Self

from bridge.address import check_base_url
from bridge.tracking.arguments import Tracked, lead_of, sale_of
from bridge.tracking.loop_thread import LoopThread
from bridge.tracking.request import AmountUnit
from bridge.tracking.result import TrackingResult, result_of
from bridge.tracking.wire import Wire

DEFAULT_HOST = "https://api.cme.sh"


class AsyncCMSClient:
    """Tracks leads and sales from async code. Belongs to one event loop; close it with `aclose` or `async with`."""

    def __init__(
        self,
        token: str | None = None,
        host: str | None = None,
        *,
        timeout: float = 10.0,
        amount_unit: AmountUnit = "minor",
    ) -> None:
        self._wire = Wire(_host(host), _token(token), timeout_seconds=timeout, amount_unit=amount_unit)
        self._is_closed = False

    def __repr__(self) -> str:
        return f"AsyncCMSClient(host={self._wire.base_url!r})"

    async def track_lead(
        self,
        event_name: str,
        customer_external_id: str,
        click_id: str | None = None,
        customer_name: str | None = None,
        customer_email: str | None = None,
        customer_avatar: str | None = None,
        timestamp: datetime | str | None = None,
        mode: str | None = None,
    ) -> TrackingResult:
        """Track a lead: with a click id, deferred with one, or as the follow-up of a deferred one without."""
        return await self._send(
            lead_of(
                event_name,
                customer_external_id,
                click_id,
                customer_name,
                customer_email,
                customer_avatar,
                timestamp,
                mode,
            )
        )

    async def track_sale(
        self,
        event_name: str,
        customer_external_id: str,
        invoice_id: str,
        amount: int,
        currency: str,
        click_id: str | None = None,
        customer_name: str | None = None,
        customer_email: str | None = None,
        customer_avatar: str | None = None,
        timestamp: datetime | str | None = None,
    ) -> TrackingResult:
        """Track a sale; `amount` is in minor units (4999 for USD 49.99), whatever `amount_unit` goes out."""
        return await self._send(
            sale_of(
                event_name,
                customer_external_id,
                invoice_id,
                amount,
                currency,
                click_id,
                customer_name,
                customer_email,
                customer_avatar,
                timestamp,
            )
        )

    async def aclose(self) -> None:
        """Wait for calls under way and close the connections. Closing twice is fine."""
        self._is_closed = True
        await self._wire.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _send(self, tracked: Tracked) -> TrackingResult:
        if self._is_closed:
            raise RuntimeError("this client is closed: make a new one")
        return result_of(await self._wire.exchange(tracked.payload, is_dated=tracked.is_dated))


class CMSClient:
    """Tracks leads and sales from plain code, any number of threads, and inside a running event loop (blocking it).

    Every call runs on one private event loop, so that its timeout covers all of it. Close it with `close` or `with`;
    one that is forgotten is closed when it is collected.
    """

    def __init__(
        self,
        token: str | None = None,
        host: str | None = None,
        *,
        timeout: float = 10.0,
        amount_unit: AmountUnit = "minor",
    ) -> None:
        token, host = _token(token), _host(host)

        def make() -> AsyncCMSClient:
            return AsyncCMSClient(token, host, timeout=timeout, amount_unit=amount_unit)

        make()  # what is wrong with the arguments is said now
        self._host = host
        self._thread = LoopThread(make)
        weakref.finalize(self, self._thread.stop)

    def __repr__(self) -> str:
        return f"CMSClient(host={self._host!r})"

    def track_lead(
        self,
        event_name: str,
        customer_external_id: str,
        click_id: str | None = None,
        customer_name: str | None = None,
        customer_email: str | None = None,
        customer_avatar: str | None = None,
        timestamp: datetime | str | None = None,
        mode: str | None = None,
    ) -> TrackingResult:
        """Track a lead: with a click id, deferred with one, or as the follow-up of a deferred one without."""
        return self._thread.run(
            lambda client: client.track_lead(
                event_name,
                customer_external_id,
                click_id,
                customer_name,
                customer_email,
                customer_avatar,
                timestamp,
                mode,
            )
        )

    def track_sale(
        self,
        event_name: str,
        customer_external_id: str,
        invoice_id: str,
        amount: int,
        currency: str,
        click_id: str | None = None,
        customer_name: str | None = None,
        customer_email: str | None = None,
        customer_avatar: str | None = None,
        timestamp: datetime | str | None = None,
    ) -> TrackingResult:
        """Track a sale; `amount` is in minor units (4999 for USD 49.99), whatever `amount_unit` goes out."""
        return self._thread.run(
            lambda client: client.track_sale(
                event_name,
                customer_external_id,
                invoice_id,
                amount,
                currency,
                click_id,
                customer_name,
                customer_email,
                customer_avatar,
                timestamp,
            )
        )

    def close(self) -> None:
        """Wait for calls under way and close the connections. Closing twice is fine."""
        self._thread.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _token(token: str | None) -> str:
    given = (os.environ.get("CMS_BEARER_TOKEN", "") if token is None else token).strip()
    if not given:
        raise ValueError("no token: pass one, or set CMS_BEARER_TOKEN")
    return given


def _host(host: str | None) -> str:
    return check_base_url(host or os.environ.get("CMS_BASE_URL", "").strip() or DEFAULT_HOST)
