"""How much is on its way and about how long it takes at the tracker's rate, in numbers and in words. Pure.

Only what is due is counted: what is tried again later, or waits for something, is told beside it. No rate, no
estimate; and nothing is promised while the tracker is paused.
"""

from datetime import timedelta

from bridge.model import Backlog, Json, Tracker
from bridge.notices import spell
from bridge.rate import Pace


def seconds(backlog: Backlog, pace: Pace) -> float | None:
    """How long what is due takes, were everything to go well; None when no rate says so."""
    return None if pace.is_free else backlog.due / pace.per_second


def told(backlog: Backlog, tracker: Tracker, pace: Pace) -> str:
    """`840 waiting, about 15 min at 60/min`; while paused `840 waiting; paused; then about 15 min at 60/min`."""
    if not backlog.due:
        return "paused; nothing to send" if tracker.is_paused else "nothing to send now"
    many = f"{backlog.due} waiting"
    takes = seconds(backlog, pace)
    span = "as fast as it goes" if takes is None else f"{_about(takes)} at {pace}"
    return f"{many}; paused; then {span}" if tracker.is_paused else f"{many}, {span}"


def _about(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"about {spell(timedelta(minutes=minutes))}" if minutes else "less than a minute"


def facts(backlog: Backlog, tracker: Tracker, pace: Pace) -> dict[str, Json]:
    """The same for machines: what is due, what holds up the rest."""
    takes = seconds(backlog, pace)
    return {
        "due": backlog.due,
        "seconds": None if takes is None else round(takes, 1),
        "rate": str(pace),
        "told": told(backlog, tracker, pace),
        "held": {
            "lanes": backlog.held_lanes,
            "deliveries": backlog.held,
            "next_at": backlog.next_at.isoformat() if backlog.next_at else None,
            "by": [{"why": why, "lanes": lanes} for why, lanes in backlog.held_by],
        },
        "waiting": {
            "lanes": backlog.waiting_lanes,
            "deliveries": backlog.waiting,
            "for": [{"why": why, "deliveries": number} for why, number in backlog.waiting_for],
        },
        "dead": {"lanes": backlog.dead_lanes, "deliveries": backlog.dead},
    }
