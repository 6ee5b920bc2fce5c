"""How replay and dismiss tell what they did to each delivery."""

from collections.abc import Sequence

from bridge.cli.ending import Exit
from bridge.cli.output import printable, say, say_json, talk
from bridge.store.base import Changed


def tell_changes(changes: Sequence[Changed], *, done: str, undone: str, is_json: bool) -> Exit:
    """One line each: what was done is data, what was not is talk; it fails when one was not."""
    if is_json:
        say_json([{"delivery": one.delivery_id, "done": one.done, "why": one.why} for one in changes])
    else:
        for one in changes:
            why = f": {printable(one.why)}" if one.why else ""
            if one.done:
                say(f"{one.delivery_id}: {done}{why}")
            else:
                talk(f"{one.delivery_id}: {undone}{why}")
        if not changes:
            talk("nothing is dead")
    return Exit.DONE if all(one.done for one in changes) else Exit.FAILED
