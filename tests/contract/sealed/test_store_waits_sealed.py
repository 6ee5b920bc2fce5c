"""What is said of `test_store_waits`, with a key."""

from tests.contract.test_store_waits import *  # noqa: F403
