"""P9 from end to end: from a tap, through the clock and the send job, to a provider, and back by the link."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection

from service import time
from service.care.urgency import Urgency
from service.records import alert_notices, alerts, contacts, patients
from service.records.database import reading
from tests.alerts.house import NOON
from tests.house import completed
from tests.house import house as whole_house
from workers import alerting


def test_a_notice_goes_out_by_both_channels_and_its_link_leads_to_the_alert(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    with whole_house(database_url, redis_url, tmp_path) as house, time.held(NOON):
        sending, clinic = house.parts.sending, house.clinic
        house.post("session.completed", completed(ended_at=NOON - timedelta(minutes=1)))

        def tap(connection: Connection) -> int:
            contacts.add(connection, sending.vault, clinic.id, "Dr Ann", "+12025550201", "ann@hill.example", NOON)
            patient = patients.find(connection, sending.vault, clinic.id, "p1")
            assert patient is not None
            return alerts.open_alert(
                connection, sending, clinic, patient.id, None, Urgency.EMERGENCY, "breathing", "S1", "no air", NOON
            )

        alert = house.run(tap)
        assert alerting.escalate(house.parts) == 2
        house.deliver_due()
        sent = [entry for entry in house.handed_over() if "/a/" in str(entry)]
        assert len(sent) == 2
        tokens = {re.search(r"/a/(\w{11})", str(entry))[1] for entry in sent}  # type: ignore[index]
        assert len(tokens) == 2
        with reading(house.parts.engine) as connection:
            links = [alert_notices.behind_link(connection, token, NOON) for token in tokens]
        assert {None if link is None else link.alert.id for link in links} == {alert}
        assert not any(word in str(entry) for entry in sent for word in ("no air", "breathing"))
        assert any("Please call" in str(entry) for entry in house.handed_over())


def test_the_clinics_own_phone_is_not_offered_an_ack_that_would_name_nobody(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    with whole_house(database_url, redis_url, tmp_path) as house, time.held(NOON):
        sending, clinic = house.parts.sending, house.clinic
        house.post("session.completed", completed(ended_at=NOON - timedelta(minutes=1)))

        def alarm(connection: Connection, cause: str) -> None:
            patient = patients.find(connection, sending.vault, clinic.id, "p1")
            assert patient is not None
            said = (sending, clinic, patient.id, None, Urgency.EMERGENCY, cause, "S1", "no air")
            alerts.open_alert(connection, *said, NOON, tell_patient=False)

        def round_of(cause: str) -> list[str]:
            house.run(lambda connection: alarm(connection, cause))
            before = len(house.handed_over())
            alerting.escalate(house.parts)
            house.deliver_due()
            return [entry.body for entry in house.handed_over()[before:] if "/a/" in entry.body]

        (to_the_house,) = round_of("breathing")
        assert "/a/" in to_the_house
        assert "your name" in to_the_house
        assert "ACK" not in to_the_house
        nurse = ("Dr Ann", "+12025550201", None)
        house.run(lambda connection: contacts.add(connection, sending.vault, clinic.id, *nurse, NOON))
        (to_a_person,) = round_of("chest_pain")
        assert "ACK" in to_a_person
