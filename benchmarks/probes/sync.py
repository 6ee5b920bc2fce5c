"""How long a small durable write takes: `python -m benchmarks.probes.sync FOLDER`."""

import json
import sys
from pathlib import Path

from benchmarks.machine import sync_ms

if __name__ == "__main__":
    print(json.dumps({"sync_ms": sync_ms(Path(sys.argv[1]), 50)}))
