"""P9: every red flag has an alert, and an alert is told again, and to more people, until somebody takes it on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from simulation.facts import SLACK, Facts, Violation
from simulation.history import Change, at

_LOUD = ("emergency", "urgent")
_STAFF = 3
_JOINS = {"emergency": (5, 10), "urgent": (20, 40)}
_REPEATS = {"emergency": 10, "urgent": 60}
"""Minutes, as the care plan has them."""
_TROUBLE = timedelta(minutes=25)
"""What an outage of the database and the death of every clock may add while faults go on."""


def heard(facts: Facts) -> Iterator[Violation]:
    """P9."""
    yield from _opened(facts)
    for (table, _), changes in facts.by_row.items():
        if table == "alerts":
            yield from _kept_ringing(facts, changes)


def _opened(facts: Facts) -> Iterator[Violation]:
    replies = {one["provider_key"]: one for one in facts.history.of("replies") if one["handled_at"] is not None}
    sources = {one["source"] for one in facts.history.of("alert_events")}
    vault = facts.installation.parts.sending.vault
    for flag in facts.people.flagged:
        if flag.how == "reply":
            reply = replies.get(flag.what)
            if reply is None or f"reply {reply.row}" in sources:
                continue  # not read: P6 has something to say of that
            phone = next(said.phone for said in facts.people.said if said.sid == flag.what)
            if _lives_there(facts, vault.index(phone), reply.seq):
                yield Violation("P9", "a red flag in a reply opened no alert", None, reply["patient_id"])
        elif not _alert_of_survey(facts, flag.what):
            yield Violation("P9", f"a red flag in a survey opened no alert ({flag.what})")


def _lives_there(facts: Facts, key: bytes, seq: int) -> bool:
    last: dict[int, Change] = {}
    for change in facts.history.of("patients"):
        if change.seq < seq:
            last[change.row] = change
    return any(one["phone_key"] == key and one["erased_at"] is None for one in last.values())


def _alert_of_survey(facts: Facts, who: str) -> bool:
    patients = {one["patient_id"] for one in facts.history.of("responses") if one.who == who}
    if not patients:
        return True  # too late to be stored: what was said then is on the alert's own record
    return any(one["patient_id"] in patients and one["urgency"] in _LOUD for one in facts.history.of("alerts"))


def _kept_ringing(facts: Facts, changes: list[Change]) -> Iterator[Violation]:
    """Between the moment it rings and the moment somebody takes it on, no gap may be longer than the ladder's."""
    told = facts.told_of[changes[0].row]
    for place, change in enumerate(changes):
        begins = change["acknowledged_at"] is None and change["closed_at"] is None and (
            change.before is None or change.changed("since") or change.was("acknowledged_at") is not None
        )  # fmt: skip
        if not begins or change["urgency"] not in _LOUD:
            continue
        ends = next((one.micros for one in changes[place + 1 :] if _is_over(one, change)), facts.end)
        yield from _rings(facts, change, facts.true(ends), told)


def _is_over(later: Change, change: Change) -> bool:
    return later["acknowledged_at"] is not None or later["closed_at"] is not None or later["since"] != change["since"]


def _rings(facts: Facts, change: Change, until: datetime, told: list[Change]) -> Iterator[Violation]:
    since, urgency = at(change["since"]), change["urgency"]
    trouble = _TROUBLE if change.micros < facts.calm_from else SLACK * 6
    mine = [one for one in told if since - SLACK <= at(one["at"]) <= until + SLACK]
    last = since
    longest = max(_REPEATS[urgency], *_JOINS[urgency])
    for moment in [*(at(one["at"]) for one in mine), until]:
        if moment - last > timedelta(minutes=longest) + trouble:
            what = f"nobody was told of an alert ({urgency}) for {moment - last}"
            yield Violation("P9", what, None, change["patient_id"])
        last = moment
    for number, minutes in enumerate(_JOINS[urgency], 2):
        moment = since + timedelta(minutes=minutes) + trouble
        people = {one["contact_id"] for one in mine if at(one["at"]) <= moment}
        if moment < until and len(people) < min(number, _STAFF):
            what = f"{minutes} minutes on only {len(people)} people knew of an alert"
            yield Violation("P9", what, None, change["patient_id"])
