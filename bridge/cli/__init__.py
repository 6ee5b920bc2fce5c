"""The command `trackbridge`: data to stdout, talk to stderr, one file per command.

Exit codes: 0 done · 1 the work failed · 2 wrong usage · 3 could not start · 130 interrupted.
"""

from bridge.cli.frame import main

__all__ = ["main"]
