"""What replicas must have in common, and how it is said that they have not."""

import pytest

from bridge.agreement import differences
from bridge.model import Replica


def a_replica(name: str, **said: dict[str, str]) -> Replica:
    return Replica(id=f"{name}000", host=f"web-{name}", version="1", **said)  # type: ignore[arg-type]


A = {"stripe": "r1"}
RATE = {"CMS_RATE_LIMIT": "60/min"}


def test_replicas_that_work_alike_do_not_differ() -> None:
    assert () == differences([a_replica(name, sources=A, settings=RATE) for name in "123"])


def test_one_alone_and_nobody_do_not_differ() -> None:
    assert () == differences([a_replica("1", sources=A)])
    assert () == differences([])


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ({"sources": A}, {"sources": {"stripe": "r2"}}, 'mapping "stripe": r1 on web-1/1000; r2 on web-2/2000'),
        ({"sources": A}, {}, 'mapping "stripe": none on web-2/2000; r1 on web-1/1000'),
        (
            {"sources": A},
            {"sources": {"stripe": "r1 (off)"}},
            'mapping "stripe": r1 on web-1/1000; r1 (off) on web-2/2000',
        ),
        (
            {"settings": RATE},
            {"settings": {"CMS_RATE_LIMIT": "9/s"}},
            "CMS_RATE_LIMIT: 60/min on web-1/1000; 9/s on web-2/2000",
        ),
    ],
    ids=["another revision", "not there", "off", "a setting"],
)
def test_a_difference_names_both_sides(
    one: dict[str, dict[str, str]], other: dict[str, dict[str, str]], said: str
) -> None:
    (found,) = differences([a_replica("1", **one), a_replica("2", **other)])

    assert said == str(found)


def test_a_setting_that_another_version_does_not_know_is_no_difference() -> None:
    assert () == differences([a_replica("1", settings=RATE), a_replica("2")])


def test_what_most_have_comes_first_and_many_names_are_cut() -> None:
    replicas = [a_replica(str(number), sources={"stripe": "new" if number else "old"}) for number in range(8)]

    (found,) = differences(replicas)

    assert ["new", "old"] == [value for value, _ in found.sides]
    assert str(found).startswith('mapping "stripe": new on web-1/1000, ')
    assert "web-5/5000 and 2 more; old on web-0/0000" in str(found)


def test_the_same_difference_is_known_again_whoever_has_which_side() -> None:
    (one,) = differences([a_replica("1", sources=A), a_replica("2", sources={"stripe": "r2"})])
    (other,) = differences([a_replica("3", sources={"stripe": "r2"}), a_replica("4", sources=A)])

    assert one.key == other.key
    assert str(one) != str(other)
