"""compose.yaml: what it starts fits together, is closed, and is what the documents say of it."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from bridge.assembly.ending import DRAIN_SECONDS
from bridge.config import SETTINGS

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
REPLICAS = {name: service for name, service in SERVICES.items() if service["image"] == "trackbridge"}
CADDYFILE: str = COMPOSE["configs"]["caddyfile"]["content"]
PASSWORD = re.compile(r"\$\{POSTGRES_PASSWORD:\?[^}]+\}")


def test_it_starts_two_replicas_a_database_and_a_balancer() -> None:
    assert {"trackbridge-1", "trackbridge-2", "database", "balancer"} == SERVICES.keys()
    assert ["trackbridge-1", "trackbridge-2"] == list(REPLICAS)


def test_replicas_are_the_same() -> None:
    first, *others = REPLICAS.values()

    assert [first] * len(others) == others


@pytest.mark.parametrize("name", REPLICAS)
def test_a_replica_waits_for_a_database_that_answers(name: str) -> None:
    assert {"database": {"condition": "service_healthy"}} == REPLICAS[name]["depends_on"]
    assert "healthcheck" in SERVICES["database"]


@pytest.mark.parametrize("name", REPLICAS)
def test_a_replica_can_do_nothing_but_its_work(name: str) -> None:
    replica = REPLICAS[name]

    assert (True, ["ALL"], ["no-new-privileges:true"]) == (
        replica["read_only"],
        replica["cap_drop"],
        replica["security_opt"],
    )
    assert "ports" not in replica
    assert not {"privileged", "user", "cap_add"} & replica.keys()


@pytest.mark.parametrize("name", REPLICAS)
def test_it_is_given_the_time_to_drain(name: str) -> None:
    assert int(REPLICAS[name]["stop_grace_period"].removesuffix("s")) > DRAIN_SECONDS


def test_the_database_is_the_one_that_replicas_are_told_of() -> None:
    told = next(iter(REPLICAS.values()))["environment"]["TRACKBRIDGE_DATABASE_URL"]
    url = urlsplit(PASSWORD.sub("secret", told))
    database = SERVICES["database"]["environment"]

    assert ("postgresql", "database", 5432, "secret") == (url.scheme, url.hostname, url.port, url.password)
    assert (url.username, url.path[1:]) == (database["POSTGRES_USER"], database["POSTGRES_DB"])
    check = SERVICES["database"]["healthcheck"]["test"]
    assert {f"--username={url.username}", f"--dbname={url.path[1:]}"} < set(check)


def test_no_password_stands_there_and_a_missing_one_is_asked_for() -> None:
    told = [
        next(iter(REPLICAS.values()))["environment"]["TRACKBRIDGE_DATABASE_URL"],
        SERVICES["database"]["environment"]["POSTGRES_PASSWORD"],
    ]

    assert [1, 1] == [len(PASSWORD.findall(text)) for text in told]


def test_settings_are_known_and_secrets_come_from_outside() -> None:
    known = {setting.env: setting for setting in SETTINGS}
    environment = next(iter(REPLICAS.values()))["environment"]

    assert [] == [name for name in environment if name.startswith(("TRACKBRIDGE_", "CMS_")) and name not in known]
    given = {name for name, value in environment.items() if value is not None}
    assert {"TRACKBRIDGE_DATABASE_URL"} == given


def test_only_the_balancer_is_reached_from_outside_and_only_from_this_machine() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert {"balancer": ["127.0.0.1:8000:8000"]} == published


def test_the_balancer_shares_out_among_all_replicas_that_are_ready() -> None:
    (upstreams,) = re.findall(r"reverse_proxy (.+) \{", CADDYFILE)

    assert [f"{name}:8000" for name in REPLICAS] == upstreams.split()
    assert list(REPLICAS) == SERVICES["balancer"]["depends_on"]
    assert "health_uri /readyz" in CADDYFILE
    assert CADDYFILE.count("{") == CADDYFILE.count("}")
    assert "$" not in CADDYFILE, "compose would replace it"


def test_what_is_used_is_declared_and_what_is_declared_is_used() -> None:
    mounted = {
        volume.partition(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
        if not volume.startswith((".", "/"))
    }
    configured = {config["source"] for service in SERVICES.values() for config in service.get("configs", [])}

    assert COMPOSE["volumes"].keys() == mounted
    assert COMPOSE["configs"].keys() == configured


def test_the_databases_volume_is_where_its_image_keeps_it() -> None:
    """Up to 17 the image keeps it there; in 18 another folder is the volume."""
    (image,) = re.findall(r"^postgres:(\d+)$", SERVICES["database"]["image"])

    assert int(image) <= 17
    assert ["database:/var/lib/postgresql/data"] == SERVICES["database"]["volumes"]


def test_everything_comes_back_after_a_reboot() -> None:
    assert {"unless-stopped"} == {service["restart"] for service in SERVICES.values()}
