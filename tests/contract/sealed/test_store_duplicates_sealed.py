"""What is said of `test_store_duplicates`, with a key."""

from tests.contract.test_store_duplicates import *  # noqa: F403
