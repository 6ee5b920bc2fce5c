"""What is said of `test_store_batches`, with a key."""

from tests.contract import test_store_batches
from tests.contract.test_store_batches import *  # noqa: F403

#: these look into the raw database, or spoil it
for name in [
    "test_a_thousand_items_cost_one_body",
    "test_single_events_keep_their_own_bodies_however_alike",
    "test_a_body_stays_as_long_as_one_item_needs_it",
    "test_the_last_one_takes_the_body_with_it",
]:
    assert globals().pop(name) is vars(test_store_batches)[name]
