"""Every function an expression may call: jmespath's own, and ours.

Ours give null for a null first argument, so that `||` can go on, refuse what they cannot read by an `Unfit` that
names the type and never the value, and are bounded in time and size whatever they are given. Each of ours is
documented in docs/functions.md with an example that is a test.
"""

from bridge.mapping.functions.function import Function
from bridge.mapping.functions.table import FUNCTIONS

__all__ = ["FUNCTIONS", "Function"]
