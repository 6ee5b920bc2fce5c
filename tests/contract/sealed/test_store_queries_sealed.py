"""What is said of `test_store_queries`, with a key."""

from tests.contract.test_store_queries import *  # noqa: F403
