"""What is said of `test_store_waits`, with a key."""

from tests.contract import test_store_waits
from tests.contract.test_store_waits import *  # noqa: F403

#: these look into the raw database, or spoil it
for name in ["test_a_row_that_cannot_be_read_stops_nobody"]:
    assert globals().pop(name) is vars(test_store_waits)[name]
