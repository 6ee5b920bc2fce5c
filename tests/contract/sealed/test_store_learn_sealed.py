"""What is said of `test_store_learn`, with a key."""

from tests.contract.test_store_learn import *  # noqa: F403
