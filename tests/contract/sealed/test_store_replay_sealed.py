"""What is said of `test_store_replay`, with a key."""

from tests.contract.test_store_replay import *  # noqa: F403
