"""E-mail instead of a text that cannot be delivered, where the step says so."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from service.care.lifecycle import Channel, Reason, State
from service.care.planning import PlannedMessage
from service.care.protocol import Protocol
from service.records import clinics, messages, patients, plans, protocols, sessions
from service.records.plans import Sending
from service.records.sending_tables import messages as message_rows


def send_by_email(connection: Connection, sending: Sending, message_id: int, now: datetime) -> bool:
    """Plan the e-mail of a failed text, due now, if its step wants that and the patient can be written to.

    False when there is none to send, also because the step has an e-mail already. One that was left out because the
    text seemed to have gone goes after all.
    """
    row = connection.execute(select(message_rows).where(message_rows.c.id == message_id)).one()
    if row.channel != Channel.SMS or row.session_id is None or row.window_until <= now or "." in row.step:
        return False
    session = sessions.get(connection, row.session_id)
    if session.protocol_id is None or not _wants_email(protocols.parsed(connection, session.protocol_id), row.step):
        return False
    patient = patients.get(connection, sending.vault, row.patient_id, lock=True)
    if plans.reachable(connection, sending.vault, patient)[Channel.EMAIL] is not None:
        return False
    on_record = {(one.step, one.channel): one for one in messages.on_record(connection, session.id)}
    before = on_record.get((row.step, Channel.EMAIL))
    if before is not None and before.reason is not Reason.SENT_ON_OTHER_CHANNEL:
        return False
    instead = PlannedMessage(
        step=row.step,
        channel=Channel.EMAIL,
        due_at=now,
        window_until=row.window_until,
        survey=row.survey,
        state=State.PLANNED,
        reason=Reason.NOT_YET_DUE,
        asked_at=now,
    )
    if before is not None:
        return messages.revive(connection, before.id, before.state, before.reason, instead)
    clinic = clinics.get(connection, row.clinic_id)
    messages.insert_planned(connection, clinic.id, patient.id, session.id, sending.of(clinic), [instead])
    return True


def _wants_email(protocol: Protocol, step: str) -> bool:
    # The session may follow a later version by now, which no longer has the step.
    return any(one.id == step and one.fallback_to_email for one in protocol.steps)
