"""What is said of `test_store_record`, with a key."""

from tests.contract.test_store_record import *  # noqa: F403
