"""The only place where concrete things meet: settings in, a running bridge out, and its orderly end.

Everything is checked before the port opens. On SIGTERM or SIGINT: stop accepting, answer what is being
answered, finish what is in flight within ten seconds, settle it, close the database, exit 0.
"""

from bridge.assembly.clock import utcnow
from bridge.assembly.fresh import load_library
from bridge.assembly.parts import Running, running
from bridge.assembly.serving import serve, serve_until_stopped

__all__ = ["Running", "load_library", "running", "serve", "serve_until_stopped", "utcnow"]
