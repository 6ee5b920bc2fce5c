"""trackbridge: proven webhooks in, leads and sales out, each explained."""

__version__ = "0.1.0"
