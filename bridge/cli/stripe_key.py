"""The key of Stripe's API, and the mapping that it is about, for the commands that need them."""

from bridge import families
from bridge.cli.ending import Failed
from bridge.cli.mappings import source_named
from bridge.config import Settings
from bridge.library import Source


def key_of(settings: Settings) -> str:
    """The API key. Raises Failed when there is none."""
    if settings.stripe_key is None:
        raise Failed(
            "STRIPE_API_KEY is not set: make a restricted key in Stripe (Developers, API keys) that may write "
            "Webhook Endpoints (for connect) and read Events (for reconcile)"
        )
    return settings.stripe_key.reveal()


def stripe_source(name: str, settings: Settings) -> Source:
    """The source of this name. Raises Failed when it is not of Stripe's, or wants no events of it."""
    source = source_named(name, settings, secretly=False)
    if not families.is_stripe(source.mapping):
        raise Failed(f'"{name}" is not of Stripe: its mapping does not say `verify: {{scheme: stripe}}`')
    if not source.mapping.types:
        raise Failed(f'the rules of "{name}" name no event types: give each rule its `types`')
    return source
