"""`trackbridge stripe`: Stripe's side of the bridge, set up and checked with an API key."""

import argparse

from bridge.cli import stripe_connect, stripe_reconcile

EXAMPLE = "stripe connect --url https://hooks.example.com"

_ACTIONS = {
    "connect": (stripe_connect, "let Stripe send exactly the event types that the mapping uses"),
    "reconcile": (stripe_reconcile, "take in what Stripe says happened and no webhook told"),
}


def declare(parser: argparse.ArgumentParser) -> None:
    """Each action has options of its own."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    for name, (module, sentence) in _ACTIONS.items():
        action = actions.add_parser(
            name, help=sentence, description=f"{sentence[0].upper()}{sentence[1:]}.", allow_abbrev=False
        )
        module.declare(action)
        action.set_defaults(act=module.run)


def run(options: argparse.Namespace) -> int:
    """Do the action that was asked for."""
    code: int = options.act(options)
    return code
