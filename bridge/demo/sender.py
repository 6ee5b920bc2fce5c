"""Posts a webhook to a bridge, as its source would, and says what was answered. No proxy, no redirect, no retry."""

from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from bridge.model import Webhook

_TIMEOUT_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the bridge said."""

    status: int
    text: str
    #: without what may be a token
    url: str


class NoAnswerError(Exception):
    """Nobody answered at that address; the message is one word."""


async def post(webhook: Webhook, base: str) -> Answer:
    """Send a webhook as it stands to the bridge at this address. Raises NoAnswerError."""
    url = _url(webhook, base)
    try:
        async with httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, trust_env=False) as http:
            answer = await http.post(url, content=webhook.body, headers=list(webhook.headers))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NoAnswerError(type(error).__name__) from error
    return Answer(status=answer.status_code, text=answer.text, url=_without_secrets(url))


def _url(webhook: Webhook, base: str) -> str:
    path = "" if "/webhooks/" in urlsplit(base).path else f"/webhooks/{webhook.source}"
    token = f"/{webhook.token.decode()}" if webhook.token else ""
    query = f"?{webhook.query.decode()}" if webhook.query else ""
    return base.rstrip("/") + path + token + query


def _without_secrets(url: str) -> str:
    """The address without its query and without what follows the source's name: both may be a token."""
    parts = urlsplit(url)
    before, _, after = parts.path.partition("/webhooks/")
    return f"{parts.scheme}://{parts.netloc}{before}/webhooks/{after.partition('/')[0]}"
