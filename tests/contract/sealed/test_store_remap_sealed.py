"""What is said of `test_store_remap`, with a key."""

from tests.contract.test_store_remap import *  # noqa: F403
