"""Every shipped mapping keeps its own examples, and its payloads are nobody's."""

import re
from pathlib import Path

import pytest

from bridge import sources
from bridge.demo.samples import webhook_of
from bridge.mapping import Example, Mapping, compare
from tests.contract.tellings import MAPPINGS, RECEIVED_AT, mapping_of, meanings, parsed

FILES = sorted(MAPPINGS.glob("*.yaml"))

#: What Razorpay writes for a payer who gave no address: nobody.
NOBODY = frozenset(("void@razorpay.com",))

EXAMPLES = [
    pytest.param(mapping, example, id=f"{mapping.source}: {example.name}")
    for mapping in map(mapping_of, FILES)
    for example in mapping.examples
]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_shipped_mapping_has_neither_problems_nor_warnings(file: Path) -> None:
    assert [] == [str(problem) for problem in parsed(file).problems]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_shipped_mapping_is_proven_by_the_secret_named_after_it(file: Path) -> None:
    mapping = mapping_of(file)
    scheme, problems = sources.parse(mapping.verify)
    assert [] == [str(problem) for problem in problems]
    assert scheme is not None
    variable = mapping.source.upper().replace("-", "_") + "_WEBHOOK_SECRET"
    assert [f"${{{variable}}}"] == [node.text for node in scheme.secret]


@pytest.mark.parametrize(("mapping", "example"), EXAMPLES)
def test_an_example_becomes_what_it_must(mapping: Mapping, example: Example) -> None:
    webhook = webhook_of((MAPPINGS / example.webhook).read_bytes(), mapping.source, RECEIVED_AT)
    assert [] == compare(example, meanings(mapping, sources.sample(webhook)))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_payload_is_some_example(file: Path) -> None:
    mapping = mapping_of(file)
    used = [example.webhook for example in mapping.examples]
    there = [path.relative_to(MAPPINGS).as_posix() for path in (MAPPINGS / "examples" / mapping.source).iterdir()]
    assert sorted(there) == sorted(used)
    assert len(used) == len({example.name for example in mapping.examples})


@pytest.mark.parametrize("path", sorted(MAPPINGS.rglob("examples/**/*.json")), ids=lambda path: path.stem)
def test_nobody_in_an_example_is_real(path: Path) -> None:
    # a body of its own kind holds quotes, commas and colons around an address
    words = re.split(r"""[\s"\\,;:<>()]+""", path.read_text(encoding="utf-8"))
    addresses = [word for word in words if "@" in word and word not in NOBODY]
    assert [] == [address for address in addresses if not address.lower().endswith("@example.com")]
