"""The tracker's side of the bridge: the wire that makes one try, and the clients on top of it."""

from bridge.address import check_base_url
from bridge.tracking.client import AsyncCMSClient, CMSClient
from bridge.tracking.result import TrackingResult
from bridge.tracking.wire import Wire

__all__ = ["AsyncCMSClient", "CMSClient", "TrackingResult", "Wire", "check_base_url"]
