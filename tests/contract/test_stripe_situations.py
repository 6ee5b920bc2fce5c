"""Every situation goes as its line says, through the real store; and the page says the same."""

import pytest

from bridge.mapping import Mapping
from tests.contract.stripe_bridge import a_folder
from tests.contract.stripe_more_cases import SITUATIONS
from tests.contract.stripe_situations import Situation, told
from tests.contract.tellings import MAPPINGS, mapping_of

BY = {name: mapping_of(MAPPINGS / f"{name}.yaml") for name in ("stripe", "stripe-payments")}
ALL = [
    pytest.param(BY[name], situation, id=situation.name)
    for name, situations in SITUATIONS.values()
    for situation in situations
]


@pytest.mark.parametrize(("mapping", "situation"), ALL)
def test_what_comes_in_makes_exactly_these_calls(mapping: Mapping, situation: Situation) -> None:
    with a_folder() as folder:
        assert (situation.calls, situation.reasons) == told(situation, mapping, folder)
