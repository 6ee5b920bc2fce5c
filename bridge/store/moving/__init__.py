"""Moving everything from one database to another, whichever kind each of them is: `trackbridge migrate-store`.

Guarantees: everything arrives, proven row by row, in one transaction, or nothing does; a move that was broken off,
wherever, is ended or begun anew by running it again; afterwards only one of the two can be served from.
"""

from bridge.store.moving.move import Moved, Plan, go, plan, undo

__all__ = ["Moved", "Plan", "go", "plan", "undo"]
