"""`python -m bridge` is the command `trackbridge`."""

import sys

from bridge.cli import main

sys.exit(main())
