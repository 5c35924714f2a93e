"""`aftercare webhook` and the events by cursor."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from commands.webhook import webhook
from service import time
from service.records import clinics, hooks
from tests.fhir.conftest import Desk, desk  # noqa: F401  (a fixture)


@pytest.fixture
def command(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: F811
    settings = desk.here.settings
    monkeypatch.setenv("AFTERCARE_VAR", str(settings.var))
    monkeypatch.setenv("AFTERCARE_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("AFTERCARE_REDIS_URL", settings.redis_url)
    monkeypatch.setenv("AFTERCARE_KEYS", settings.keys.get_secret_value())

    def run(*words: object) -> Result:
        return CliRunner().invoke(webhook, [str(word) for word in words])

    return run


def test_an_endpoint_from_beginning_to_end(desk: Desk, command: Any) -> None:  # noqa: F811
    made = json.loads(command("add", desk.clinic_id, "https://clinic.example/h", "--type", "alert.opened").output)
    assert made["secret"].startswith("whsec_")
    assert made["types"] == ["alert.opened"]
    vault = desk.here.sending.vault
    hooks.forget_known()
    with desk.here.engine.begin() as connection:
        for number in range(3):
            hooks.announce(
                connection, vault, desk.clinic_id, None, hooks.Type.ALERT_OPENED, {"number": number}, time.now()
            )
    listed = json.loads(command("list", desk.clinic_id).output)
    assert listed["deliveries"] == {"waiting": 3}
    assert "secret" not in listed
    assert command("remove", made["id"]).exit_code == 0
    assert json.loads(command("list").output)["state"] == "disabled"
    assert "disabled" in command("resend", made["id"]).output
    other = json.loads(command("add", desk.clinic_id, "https://clinic.example/h").output)
    assert command("resend", other["id"]).output == "3 in line again\n"
    page = desk.get("/v1/webhook-events?limit=2").json
    assert [one["body"]["data"]["number"] for one in page["events"]] == [0, 1]
    rest = desk.get(f"/v1/webhook-events?after={page['next']}").json
    assert [one["body"]["data"]["number"] for one in rest["events"]] == [2]
    assert command("resend", other["id"], "--event", rest["events"][0]["id"]).output == "1 in line again\n"
    assert desk.get(f"/v1/webhook-events?after={rest['next']}").json == {"events": [], "next": rest["next"]}


def test_nobody_reads_anothers_events(desk: Desk, command: Any) -> None:  # noqa: F811
    command("add", desk.clinic_id, "https://clinic.example/h")
    hooks.forget_known()
    with desk.here.engine.begin() as connection:
        vault = desk.here.sending.vault
        hooks.announce(connection, vault, desk.clinic_id, None, hooks.Type.REPLY, {"text": "hot knee"}, time.now())
        fields = {"name": "Dale", "display_name": "Dale", "phone": "202 555 0101"}
        other = clinics.new_api_key(connection, clinics.add(connection, fields, time.now()).id, time.now())
    theirs = desk.client.get("/v1/webhook-events", headers={"Authorization": f"Bearer {other}"})
    assert theirs.json["events"] == []


@pytest.mark.parametrize(
    "words",
    [
        ("add", "1", "https://clinic.example/"),
        ("add", "{clinic}", "http://clinic.example/"),
        ("add", "{clinic}", "https://10.0.0.1/"),
        ("add", "{clinic}", "https://c.example/", "--type", "x"),
        ("remove", "5"),
        ("resend", "5"),
        ("resend", "5", "--event", "x"),
    ],
)
def test_mistakes_are_said(desk: Desk, command: Any, words: tuple[str, ...]) -> None:  # noqa: F811
    result = command(*[word.format(clinic=desk.clinic_id) for word in words])
    assert result.exit_code in (1, 2)
    assert "Error" in result.output
    assert "Traceback" not in result.output
