"""What is meant as it is written is let through: no check may get in the way of a good mapping."""

import pytest

from tests.unit.mapping.factories import mapping_text, problems_of


@pytest.mark.parametrize(
    "line",
    [
        # double quotes around names
        "when: '\"utm-source\" == ''x'''",
        'click_id: lower("First name")',
        'customer_external_id: customer."id"',
        'click_id: data."type"',
        # pipes that hand a value on
        "click_id: data | click",
        "click_id: click | lower(@)",
        "when: status == 'paid' | @",
        # lists of which one is taken
        "click_id: (items[*].id)[0]",
        "click_id: items[*].id | [0]",
        "click_id: (items[?a == 'b'].c | [0]) || click",
        "click_id: values(a)[0]",
        "click_id: a.[b, c] | [0]",
        "click_id: merge(a, b).click",
        # conditions and choices
        "click_id: status == 'paid' && click || other",
        "click_id: to_text(status == 'paid')",
        "when: status != 'a' && status != 'b'",
        "when: status == 'a' || status == 'b'",
        "when: status == 'a' && total == `5`",
        "when: status != 'a' || other != 'b'",
        "when: '!(a || b)'",
        "when: (a == 'x') == b",
        "when: '!(a.b)'",
        "when: \"!contains(a, 'x') && !b\"",
        "when: '!a == `true`'",
        "when: data.invoice || data.enabled != `true`",
        "when: data.type || other.status == 'paid'",
        "click_id: (data.x | lower(@)) || data.y",
        "click_id: status == 'paid' && click || `null`",
        "when: items[?price > `5`]",
        "when: contains(['paid', 'done'], status)",
        # fields that are called as functions, methods or flags are
        "when: box.length == 'long'",
        "when: length(items) > `0`",
        "when: answers.yes == 'x'",
        "click_id: order.title",
        # numbers
        "amount: sum(items[*].price)",
        "amount: sum(map(&multiply(price, quantity), items))",
        "amount: length(items)",
        "amount: max(items[*].price)",
        "amount: total || `0`",
        "amount: multiply(total, '1.19')",
        "currency: {value: usd}",
        "click_id: {value: '5'}",
    ],
)
def test_a_sound_line_has_no_problem(line: str) -> None:
    assert "" == problems_of(mapping_text(line))
