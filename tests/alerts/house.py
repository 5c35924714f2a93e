"""A clinic with people and patients, on a fresh database, for the tests of alerts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar, cast
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, select, update

from service import time
from service.care.lifecycle import Channel, State
from service.care.urgency import Urgency
from service.nudges import Nudges
from service.parts import Parts, ensure_senders
from service.records import agenda, alert_history, alerts, attempts, clinics, contacts, messages, patients
from service.records.alert_tables import alerts as alert_rows
from service.records.attempts import Draft
from service.records.clinics import Clinic
from service.records.contacts import Contact
from service.records.database import open_database, reading, run
from service.records.patients import Facts
from service.records.plans import Sending
from service.records.sealing import Vault, new_key, new_token
from service.records.sending_tables import messages as message_rows
from service.settings import Settings
from workers import alerting

T = TypeVar("T")
NEW_YORK = ZoneInfo("America/New_York")
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=NEW_YORK).astimezone(UTC)
PATIENT_PHONE = "+12025550100"


@dataclass
class House:
    """One clinic, and hands to work on it."""

    parts: Parts
    clinic: Clinic
    people: list[Contact]

    @property
    def engine(self) -> Engine:
        return self.parts.engine

    @property
    def vault(self) -> Vault:
        return self.parts.sending.vault

    def run(self, work: Callable[[Connection], T]) -> T:
        return run(self.engine, work)

    def patient(self, name: str, consents: bool = True) -> int:
        facts = Facts(name, "Maria", PATIENT_PHONE, None, None, None)

        def work(connection: Connection) -> int:
            consent = [Channel.SMS] if consents else []
            return patients.add(connection, self.vault, self.clinic.id, facts, NOON, consent).id

        return self.run(work)

    def open(
        self, connection: Connection, patient_id: int, urgency: Urgency, cause: str = "fever", said: str = "I burn"
    ) -> int:
        return alerts.open_alert(
            connection, self.parts.sending, self.clinic, patient_id, None, urgency, cause, "reply 7", said, time.now()
        )

    def opened(self, patient_id: int, urgency: Urgency, cause: str = "fever", said: str = "I burn") -> int:
        return self.run(lambda connection: self.open(connection, patient_id, urgency, cause, said))

    def escalate(self) -> int:
        return alerting.escalate(self.parts)

    def acknowledge(self, alert_id: int, name: str = "Dr Ann") -> bool:
        return self.run(
            lambda connection: alerts.acknowledge(connection, self.clinic.id, alert_id, name, "api", time.now())
        )

    def alert(self, alert_id: int) -> alerts.Alert:
        with reading(self.engine) as connection:
            return alerts.get(connection, self.clinic.id, alert_id)

    def kinds(self, alert_id: int) -> list[str]:
        with reading(self.engine) as connection:
            return [event.kind.value for event in alert_history.history(connection, self.vault, [alert_id])[alert_id]]

    def sent(self, alert_id: int) -> list[dict[str, Any]]:
        """All messages because of an alert, in order."""
        query = select(message_rows).where(message_rows.c.cause_id == alert_id)
        with reading(self.engine) as connection:
            rows = connection.execute(query.order_by(message_rows.c.due_at, message_rows.c.id))
            return [dict(row._mapping) for row in rows]

    def notices(self, alert_id: int) -> list[tuple[int, str, str]]:
        """Whose, on which channel, in which state."""
        return [
            (self.position(row["step"]), row["channel"], row["state"])
            for row in self.sent(alert_id)
            if row["step"].startswith("alert_notice.")
        ]

    def position(self, step: str) -> int:
        contact_id = int(step.rpartition(".")[2])
        return next((one.position for one in self.people if one.id == contact_id), 0)

    def set_notices(self, alert_id: int, state: State, channel: Channel | None = None) -> None:
        where = [message_rows.c.cause_id == alert_id, message_rows.c.step.like("alert_notice.%")]
        if channel is not None:
            where.append(message_rows.c.channel == channel)
        self.run(lambda connection: connection.execute(update(message_rows).where(*where).values(state=state)))

    def hand_over(self, alert_id: int, state: State = State.ACCEPTED) -> None:
        """Its notices leave the house now."""
        notices = (
            update(message_rows)
            .where(message_rows.c.cause_id == alert_id, message_rows.c.step.like("alert_notice.%"))
            .where(message_rows.c.handed_at.is_(None))
            .values(state=state, handed_at=time.now())
        )
        self.run(lambda connection: connection.execute(notices))

    def link(self, alert_id: int) -> str:
        """The token in the first notice of an alert, as the send job would have made it."""
        row = next(one for one in self.sent(alert_id) if one["step"].startswith("alert_notice."))
        token = new_token()
        draft = Draft(row["id"], 1, new_token(), token, "+1", b"k", "body")
        self.run(lambda connection: attempts.write(connection, self.vault, [draft], NOON))
        return token

    def queue_all(self) -> list[int]:
        """What the clock does about what is due."""
        now = time.now()

        def work(connection: Connection) -> list[int]:
            claimed = []
            for channel, sender in self.parts.sending.of(self.clinic).items():
                claimed += agenda.queue_due(connection, channel, sender, messages.URGENT, 100, now, time.later(30))
            return [one for one, _ in claimed]

        return self.run(work)


def all_rows(house: House) -> list[Any]:
    with reading(house.engine) as connection:
        return list(connection.execute(select(alert_rows)).all())


@contextmanager
def built(database_url: str, folder: Path) -> Iterator[House]:
    settings = Settings(
        _env_file=None,
        AFTERCARE_DATABASE_URL=database_url,
        AFTERCARE_PUBLIC_URL="https://care.example",
        AFTERCARE_KEYS=new_key(),
        AFTERCARE_VAR=folder,
        TWILIO_FROM="+12025550199",
        SENDGRID_FROM="care@clinic.example",
    )
    engine = open_database(settings.database_url)
    vault = Vault(settings.keys.get_secret_value())
    parts = Parts(settings, engine, Sending(vault, settings.sms_sender, settings.sendgrid_from), cast(Nudges, None))
    ensure_senders(engine, settings)
    fields = {"name": "Hill", "display_name": "Hill", "phone": "970-555-0123", "email": "desk@hill.example"}
    clinic = run(engine, lambda connection: clinics.add(connection, fields, NOON))
    try:
        yield House(parts, clinic, [])
    finally:
        engine.dispose()


def staff(house: House, number: int = 3, on_call: int = 0) -> None:
    """Give the clinic people; number `on_call` is on call."""

    def work(connection: Connection) -> list[Contact]:
        return [
            contacts.add(
                connection, house.vault, house.clinic.id, f"Dr {place}", f"+1202555020{place}",
                f"dr{place}@hill.example", NOON, on_call=place == on_call,
            )
            for place in range(1, number + 1)
        ]  # fmt: skip

    house.people = house.run(work)
