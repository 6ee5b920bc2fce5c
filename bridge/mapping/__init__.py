"""The mapping language: YAML text → rules → what a webhook means. Pure: no I/O, no clock, no random number.

`parse` is the only way in and finds every Problem at once; what it lets through, `apply` can use on any document
without raising. `explain` and `compare` tell people what came of it. The words are in docs/mapping.md.
"""

from bridge.mapping.apply import apply, handshake, unreadable
from bridge.mapping.claims import under_key
from bridge.mapping.compare import Verdict, compare, verdict
from bridge.mapping.document import compose
from bridge.mapping.explain import explain
from bridge.mapping.facts import facts
from bridge.mapping.parser import Parsed, parse
from bridge.mapping.render import render
from bridge.mapping.rules import EventRules, Example, Expression, Mapping, Rule
from bridge.mapping.traces import Explanation

__all__ = [
    "EventRules",
    "Example",
    "Explanation",
    "Expression",
    "Mapping",
    "Parsed",
    "Rule",
    "Verdict",
    "apply",
    "compare",
    "compose",
    "explain",
    "facts",
    "handshake",
    "parse",
    "render",
    "under_key",
    "unreadable",
    "verdict",
]
