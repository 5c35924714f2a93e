"""The desk's rooms, in the order of its menu."""

from __future__ import annotations

from service.pages.desk import (
    alerting,
    counter,
    join,
    login,
    patient,
    patient_progress,
    patient_record,
    patient_texts,
    patients,
    people,
    protocol_approval,
    protocol_draft,
    protocols,
    replies,
    today,
    trail,
    you,
)
from service.pages.desk.door import Room

ROOMS: tuple[Room, ...] = (
    login.room,
    join.room,
    counter.room,
    today.room,
    alerting.room,
    replies.room,
    patients.room,
    patient.room,
    patient_texts.room,
    patient_progress.room,
    patient_record.room,
    protocols.room,
    protocol_draft.room,
    protocol_approval.room,
    people.room,
    trail.room,
    you.room,
)
