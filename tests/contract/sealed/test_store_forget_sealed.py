"""What is said of `test_store_forget`, with a key."""

from tests.contract import test_store_forget
from tests.contract.test_store_forget import *  # noqa: F403

#: these look into the raw database, or spoil it
for name in [
    "test_nothing_of_a_person_is_left_and_everybody_else_is_as_before",
    "test_a_shared_body_goes_with_the_first_person_of_it_and_the_others_keep_their_deliveries",
    "test_many_events_are_looked_through_and_removed_in_portions",
]:
    assert globals().pop(name) is vars(test_store_forget)[name]
