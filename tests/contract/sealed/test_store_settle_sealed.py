"""What is said of `test_store_settle`, with a key."""

from tests.contract.test_store_settle import *  # noqa: F403
