"""Nobody real is left in a sample, and everything else stays."""

import json
from pathlib import Path

import pytest

from bridge.drafts.invented import invented, pseudonym
from bridge.model import Json

MAPPINGS = Path(__file__).parents[3] / "mappings"


def test_people_are_made_up_and_the_rest_stays() -> None:
    document: Json = {
        "id": "evt_1",
        "order": {"total": "49.99", "note": "Please call Grace Hopper, grace@navy.mil"},
        "customer": {
            "name": "Grace Hopper",
            "email": "Grace.Hopper@Navy.mil",
            "phone": "+1 (555) 010-9999",
            "address1": "1 Pentagon Way",
            "city": "Arlington",
        },
        "ip": "198.51.100.17",
        "password": "hunter2",
        "product": {"name": "Compiler"},
    }
    made = invented(document)
    text = json.dumps(made.value)

    assert not any(word in text for word in ("Grace", "Hopper", "avy.mil", "555", "Pentagon", "198.51", "hunter2"))
    assert isinstance(made.value, dict)
    assert ("evt_1", {"name": "Compiler"}) == (made.value["id"], made.value["product"])
    assert "Arlington" in text
    assert "2 e-mail addresses, 1 name, 1 network address, 1 phone number, 1 secret, 1 street" == made.told()


@pytest.mark.parametrize("text", ["Grace Hopper", "Zoë-Marie O'Neil 3rd", "GRACE", "+1 (555) 010-9999", "李 明"])
def test_what_is_made_up_has_the_same_shape(text: str) -> None:
    made = pseudonym(text)

    assert len(text) == len(made)
    assert [char.isupper() for char in text] == [char.isupper() for char in made]
    assert [char.isalpha() for char in text] == [char.isalpha() for char in made]
    assert [char.isdigit() for char in text] == [char.isdigit() for char in made]
    assert made == pseudonym(text)


def test_an_address_is_the_same_wherever_it_stands() -> None:
    made = invented({"email": "Ada@corp.io", "log": ["to ada@corp.io", "cc bob@corp.io"]}).value
    assert isinstance(made, dict)
    address = str(made["email"]).lower()

    assert address.endswith("@example.com")
    assert [f"to {address}", True] == [made["log"][0], address not in str(made["log"])[len(address) + 4 :]]  # type: ignore[index]


def test_an_address_of_nobody_stays() -> None:
    document: Json = {"email": "ada@example.com", "other": "x@shop.test"}
    assert document == invented(document).value


def test_the_answers_of_a_form_are_made_up_by_their_questions() -> None:
    document: Json = {
        "fields": [
            {"label": "Your name", "type": "INPUT_TEXT", "value": "Grace Hopper"},
            {"label": "Team", "type": "INPUT_TEXT", "value": "Navy Yard"},
        ],
        "answers": [{"type": "text", "text": "Grace Hopper", "field": {"ref": "name"}}],
        "notes": [{"name": "click_id", "value": "5e6e"}],
    }
    made = invented(document).value
    text = json.dumps(made)

    assert "Grace" not in text
    assert "Navy Yard" in text
    assert '{"name": "click_id", "value": "5e6e"}' in text


def test_json_inside_a_text_is_looked_into() -> None:
    inner = json.dumps({"q3_name": {"first": "Grace", "last": "Hopper"}, "q4_email": "grace@navy.mil"})
    made = invented({"rawRequest": inner}).value
    assert isinstance(made, dict)
    read = json.loads(str(made["rawRequest"]))

    assert "Grace" not in str(made)
    assert read["q4_email"].endswith("@example.com")


@pytest.mark.parametrize("path", sorted(MAPPINGS.rglob("examples/*/*.json"))[::7], ids=lambda path: path.stem)
def test_the_shape_of_a_real_payload_stays(path: Path) -> None:
    document = json.loads(path.read_bytes())

    def shape(value: Json) -> Json:
        match value:
            case dict():
                return {key: shape(item) for key, item in value.items()}
            case list():
                return [shape(item) for item in value]
            case _:
                return type(value).__name__

    assert shape(document) == shape(invented(document).value)
