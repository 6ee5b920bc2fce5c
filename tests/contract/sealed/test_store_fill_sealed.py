"""What is said of `test_store_fill`, with a key."""

from tests.contract.test_store_fill import *  # noqa: F403
