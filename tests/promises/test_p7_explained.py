"""P7: every planned message can say in one sentence why it was, or was not, sent."""

from __future__ import annotations

from datetime import timedelta

from sandbox import magic
from sandbox.faults import Kind
from service import time
from service.api.timelines import timeline
from service.care.lifecycle import ENDS, SENTENCES, Channel, Reason, State
from service.records import optouts, sessions
from service.records.database import reading
from tests.house import House
from tests.promises.population import treat

_GOING = {Reason.NOT_YET_DUE, Reason.QUIET_HOURS, Reason.DAILY_CAP, Reason.PROVIDER_BUSY, Reason.CHANNEL_PAUSED,
          Reason.PLAN_PAUSED, Reason.NOT_APPROVED, Reason.REPLY_UNREAD, Reason.RETRY_LATER}  # fmt: skip
"""The reasons a message that waits may have."""


def varied(h: House) -> list[str]:
    """Patients to whom everything happens that can happen."""
    phones = {
        0: "+13125550000",
        1: magic.refused_number(21211),
        2: magic.refused_number(21610),
        3: magic.refused_number(21617),
        4: magic.failing_number(30003),
        5: magic.troubled_number(Kind.DROP_AFTER),
        6: magic.troubled_number(Kind.DROP_BEFORE),
        7: "+13125550007",
        8: "+13125550008",
        9: "+13125550009",
        10: "+13125550010",
    }
    names = [treat(h, number, email=number % 2 == 0, phone=one) for number, one in phones.items()]
    names.append(treat(h, 11, phone=None, email=True))
    names.append(treat(h, 12, locale="es-MX", site="rib"))
    names.append(treat(h, 0, session="again", ended_at=time.now() - timedelta(minutes=1), email=True))
    h.post("session.cancelled", {"session": {"id": names[7]}})
    h.post("patient.updated", {"patient": {"id": "patient-8", "timezone": "Asia/Tokyo"}})
    withdrawn = {"withdrawn_at": time.now().isoformat(), "source": "desk"}
    h.post("patient.updated", {"patient": {"id": "patient-9", "consent": {"sms": withdrawn}}})
    return names


def test_p7_whatever_happens_there_is_a_sentence_for_it(h: House) -> None:
    names = varied(h)
    deliverer = h.deliverer()
    start = time.now()
    met: set[tuple[str, str]] = set()
    for hours in (0, 1, 6, 17, 25, 30, 54, 78, 24 * 9, 24 * 15, 24 * 30, 24 * 90):
        with time.held(start + timedelta(hours=hours)):
            h.open_gates()
            h.deliver_due(deliverer)
            if hours == 25:
                with reading(h.parts.engine) as connection:
                    patient = sessions.get(connection, h.session_id(names[10])).patient_id
                assert patient is not None
                h.run(
                    lambda connection, one=patient: optouts.opt_out(
                        connection, h.parts.sending, one, Channel.SMS, "reply", time.now()
                    )
                )
            h.hurry()
            h.reconcile()
            for name in names:
                met |= told(h, name)
    assert {State(state) for state, _ in met} >= {State.PLANNED, State.ACCEPTED, State.FAILED, State.SKIPPED,
                                                  State.CANCELLED, State.EXPIRED}  # fmt: skip
    assert len({reason for _, reason in met}) >= 12
    ended = [state for name in names for state, _ in h.states(name).values()]
    assert State.QUEUED not in ended, "nothing may be left half way"


def told(h: House, name: str) -> set[tuple[str, str]]:
    """What the timeline says of each message; each is a whole sentence that fits the state."""
    with reading(h.parts.engine) as connection:
        shown = timeline(connection, sessions.get(connection, h.session_id(name)))["messages"]
    assert shown
    for one in shown:
        state, reason = State(one["state"]), Reason(one["reason"])
        assert one["why"] == SENTENCES[reason]
        assert one["why"][0].isupper()
        assert one["why"].endswith(".")
        if state is State.PLANNED:
            assert reason in _GOING, one
        if state in ENDS:
            assert reason not in _GOING - {Reason.CONFIRMED}, one
            assert reason is not Reason.HANDED_OVER, one
    return {(one["state"], one["reason"]) for one in shown}


def test_p7_every_reason_has_a_sentence_and_every_sentence_is_one() -> None:
    assert set(SENTENCES) == set(Reason)
    for sentence in SENTENCES.values():
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert ". " not in sentence
