"""What is said of `test_store_retention`, with a key."""

from tests.contract.test_store_retention import *  # noqa: F403
