"""P9, the records: one alert a cause, with a history, in front of people until a named one takes it on."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, func, select, update

from service import time
from service.care.lifecycle import Channel, Reason, State
from service.care.urgency import Urgency
from service.records import (
    alert_history,
    alert_notices,
    alerts,
    contacts,
    erasure,
    hook_endpoints,
    hooks,
    notices,
    outbox,
    senders,
    suppressions,
)
from service.records.database import reading
from service.records.sending_tables import messages as message_rows
from service.records.sending_tables import senders as sender_rows
from service.records.webhook_tables import webhook_events
from tests.alerts.house import NOON, PATIENT_PHONE, House, all_rows, staff
from tests.statements import statements
from workers import alerting
from workers.gating import Gatekeeper


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def test_a_storm_makes_one_alert_with_a_history(house: House) -> None:
    patient = house.patient("p1")
    with time.held(NOON), ThreadPoolExecutor(8) as threads:
        ids = set(threads.map(lambda _: house.opened(patient, Urgency.URGENT), range(24)))
    assert len(ids) == 1
    assert len(all_rows(house)) == 1
    kinds = house.kinds(ids.pop())
    assert kinds.count("opened") == 1
    assert kinds.count("seen_again") == 23


def test_another_cause_or_patient_is_another_alert_but_the_patient_is_told_once(house: House) -> None:
    one, other = house.patient("p1"), house.patient("p2")
    with time.held(NOON):
        ids = [
            house.opened(one, Urgency.URGENT, "fever"),
            house.opened(one, Urgency.URGENT, "pus"),
            house.opened(other, Urgency.URGENT, "fever"),
        ]
    assert len(set(ids)) == 3
    assert [[row["step"] for row in house.sent(alert)] for alert in ids] == [["red_flag"], [], ["red_flag"]]


@pytest.mark.parametrize(
    ("urgency", "consents", "texts"),
    [
        (Urgency.EMERGENCY, True, 1),
        (Urgency.URGENT, True, 1),
        (Urgency.NEXT_BUSINESS_DAY, True, 0),
        (Urgency.WATCH, True, 0),
        (Urgency.EMERGENCY, False, 0),
    ],
)
def test_the_patient_is_told_to_call_when_it_cannot_wait(
    light_house: House, urgency: Urgency, consents: bool, texts: int
) -> None:
    patient = light_house.patient("p1", consents)
    with time.held(NOON):
        alert = light_house.opened(patient, urgency)
    assert [row["step"] for row in light_house.sent(alert)] == ["red_flag"] * texts


def test_the_patient_is_not_told_twice_when_the_caller_answers(light_house: House) -> None:
    patient = light_house.patient("p1")

    def work(connection: Connection) -> int:
        return alerts.open_alert(
            connection, light_house.parts.sending, light_house.clinic, patient, None, Urgency.URGENT, "fever",
            "reply 7", "I burn", NOON, tell_patient=False,
        )  # fmt: skip

    assert light_house.sent(light_house.run(work)) == []


def test_a_patient_who_said_stop_is_not_texted(light_house: House) -> None:
    """P3 holds for red flags too; the clinic is told all the same."""
    patient = light_house.patient("p1")
    key = light_house.vault.index(PATIENT_PHONE)
    light_house.run(
        lambda connection: suppressions.suppress(
            connection, light_house.clinic.id, Channel.SMS, key, Reason.OPTED_OUT, "reply", NOON
        )
    )
    with time.held(NOON):
        alert = light_house.opened(patient, Urgency.EMERGENCY)
        assert light_house.escalate() == 2
    assert {row["patient_id"] for row in light_house.sent(alert)} == {None}


def test_the_urgency_only_rises_and_a_rise_rings_at_once(house: House) -> None:
    patient = house.patient("p1")
    with time.held(NOON):
        alert = house.opened(patient, Urgency.WATCH)
        assert house.escalate() == 0
        assert house.alert(alert).next_notice_at is None
        house.opened(patient, Urgency.EMERGENCY)
        assert house.escalate() == 2
    with time.held(NOON + minutes(1)):
        house.opened(patient, Urgency.URGENT)
        assert house.escalate() == 0
    assert house.alert(alert).urgency is Urgency.EMERGENCY
    assert house.kinds(alert)[:3] == ["opened", "seen_again", "raised"]


def test_what_was_said_is_sealed_and_notices_carry_none_of_it(house: House) -> None:
    """P8."""
    patient = house.patient("p1")
    with time.held(NOON):
        alert = house.opened(patient, Urgency.EMERGENCY, said="pus on my knee")
        house.escalate()
    with reading(house.engine) as connection:
        rows = connection.exec_driver_sql("SELECT * FROM alert_events").all()
        assert b"knee" not in b"".join(bytes(one) for row in rows for one in row if isinstance(one, bytes | memoryview))
        assert alert_history.history(connection, house.vault, [alert])[alert][0].details == "pus on my knee"
    assert all(row["body"] is None for row in house.sent(alert))
    assert not any("2025550" in str(row["step"]) for row in house.sent(alert))


def test_an_alert_opened_in_a_transaction_that_fails_never_was(house: House) -> None:
    """P1: it is part of the reply or answer that caused it."""
    patient = house.patient("p1")

    def killed(connection: Connection) -> None:
        house.open(connection, patient, Urgency.EMERGENCY)
        raise KeyboardInterrupt

    with time.held(NOON), pytest.raises(KeyboardInterrupt):
        house.run(killed)
    assert all_rows(house) == []
    with reading(house.engine) as connection:
        assert connection.execute(select(func.count()).select_from(message_rows)).scalar_one() == 0


def test_a_clock_killed_between_insert_and_commit_leaves_the_round_to_the_next(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P6."""
    patient = house.patient("p1")
    with time.held(NOON):
        alert = house.opened(patient, Urgency.EMERGENCY)
        put = alert_notices.put

        def killed(*args: object, **more: object) -> int:
            put(*args, **more)  # type: ignore[arg-type]
            raise KeyboardInterrupt

        monkeypatch.setattr(alert_notices, "put", killed)
        with pytest.raises(KeyboardInterrupt):
            house.escalate()
        assert house.notices(alert) == []
        monkeypatch.setattr(alert_notices, "put", put)
        assert house.escalate() == 2
    assert sorted(house.notices(alert)) == [(1, "email", "planned"), (1, "sms", "planned")]
    assert house.kinds(alert) == ["opened", "escalated", "notified", "notified"]


def test_two_clocks_at_once_notify_once(house: House) -> None:
    ids = [house.patient(f"p{number}") for number in range(6)]
    with time.held(NOON):
        opened = [house.opened(one, Urgency.EMERGENCY) for one in ids]
    for after, contacts_told in ((0, 1), (5, 2), (10, 3)):
        with time.held(NOON + minutes(after)), ThreadPoolExecutor(4) as threads:
            made = sum(threads.map(lambda _: house.escalate(), range(4)))
            made += house.escalate()  # what a clock skipped because another held it
        assert made == 6 * 2 * contacts_told
    assert all(len(house.notices(one)) == 2 + 4 + 6 for one in opened)


def test_it_never_stops_until_acknowledged_and_then_it_does(house: House) -> None:
    """P9 through a day and a night, minute by minute; every notice is to somebody, and no ten minutes are silent."""
    patient = house.patient("p1")
    with time.held(NOON):
        alert = house.opened(patient, Urgency.EMERGENCY)
    made: list[int] = []
    for minute in range(24 * 60):
        with time.held(NOON + minutes(minute)):
            if house.alert(alert).next_notice_at <= time.now():  # type: ignore[operator]
                assert house.escalate() > 0
                made.append(minute)
    assert made == [0, 5, *range(10, 24 * 60, 10)]
    with reading(house.engine) as connection:
        assert (alerts.UNHEARD, f"alert {alert}") in {
            (one["kind"], one["subject"]) for one in notices.open_ones(connection)
        }
    with time.held(NOON + timedelta(days=1)):
        assert house.acknowledge(alert)
    for hours in range(24, 72):
        with time.held(NOON + timedelta(hours=hours)):
            assert house.escalate() == 0
    assert {state for _, _, state in house.notices(alert)} == {"cancelled"}
    with reading(house.engine) as connection:
        assert notices.open_ones(connection) == []


def test_at_night_who_is_on_call_is_told_at_once(light_house: House) -> None:
    first = light_house.people
    staff(light_house, 3, on_call=3)
    light_house.people = [*first, *light_house.people]
    with time.held(NOON + timedelta(hours=11)):
        alert = light_house.opened(light_house.patient("p1"), Urgency.URGENT)
        light_house.escalate()
    assert {contact for contact, _, _ in light_house.notices(alert)} == {1, 6}


def test_with_no_contacts_the_clinic_and_the_operator_hear(house: House) -> None:
    with time.held(NOON):
        for one in house.people:
            house.run(lambda connection, one=one: contacts.remove(connection, house.clinic.id, one.id, NOON))  # type: ignore[misc]
        alert = house.opened(house.patient("p1"), Urgency.EMERGENCY)
        assert house.escalate() == 2
    told = [house.vault.open(row["address"], row["id"]) for row in house.sent(alert) if row["patient_id"] is None]
    assert sorted(told) == ["+19705550123", "desk@hill.example"]
    with reading(house.engine) as connection:
        assert [one["kind"] for one in notices.open_ones(connection)] == [contacts.NO_CONTACTS]
    staff(house)
    with reading(house.engine) as connection:
        assert notices.open_ones(connection) == []


def test_a_dead_text_provider_and_a_contact_without_mail_wakes_the_next(house: House) -> None:
    """P9: the round that is due counts only who can be reached, and the mails go meanwhile."""

    def only_phone(connection: Connection) -> None:
        contacts.remove(connection, house.clinic.id, house.people[0].id, NOON)
        added = contacts.add(connection, house.vault, house.clinic.id, "Dr 0", "+12025550209", None, NOON, position=0)
        house.people = [added, *house.people[1:]]
        senders.pause(connection, Channel.SMS, house.parts.settings.sms_sender, "20003", NOON)

    house.run(only_phone)
    with time.held(NOON):
        alert = house.opened(house.patient("p1"), Urgency.EMERGENCY)
        house.escalate()
    assert {(contact, channel) for contact, channel, _ in house.notices(alert)} == {
        (0, "sms"), (2, "sms"), (2, "email"),
    }  # fmt: skip


@pytest.mark.parametrize("state", [State.FAILED, State.UNDELIVERED, State.SKIPPED, State.EXPIRED, State.UNKNOWN])
def test_a_notice_that_did_not_arrive_goes_another_way_before_the_next_round(house: House, state: State) -> None:
    with time.held(NOON):
        alert = house.opened(house.patient("p1"), Urgency.EMERGENCY)
        house.escalate()
    with time.held(NOON + minutes(1)):
        house.set_notices(alert, state, Channel.SMS)
        assert house.escalate() == 0  # the mail to the same person went
        house.set_notices(alert, state)
        assert house.escalate() == 2
        assert house.escalate() == 0
    assert [contact for contact, _, _ in house.notices(alert)] == [1, 1, 2, 2]
    assert house.alert(alert).next_notice_at == NOON + minutes(5)


def test_p9_a_failure_gone_round_keeps_the_clock_from_nothing_else(house: House) -> None:
    """Each would otherwise take the write lock every second for as long as its alert stands."""
    gone_round: alerting.GoneRound = {}
    with time.held(NOON):
        alert = house.opened(house.patient("p1"), Urgency.EMERGENCY)
        house.escalate()
    with time.held(NOON + minutes(1)):
        house.set_notices(alert, State.FAILED)
        assert alerting.escalate(house.parts, gone_round) == 2
        with statements(house.engine) as asked:
            assert alerting.escalate(house.parts, gone_round) == 0
        assert len([one for one in asked if one.startswith("SELECT")]) == 2
        assert not [one for one in asked if "IMMEDIATE" in one or "FOR UPDATE" in one]
        # Another that fails is another matter, at once.
        house.set_notices(alert, State.FAILED)
        assert alerting.escalate(house.parts, gone_round) == 2
    with time.held(NOON + minutes(2)), statements(house.engine) as asked:
        alerting.escalate(house.parts, gone_round)
    assert len([one for one in asked if one.startswith("SELECT")]) > 2, "hours and channels change: it is asked again"
    house.acknowledge(alert)
    with time.held(NOON + minutes(2)):
        alerting.escalate(house.parts, gone_round)
    assert gone_round == {}


def test_p9_what_was_lost_days_ago_is_asked_for_no_more(house: House) -> None:
    """An alert that nobody takes on loses thousands; the rounds since have told whoever they could lead to."""
    with time.held(NOON):
        alert = house.opened(house.patient("p1"), Urgency.EMERGENCY)
        house.escalate()
        house.set_notices(alert, State.FAILED)
    with time.held(NOON + timedelta(days=2)):
        house.escalate()
        [latest] = house.sent(alert)[-1:]
        with reading(house.engine) as connection:
            assert alert_notices.with_failures(connection, time.now(), 10) == []
        house.set_notices(alert, State.UNDELIVERED)
        with reading(house.engine) as connection:
            [lost] = alert_notices.with_failures(connection, time.now(), 10)
    assert (lost.alert_id, lost.latest) == (alert, latest["id"])
    assert lost.number < len(house.notices(alert))


def test_mail_that_fails_becomes_a_text_at_once(house: House) -> None:
    with time.held(NOON):
        alert = house.opened(house.patient("p1"), Urgency.NEXT_BUSINESS_DAY)
        assert house.escalate() == 0
    opening = house.alert(alert).next_notice_at
    assert opening == NOON + timedelta(hours=21)
    with time.held(opening + minutes(1)):
        assert house.escalate() == 1
        house.set_notices(alert, State.FAILED)
        assert house.escalate() == 1
        assert house.escalate() == 0
    assert [(contact, channel) for contact, channel, _ in house.notices(alert)] == [(1, "email"), (1, "sms")]


def test_the_first_name_stays_and_a_name_is_needed(house: House) -> None:
    with time.held(NOON):
        alert = house.opened(house.patient("p1"), Urgency.URGENT)
        with pytest.raises(ValueError, match="named"):
            house.acknowledge(alert, "  ")
        with pytest.raises(LookupError):
            house.run(lambda connection: alerts.acknowledge(connection, 1, alert, "Dr Ann", "api", NOON))
        assert house.acknowledge(alert, " Dr Ann ")
        assert not house.acknowledge(alert, "Dr Bob")
    assert house.alert(alert).acknowledged_by == "Dr Ann"
    assert house.kinds(alert).count("acknowledged") == 1


def test_acknowledging_withdraws_the_notices_but_not_the_patients_text(house: House) -> None:
    with time.held(NOON):
        alert = house.opened(house.patient("p1"), Urgency.EMERGENCY)
        house.escalate()
        house.acknowledge(alert)
    ends = {row["step"].partition(".")[0]: (row["state"], row["reason"]) for row in house.sent(alert)}
    assert ends == {"red_flag": ("planned", "not_yet_due"), "alert_notice": ("cancelled", "alert_acknowledged")}


def test_an_acknowledgement_and_an_escalation_at_once_leave_no_notice_behind(house: House) -> None:
    """P9 and P3: once the acknowledgement is committed, nothing of the alert waits and nothing is added."""
    for number in range(12):
        with time.held(NOON):
            alert = house.opened(house.patient(f"p{number}"), Urgency.EMERGENCY)
            gate = threading.Barrier(3)

            def meanwhile(work: object, gate: threading.Barrier = gate) -> None:
                gate.wait()
                work()  # type: ignore[operator]

            works = (house.escalate, house.escalate, lambda alert=alert: house.acknowledge(alert))
            with ThreadPoolExecutor(3) as threads:
                list(threads.map(meanwhile, works))
            house.escalate()
        assert house.alert(alert).state == "acknowledged"
        assert house.alert(alert).next_notice_at is None
        assert {state for _, _, state in house.notices(alert)} <= {"cancelled"}


def test_a_notice_already_queued_is_dropped_at_the_gate(house: House) -> None:
    """P3, asked again in the transaction that claims: also for one that was put back after the acknowledgement."""
    with time.held(NOON):
        alert = house.opened(house.patient("p1"), Urgency.EMERGENCY)
        house.escalate()
        queued = house.queue_all()
        house.acknowledge(alert)
        house.set_notices(alert, State.QUEUED)  # as if a worker had put them back

        def decide(connection: Connection) -> dict[str, str]:
            ready = outbox.read(connection, house.vault, queued)
            lanes = {(one.channel, one.sender): one for one in senders.all_of(connection)}
            gate = Gatekeeper(connection, {house.clinic.id: house.clinic}, lanes, NOON)
            return {
                one.base_step: type(decision).__name__ for one, decision in zip(ready, gate.decide(ready), strict=True)
            }

        assert house.run(decide) == {"red_flag": "Send", "alert_notice": "Drop"}


def ack(house: House, phone: str = "+12025550201") -> list[int]:
    """The alerts that an ACK from this phone takes on, read as soon as it came."""
    return house.run(
        lambda connection: alerts.acknowledge_by_contact(connection, house.vault, phone, time.now(), time.now())
    )


def test_ack_from_a_contacts_phone_takes_on_what_that_contact_was_told(house: House) -> None:
    with time.held(NOON):
        told, untold = (house.opened(house.patient(one), Urgency.EMERGENCY) for one in ("p1", "p2"))
        house.run(lambda connection: alerting.next_round(connection, house.parts.sending, told, NOON))
        assert ack(house) == []  # the notice waits
        house.hand_over(told)
    with time.held(NOON + minutes(1)):
        assert ack(house, "+12025550202") == []  # the second contact was not told yet
        assert ack(house, "+12025550177") == []
        assert ack(house) == [told]
        assert ack(house) == []
    assert house.alert(told).acknowledged_by == "Dr 1"
    assert house.alert(untold).state == "open"


@pytest.mark.parametrize(
    ("state", "taken"),
    [(State.SENDING, True), (State.UNKNOWN, True), (State.DELIVERED, True), (State.UNDELIVERED, False)],
)
def test_ack_counts_for_a_notice_that_may_have_been_read(house: House, state: State, taken: bool) -> None:
    """P9: also for one of whose hand-over we know no end, and not for one that is known not to have arrived."""
    with time.held(NOON):
        alert = house.opened(house.patient("p1"), Urgency.EMERGENCY)
        house.escalate()
        house.hand_over(alert, state)
    with time.held(NOON + minutes(1)):
        assert ack(house) == ([alert] if taken else [])


def test_ack_takes_no_alert_on_that_began_to_ring_anew_without_a_notice(house: House) -> None:
    """P9: what was urgent when the contact read of it has become an emergency since."""
    with time.held(NOON):
        patient = house.patient("p1")
        alert = house.opened(patient, Urgency.URGENT)
        house.escalate()
        house.hand_over(alert)
    with time.held(NOON + minutes(1)):
        house.opened(patient, Urgency.EMERGENCY)
        assert ack(house) == []
        house.escalate()
        house.hand_over(alert)
        assert ack(house) == [alert]


def test_acknowledged_it_stays_on_the_worklist_until_it_is_closed_with_a_note(house: House) -> None:
    def listed() -> list[int]:
        with reading(house.engine) as connection:
            return [one.id for one in alerts.page(connection, house.clinic.id, 0, 10, closed_too=False)]

    def close(note: str) -> bool:
        return house.run(
            lambda connection: alerts.close(connection, house.vault, house.clinic.id, alert, note, "Ann", NOON)
        )

    with time.held(NOON):
        patient = house.patient("p1")
        alert = house.opened(patient, Urgency.URGENT)
        house.acknowledge(alert)
        assert listed() == [alert]
        with pytest.raises(ValueError, match="note"):
            close(" ")
        assert close("Called: better.")
        assert not close("Again.")
        assert listed() == []
        assert house.opened(patient, Urgency.URGENT) != alert


def test_the_same_again_soon_after_belongs_to_the_call_and_later_rings_anew(house: House) -> None:
    patient = house.patient("p1")
    with time.held(NOON):
        alert = house.opened(patient, Urgency.URGENT)
        house.escalate()
        house.acknowledge(alert)
    with time.held(NOON + minutes(20)):
        house.opened(patient, Urgency.URGENT)
        assert house.escalate() == 0
    with time.held(NOON + minutes(90)):
        assert house.opened(patient, Urgency.URGENT) == alert
        assert house.alert(alert).state == "open"
        assert house.escalate() == 2
    assert [row["step"] for row in house.sent(alert) if row["patient_id"] is not None] == ["red_flag", "red_flag.1"]


def test_worse_than_what_was_acknowledged_rings_at_once(house: House) -> None:
    patient = house.patient("p1")
    with time.held(NOON):
        alert = house.opened(patient, Urgency.URGENT)
        house.acknowledge(alert)
        house.opened(patient, Urgency.EMERGENCY)
        assert house.escalate() == 2
    assert house.alert(alert).acknowledged_by is None
    assert {"acknowledged", "raised", "reopened"} <= set(house.kinds(alert))


def test_an_alert_that_cannot_be_read_does_not_silence_the_others(
    light_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    with time.held(NOON):
        bad = light_house.opened(light_house.patient("p1"), Urgency.EMERGENCY)
        good = light_house.opened(light_house.patient("p2"), Urgency.EMERGENCY)
        facts = alert_notices.facts

        def broken(connection: Connection, sending: Any, clinic: Any, alert: alerts.Alert, people: Any) -> object:
            if alert.id == bad:
                raise ValueError("this one")
            return facts(connection, sending, clinic, alert, people)

        monkeypatch.setattr(alert_notices, "facts", broken)
        assert light_house.escalate() == 2
    assert light_house.notices(bad) == []
    assert len(light_house.notices(good)) == 2


def test_a_provider_that_does_not_answer_counts_as_dead(light_house: House) -> None:
    with time.held(NOON):
        alert = light_house.opened(light_house.patient("p1"), Urgency.NEXT_BUSINESS_DAY)
        light_house.run(
            lambda connection: connection.execute(
                update(sender_rows).where(sender_rows.c.channel == Channel.EMAIL).values(failures=20)
            )
        )
    opening: datetime | None = light_house.alert(alert).next_notice_at
    assert opening is not None
    with time.held(opening):
        light_house.escalate()
    assert light_house.notices(alert) == [(1, "sms", "planned")]


def test_an_erased_patients_words_are_gone_and_the_alert_is_not(house: House) -> None:
    with time.held(NOON):
        alert = house.opened(house.patient("p1"), Urgency.URGENT, said="my knee is hot")
        export = house.run(lambda connection: erasure.export(connection, house.vault, house.clinic.id, "p1"))
        assert export is not None
        assert export["alerts"][0]["said"] == ["my knee is hot"]
        assert house.run(lambda connection: erasure.erase(connection, house.vault, house.clinic.id, "p1", NOON))
        assert house.escalate() == 2
    with reading(house.engine) as connection:
        lines = alert_history.history(connection, house.vault, [alert])[alert]
    assert [line.details for line in lines] == [None] * len(lines)
    assert house.alert(alert).state == "open"


def test_the_clinics_own_systems_hear_of_it_once_each(house: House) -> None:
    def hear(connection: Connection) -> None:
        hook_endpoints.add(connection, house.vault, house.clinic.id, "https://clinic.example/hook", "*", NOON)

    with time.held(NOON):
        house.run(hear)
        hooks.forget_known()
        patient = house.patient("p1")
        alert = house.opened(patient, Urgency.EMERGENCY, "pus", said="my knee")
        house.opened(patient, Urgency.EMERGENCY, "pus")
        house.acknowledge(alert)
        house.acknowledge(alert)
    with reading(house.engine) as connection:
        rows = connection.execute(select(webhook_events).order_by(webhook_events.c.id)).all()
        told = [(row.type, hooks.body_of(house.vault, row)) for row in rows if row.type.startswith("alert.")]
    assert [kind for kind, _ in told] == ["alert.opened", "alert.acknowledged"]
    assert str(alert) in told[0][1]
    assert not any(word in body for _, body in told for word in ("pus", "knee", "Maria"))
