"""What is said of `test_store_reversals`, with a key."""

from tests.contract.test_store_reversals import *  # noqa: F403
