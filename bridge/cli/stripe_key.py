"""The key of Stripe's API, for the commands that need one."""

from bridge.cli.ending import Failed
from bridge.config import Settings


def key_of(settings: Settings) -> str:
    """The API key. Raises Failed when there is none."""
    if settings.stripe_key is None:
        raise Failed(
            "STRIPE_API_KEY is not set: make a restricted key in Stripe (Developers, API keys) that may write "
            "Webhook Endpoints (for connect) and read Events (for reconcile)"
        )
    return settings.stripe_key.reveal()
