"""How many files this process may have open: a connection is one, and the usual soft limit is far below what is needed.

The soft limit is raised as far as the hard one allows, so `ulimit -n` of the operator stays the last word.
"""

import contextlib
import logging
import resource
from typing import Final

from bridge import logs

_log = logs.get("bridge.serve")

#: More is never needed.
MOST_FILES: Final = 65_536


def raise_open_files() -> int:
    """Raise the soft limit; what holds now."""
    before, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if before == resource.RLIM_INFINITY or before >= wanted:
        return before
    # some systems allow less than they say
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    now, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    logs.event(_log, logging.INFO, "limits.files", before=before, now=now)
    return now
