"""P1 and P9 for who reads by cursor: nothing that was taken in is passed by, however long its transaction took."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Connection

from service import time
from service.api import settled
from service.app import create_app
from service.care.surveys import Answer
from service.care.urgency import Urgency
from service.records import alerts, clinics, hook_endpoints, responses, settling
from service.records.responses import Change
from tests.house import House, house
from tests.promises.population import treat
from tests.promises.test_p3_wanted import session_of


@pytest.fixture
def h(postgresql_url: str, redis_url: str, tmp_path: Path) -> Iterator[House]:
    """On PostgreSQL: SQLite's transactions come one after another."""
    with house(postgresql_url, redis_url, tmp_path) as made:
        yield made


@pytest.fixture
def client(h: House) -> FlaskClient:
    key = h.run(lambda c: clinics.new_api_key(c, h.clinic.id, time.now()))
    h.run(
        lambda c: hook_endpoints.add(c, h.parts.sending.vault, h.clinic.id, "https://clinic.example/", "*", time.now())
    )
    client = create_app(h.parts.settings).test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key}"
    return client


def say(h: House, connection: Connection, session: str) -> None:
    """Something that shows up in all three lists: an alert, a survey that was sent off, and the events of both."""
    one, sending = session_of(h, session), h.parts.sending
    assert one.patient_id is not None
    now = time.now()
    alerts.open_alert(
        connection, sending, h.clinic, one.patient_id, one.id, Urgency.URGENT, "fever", f"survey {session}", "", now
    )
    change = Change({"pain": Answer("pain", 3, None)}, finish=True)
    responses.save(connection, sending.vault, one.patient_id, one.id, "S1", change, now)


def test_a_reader_waits_out_what_clocks_differ_by() -> None:
    """The tests' own machine is set to wait for nothing: see `conftest`."""
    assert "SKEW_SECONDS = 1.0" in Path(settling.__file__).read_text("utf-8")


PLACES = ["alerts", "answers", "webhook-events"]


def read(client: FlaskClient, place: str, after: str = "0") -> tuple[int, str]:
    page = client.get(f"/v1/{place}?after={after}").json
    rows = next(value for name, value in page.items() if isinstance(value, list))
    return len(rows), page["next"]


@pytest.mark.parametrize("place", PLACES)
def test_p1_what_commits_late_is_waited_for(h: House, client: FlaskClient, place: str) -> None:
    slow, quick = treat(h, 0), treat(h, 1)
    before = read(client, place)
    with h.parts.engine.connect() as connection, connection.begin() as under_way:
        say(h, connection, slow)
        h.run(lambda c: say(h, c, quick))
        found: list[tuple[int, str]] = []
        reader = threading.Thread(target=lambda: found.append(read(client, place, before[1])))
        reader.start()
        time.sleep(0.5)
        assert found == [], "the reader did not wait for the one that came first"
        under_way.commit()
        reader.join(10)
    [(rows, _)] = found
    assert rows == read(client, place, before[1])[0] >= 2


@pytest.mark.parametrize("place", PLACES)
def test_p1_a_reader_waits_no_longer_than_it_says_and_passes_nothing_by(
    h: House, client: FlaskClient, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, quick = treat(h, 0), treat(h, 1)
    _, after = read(client, place)
    monkeypatch.setattr(settled, "MOST_SECONDS", 0.3)
    with h.parts.engine.connect() as connection, connection.begin() as under_way:
        say(h, connection, slow)
        h.run(lambda c: say(h, c, quick))
        assert read(client, place, after) == (0, after)
        under_way.commit()
    monkeypatch.undo()
    assert read(client, place, after)[0] >= 2


def test_p8_every_page_that_holds_words_is_noted(h: House, client: FlaskClient) -> None:
    session = treat(h)
    h.run(lambda connection: say(h, connection, session))
    for place in PLACES:
        read(client, place)
    noted = {row.action for row in h.sql("SELECT action FROM audit WHERE actor = 'api'")}
    assert noted == {"alert.read", "answers.read", "webhook_events.read"}
