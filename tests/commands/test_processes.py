"""docker-compose.yml and `aftercare up` run the same processes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from commands.processes import MIGRATE, PROCESSES
from commands.up import children

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service.get("image", "").startswith("aftercare")}
ARGUMENTS = {**PROCESSES, "migrate": MIGRATE}


def test_both_run_the_same_processes() -> None:
    assert {name: tuple(service["command"]) for name, service in OURS.items()} == ARGUMENTS


def test_up_starts_each_of_them_and_stops_redis_users_in_order() -> None:
    made = children("unix:///socket", ["aftercare"], {"A": "1"})
    assert {child.name: tuple(child.argv[1:]) for child in made} == PROCESSES
    assert all(child.env["AFTERCARE_REDIS_URL"] == "unix:///socket" for child in made)
    order = {child.name: child.stop_order for child in made}
    assert max(order[name] for name in order if name not in ("web", "clock")) < order["web"] < order["clock"] < 100


@pytest.mark.parametrize("name", sorted(OURS))
def test_each_is_confined(name: str) -> None:
    service = OURS[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] == ("on-failure:10" if name == "migrate" else "unless-stopped")


@pytest.mark.parametrize("name", sorted(set(ARGUMENTS) - {"migrate"}))
def test_none_starts_before_the_database_has_its_schema(name: str) -> None:
    conditions = {needed: how["condition"] for needed, how in OURS[name]["depends_on"].items()}
    assert conditions == {"migrate": "service_completed_successfully", "redis": "service_healthy"}


def test_the_database_counts_as_healthy_only_where_the_others_look_for_it() -> None:
    assert OURS["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    asked = " ".join(SERVICES["postgres"]["healthcheck"]["test"])
    assert "pg_isready" in asked
    assert "--host 127.0.0.1" in asked


@pytest.mark.parametrize("name", sorted(OURS))
def test_the_published_port_is_the_one_that_web_listens_at_whatever_env_says(name: str) -> None:
    published = str(SERVICES["web"]["ports"][0]).rsplit(":", 1)[1]
    assert OURS[name]["environment"]["AFTERCARE_PORT"] == published
    assert OURS[name]["environment"]["AFTERCARE_HOST"] == "0.0.0.0"


def test_the_queue_is_written_down_and_never_evicted() -> None:
    command = " ".join(SERVICES["redis"]["command"])
    assert "--appendonly yes" in command
    assert "--maxmemory-policy noeviction" in command


def test_no_secret_stands_in_the_files() -> None:
    """P8. Every secret is asked for (`${NAME:?…}`) or left empty."""
    for service in SERVICES.values():
        for name, value in (service.get("environment") or {}).items():
            if re.search("PASSWORD|TOKEN|KEY|SECRET|DATABASE_URL", name):
                assert re.search(r"\$\{[A-Z_]+:\?", value), name
    for line in (ROOT / ".env.example").read_text().splitlines():
        name, _, value = line.partition("=")
        if re.fullmatch("[A-Z_]*(PASSWORD|TOKEN|KEY|KEYS|SECRET|SID)", name):
            assert value == "", name
