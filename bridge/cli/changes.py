"""How replay and dismiss tell what they did to each delivery."""

from collections.abc import Sequence

from bridge.cli.ending import Exit
from bridge.cli.output import printable, say, say_json, talk
from bridge.store.base import Changed

#: More than so many that went as they should are counted, not named.
_MOST_NAMED = 20


def tell_changes(
    changes: Sequence[Changed],
    *,
    done: str,
    undone: str,
    is_json: bool,
    is_brief: bool = False,
    nothing: str = "nothing is dead",
) -> Exit:
    """One line each: what was done is data, what was not is talk; it fails when one was not."""
    well = [one for one in changes if one.done]
    if is_json:
        say_json([{"delivery": one.delivery_id, "done": one.done, "why": one.why} for one in changes])
    elif is_brief and len(well) > _MOST_NAMED:
        say(f"{len(well):,} {done}")
    else:
        for one in well:
            say(f"{one.delivery_id}: {done}{_why(one)}")
    if not is_json:
        for one in changes:
            if not one.done:
                talk(f"{one.delivery_id}: {undone}{_why(one)}")
        if not changes:
            talk(nothing)
    return Exit.DONE if len(well) == len(changes) else Exit.FAILED


def _why(one: Changed) -> str:
    return f": {printable(one.why)}" if one.why else ""


def tell_left(left: int, last: int) -> Exit:
    """Somebody stopped it: what is done stays done, and how to do the rest."""
    talk(f"stopped: {left:,} left; what was done is done. The same command with --after {last} does the rest")
    return Exit.INTERRUPTED
