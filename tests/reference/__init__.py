"""What is promised about deliveries, as a small model: claims, lanes, the verdict table, pauses, the rate.

Written from the promises, not from the code, and as plainly as can be: dicts, no index, no transaction. It is told
what the worker does and says whether that may be, and where everything must stand afterwards. Times are milliseconds;
budgets run on a clock that stands still while the tracker is paused. Not in it: remaps, click ids, the limit of eight
failing requests at once.
"""

from tests.reference.model import Model
from tests.reference.parts import Health, Known, S

__all__ = ["Health", "Known", "Model", "S"]
