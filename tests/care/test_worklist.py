"""What deserves a reader at the clinic, what was understood, and which failures still matter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from service.care import worklist
from service.care.lifecycle import Channel, Reason, State
from service.care.replies import read
from service.care.worklist import Arrived, Lost, NoReader

NOW = datetime(2026, 3, 10, 16, 0, tzinfo=UTC)


def needs_nobody(body: str, **more: bool | int) -> NoReader | None:
    facts: dict[str, bool | int] = {
        "automatic": False, "media": 0, "answered": False, "of_patient": True, "of_colleague": False,
    }  # fmt: skip
    return worklist.no_reader(read(body), **{**facts, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("body", "more", "why"),
    [
        ("STOP", {}, NoReader.OPT_OUT),
        ("please stop texting me", {}, NoReader.OPT_OUT),
        ("I am away until Monday", {"automatic": True}, NoReader.MACHINE),
        ("4", {"answered": True}, NoReader.ANSWER),
        ("1 and 3", {"answered": True}, NoReader.ANSWER),
        ("Thanks so much!", {}, NoReader.THANKS),
        ("", {}, NoReader.EMPTY),
        ("HELP", {}, NoReader.KEYWORD),
        ("START", {}, NoReader.KEYWORD),
        ("ACK", {"of_patient": False, "of_colleague": True}, NoReader.TAKEN_ON),
    ],
)
def test_what_nobody_needs_to_read(body: str, more: dict[str, bool], why: NoReader) -> None:
    assert needs_nobody(body, **more) is why


@pytest.mark.parametrize(
    ("body", "more"),
    [
        ("When can I run again?", {}),
        ("4", {}),  # of no survey: what does it count?
        ("please call me", {}),
        ("yes", {}),
        ("cancel it", {}),  # perhaps an opt-out
        ("Stop, I still have questions about my bill and the doctor never called", {}),
        ("This is not Ana, wrong number", {}),
        ("I have a fever of 102", {}),
        ("STOP. I have a fever of 102", {}),
        ("what if I get a fever?", {}),
        ("4 but I slept badly and could not work", {"answered": True}),
        ("", {"media": 1}),
        ("Thank you", {"media": 1}),
        ("START", {"of_patient": False}),
        ("please start the texts again, and when may I run?", {}),
        ("On my way", {"of_patient": False, "of_colleague": True}),
    ],
)
def test_what_somebody_must_read(body: str, more: dict[str, bool]) -> None:
    assert needs_nobody(body, **more) is None


@pytest.mark.parametrize(
    ("body", "understood"),
    [
        ("I have a fever of 102, stop the texts", ("red flag: fever", "opt-out")),
        ("cancel it", ("perhaps an opt-out",)),
        ("4", ("the score 4",)),
        ("4 or 5", ("perhaps the score 5",)),
        ("no", ("no",)),
        ("START", ("asks for messages again",)),
        ("HELP", ("asks for help with the texts",)),
        ("When can I run again?", ("words",)),
    ],
)
def test_what_was_understood(body: str, understood: tuple[str, ...]) -> None:
    reading = read(body)
    plain = {name: getattr(reading, name) for name in type(reading).__dataclass_fields__}
    assert worklist.read_as(reading.meaning, plain)[: len(understood)] == understood


def test_a_rule_says_why() -> None:
    assert worklist.said_by_rule("rule thanks") == "Thanks, or a greeting."
    assert worklist.said_by_rule("Ruler Thanks") is None
    assert worklist.said_by_rule(None) is None


def lost(patient: int = 1, hours: int = 1, **changes: object) -> Lost:
    facts: dict[str, object] = {
        "patient_id": patient, "session_id": 7, "step": "d1", "channel": Channel.SMS, "state": State.UNDELIVERED,
        "reason": Reason.UNREACHABLE, "due_at": NOW - timedelta(hours=hours),
    }  # fmt: skip
    return Lost(**{**facts, **changes})  # type: ignore[arg-type]


def arrived(hours: int, **changes: object) -> Arrived:
    facts: dict[str, object] = {
        "patient_id": 1, "session_id": 7, "step": "d2", "channel": Channel.SMS,
        "handed_at": NOW - timedelta(hours=hours), "confirmed": True,
    }  # fmt: skip
    return Arrived(**{**facts, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "others", "shown"),
    [
        (lost(), [], True),
        (lost(reason=Reason.OPTED_OUT, state=State.FAILED), [], False),
        (lost(step="auto_reply", state=State.EXPIRED, reason=Reason.WINDOW_CLOSED), [], False),
        (lost(step="red_flag", state=State.EXPIRED, reason=Reason.WINDOW_CLOSED), [], True),
        (lost(step="auto_reply", state=State.FAILED), [], True),
        (lost(hours=2), [arrived(1)], False),
        (lost(hours=2), [arrived(1, confirmed=False)], True),
        (lost(hours=2), [arrived(3)], True),
        (lost(hours=2), [arrived(1, channel=Channel.EMAIL)], True),
        (lost(hours=2), [arrived(1, channel=Channel.EMAIL, step="d1", confirmed=False)], False),
        (lost(hours=2), [arrived(1, patient_id=2, session_id=8)], True),
        (lost(session_id=None), [arrived(3, session_id=None, step="d1", confirmed=False)], True),
    ],
)
def test_which_failures_still_matter(one: Lost, others: list[Arrived], shown: bool) -> None:
    assert bool(worklist.troubles([one], others)) is shown


def test_failures_are_grouped_and_what_a_person_can_mend_comes_first() -> None:
    found = worklist.troubles(
        [lost(1, 1), lost(1, 5, step="d0"), lost(2, 3, reason=Reason.BAD_ADDRESS, state=State.FAILED)], []
    )
    assert [(one.patient_id, one.reason, one.count) for one in found] == [
        (2, Reason.BAD_ADDRESS, 1),
        (1, Reason.UNREACHABLE, 2),
    ]
    assert found[0].wants_correction
    assert not found[1].wants_correction
    assert found[1].latest == NOW - timedelta(hours=1)


@pytest.mark.parametrize(
    ("cause", "title"),
    [
        ("fever", "Fever"),
        ("face_or_throat_swelling", "Face or throat swelling"),
        ("silence S2", "Survey S2 not answered"),
    ],
)
def test_titles(cause: str, title: str) -> None:
    assert worklist.title_of(cause) == title
