"""What is said of `test_store_claim`, with a key."""

from tests.contract import test_store_claim
from tests.contract.test_store_claim import *  # noqa: F403

#: these look into the raw database, or spoil it
for name in [
    "test_a_row_that_cannot_be_read_dies_alone",
    "test_a_probe_that_cannot_be_read_makes_room_for_another",
    "test_the_oldest_duplicate_takes_the_place_of_one_that_cannot_be_read",
    "test_a_row_that_cannot_be_read_any_more_is_settled_as_it_was_claimed",
]:
    assert globals().pop(name) is vars(test_store_claim)[name]
