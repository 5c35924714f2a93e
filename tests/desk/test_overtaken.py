"""Pages opened before something else happened: nothing is decided of what nobody has read, and no words are lost."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

from service import time
from service.care.roles import Role
from service.care.urgency import Urgency
from service.records import alerts, clinics
from service.records.alerts import Alert
from service.records.database import run
from tests.desk.desk import Desk
from tests.desk.incoming import says
from tests.desk.practice import NOW
from tests.desk.test_replies import OWN_SENDER, STRANGER, give_a_number_of_its_own
from tests.desk.test_today import TODAY, card, ring, shown

LATER = NOW + timedelta(hours=2)


def alert_of(desk: Desk) -> Alert:
    return run(desk.engine, lambda connection: alerts.get(connection, desk.own.clinic_id, desk.own.alert))


def worse(desk: Desk) -> None:
    """The patient writes again: the same, and an emergency now."""
    assert ring(desk, 0, Urgency.EMERGENCY, "fever", "Fever of 40 and a stiff neck", "reply 77") == desk.own.alert


def test_p9_an_old_page_does_not_close_what_nobody_has_read(desk: Desk) -> None:
    own, nurse = desk.own, desk.client_as(Role.DESK)
    with time.held(NOW):
        nurse.post(f"/desk/alerts/{own.alert}/acknowledge", shown(nurse, own.alert))
        page = shown(nurse, own.alert)
    with time.held(LATER):
        worse(desk)
        rings = alert_of(desk).next_notice_at
        words = {**page, f"{own.alert}-words": "Called at noon, all well."}
        answer = nurse.post(f"/desk/alerts/{own.alert}/close", words)
        assert answer.status_code == 409
        assert "Something came in since you opened this" in answer.text
        assert "Fever of 40 and a stiff neck" in card(answer.text, f"alert-{own.alert}")
        assert "Called at noon, all well.</textarea>" in answer.text
        standing = alert_of(desk)
        assert (standing.state, standing.next_notice_at) == ("open", rings)
        assert rings is not None
        # Whoever has read it closes it with the same words.
        again = nurse.post(f"/desk/alerts/{own.alert}/close", {**words, **shown(nurse, own.alert)})
        assert (again.status_code, alert_of(desk).state) == (303, "closed")


def test_p9_an_old_page_does_not_silence_what_nobody_has_read(desk: Desk) -> None:
    own, nurse = desk.own, desk.client_as(Role.DESK)
    path, page = f"/desk/alerts/{own.alert}/acknowledge", shown(nurse, own.alert)
    with time.held(LATER):
        worse(desk)
        answer = nurse.post(path, page)
        assert (answer.status_code, alert_of(desk).state) == (409, "open")
        assert "Fever of 40 and a stiff neck" in card(answer.text, f"alert-{own.alert}")
        assert alert_of(desk).next_notice_at is not None
        assert nurse.post(path, shown(nurse, own.alert)).location == TODAY
        assert alert_of(desk).state == "acknowledged"


def test_p9_a_form_that_says_nothing_of_what_it_showed_changes_nothing(light_desk: Desk) -> None:
    own, nurse = light_desk.own, light_desk.client_as(Role.DESK)
    for seen in ({}, {"seen": "x"}, {"seen": "9" * 30}):
        words: dict[str, Any] = {**seen, f"{own.alert}-words": "Called."}
        assert nurse.post(f"/desk/alerts/{own.alert}/close", words).status_code == 409
        assert nurse.post(f"/desk/alerts/{own.alert}/acknowledge", words).status_code == 409
    assert alert_of(light_desk).state == "open"


def test_p9_closing_while_the_patient_writes_loses_neither(desk: Desk) -> None:
    """Whichever comes first: the alert is closed and another opened, or it stands as an emergency."""
    own, vault = desk.own, desk.here.sending.vault
    page = shown(desk.client_as(Role.DESK), own.alert)
    started, go_on = threading.Event(), threading.Event()
    outcomes: list[str] = []

    def say(connection: Any) -> int:
        clinic = clinics.get(connection, own.clinic_id)
        made = alerts.open_alert(
            connection, desk.here.sending, clinic, own.patients[0], None, Urgency.EMERGENCY, "fever", "reply 78",
            "Worse", LATER, tell_patient=False,
        )  # fmt: skip
        started.set()
        go_on.wait(5)
        return made

    def close() -> None:
        def work(connection: Any) -> bool:
            return alerts.close(
                connection, vault, own.clinic_id, own.alert, "Well.", "Nurse", LATER, seen=int(page["seen"])
            )

        try:
            outcomes.append("closed" if run(desk.engine, work) else "was closed")
        except alerts.Overtaken:
            outcomes.append("refused")

    patient = threading.Thread(target=lambda: run(desk.engine, say))
    nurse = threading.Thread(target=close)
    patient.start()
    assert started.wait(10)
    nurse.start()
    nurse.join(0.3)
    assert outcomes == []  # it waits for the alert's row
    go_on.set()
    patient.join(30)
    nurse.join(30)
    assert outcomes == ["refused"]
    assert (alert_of(desk).state, alert_of(desk).urgency) == ("open", Urgency.EMERGENCY)


def test_the_words_of_whoever_closes_second_are_kept(desk: Desk) -> None:
    own, first, second = desk.own, desk.client_as(Role.DESK), desk.client_as(Role.CLINICIAN)
    path, page = f"/desk/alerts/{own.alert}/close", shown(second, own.alert)
    said = {role: {**page, f"{own.alert}-words": words} for role, words in (("1", "Left word."), ("2", "Spoke: 39.5."))}
    first.post(path, said["1"])
    for _ in range(2):
        assert "Your words are kept as a note" in second.post(path, said["2"], follow_redirects=True).text
    assert "closed with these words already" in first.post(path, said["1"], follow_redirects=True).text
    assert card(second.get(f"/desk/alerts/{own.alert}").text, f"alert-{own.alert}").count("Spoke: 39.5.") == 1
    assert "Spoke: 39.5." in second.get(f"/desk/patients/{own.patients[0]}").text
    lines = desk.sql(
        "SELECT action FROM audit WHERE subject = :one AND action != 'alert.read'", one=f"alert {own.alert}"
    )
    assert [one.action for one in lines] == ["alert.close", "alert.note"]


def test_the_words_of_whoever_knows_second_whose_a_reply_is_are_kept(desk: Desk) -> None:
    give_a_number_of_its_own(desk)
    kept = says(desk, STRANGER, "Who is this?", OWN_SENDER)
    first, second = desk.client_as(Role.DESK), desk.client_as(Role.CLINICIAN)
    first.post(f"/desk/replies/{kept}/patient/{desk.own.patients[0]}")
    path, words = f"/desk/replies/{kept}/nobody", {"nobody-words": "Her neighbour: she fell."}
    answer = second.post(path, words, follow_redirects=True).text
    assert f"Desk {desk.own.marker} had said whose it is before you. Your words are kept as a note of it." in answer
    assert "Nothing was changed." in second.post(path, words, follow_redirects=True).text
    page = second.get(f"/desk/replies/{kept}").text
    assert card(page, f"reply-{kept}").count("Her neighbour: she fell.") == 1
