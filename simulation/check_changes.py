"""What changes under way: files that are taken in, and patients who go over to another version of their protocol."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from itertools import chain

from service.records.switching import Followers
from simulation.facts import Facts, Violation
from simulation.furniture import LATER_DAYS
from simulation.history import Change, at

_LATE = timedelta(minutes=10)


def changes(facts: Facts) -> Iterator[Violation]:
    """All of it."""
    yield from chain(_rows(facts), _once_a_step(facts))
    for clinic, followers in facts.installation.switches.items():
        yield from _switched(facts, clinic, followers)


def _rows(facts: Facts) -> Iterator[Violation]:
    """Every row of a file once, however often it was taken in and whoever died over it."""
    inserted: dict[str, int] = defaultdict(int)
    for change in facts.history.of("sessions"):
        inserted[change["external_id"]] += change.before is None
    for file in facts.installation.files.taken_in:
        for place, made in enumerate(file.finished):
            row = facts.history.row("imports", made)
            assert row is not None
            done = row["taken"] + row["already"] if place == 0 else row["already"]
            if done != len(file.sessions):
                yield Violation("P6", f"import {made} ({place + 1}): {done} of {len(file.sessions)} rows, {row}")
        for name in file.sessions if file.finished else ():
            if inserted[name] != 1:
                yield Violation("P6", f"{name} was taken in {inserted[name]} times")
    for made, row in facts.history.rows("imports"):
        if row["phase"] in ("checking", "taking") and row["check_at"] < facts.ended_at - _LATE:
            yield Violation("P6", f"import {made} is {row['phase']}, and nobody goes on with it")


def _once_a_step(facts: Facts) -> Iterator[Violation]:
    """One message a step, whatever version it is of."""
    sent: dict[tuple[int, str, str], set[int]] = defaultdict(set)
    for one in facts.handed_over:
        claim = one.claim
        if claim["session_id"] is not None and claim["priority"] != 0:
            sent[claim["session_id"], claim["step"], claim["channel"]].add(one.message)
    for (session, step, channel), several in sent.items():
        if len(several) > 1:
            yield Violation(
                "P2", f"{step} ({channel}) of session {session} went out as {sorted(several)}", max(several)
            )


def _switched(facts: Facts, clinic: int, followers: Followers) -> Iterator[Violation]:
    versions = {one.row: one for one in facts.history.of("protocols") if one["clinic_id"] == clinic}
    later = next((row for row, one in versions.items() if one["version"] == 2), None)
    if later is None:
        return
    signed = next(one for one in facts.by_row["protocols", later] if one["approved_at"] is not None)
    if versions[later]["followers"] is not None:
        yield Violation("P6", "a switch to another version was never brought to its end")
    waiting = {moves[-1]["session_id"] for moves in facts.messages.values() if _waited(moves, signed.seq)}
    for (table, row), changes in facts.by_row.items():
        if table == "sessions" and changes[0]["protocol_id"] in versions:
            yield from _of_session(facts, row, changes, signed, followers, row in waiting)


def _waited(moves: list[Change], since: int) -> bool:
    """Whether a message has waited to be sent all the time since a commit: who has none goes over to nothing."""
    then = next((one for one in reversed(moves) if one.seq < since), None)
    later = [one["state"] for one in moves if one.seq >= since]
    return then is not None and {then["state"], *later} <= {"planned", "queued"}


def _of_session(
    facts: Facts, row: int, changes: list[Change], signed: Change, followers: Followers, waits: bool
) -> Iterator[Violation]:
    first, last = changes[0], changes[-1]
    if first.seq > signed.seq:
        if first["protocol_id"] != signed.row:
            yield Violation("P3", f"session {row} began under a version that was out of force")
    elif followers is Followers.WAITING:
        if last["protocol_id"] == signed.row:
            yield Violation("P3", f"session {row} went over unasked", None, last["patient_id"])
    elif waits and last["cancelled_at"] is None and last["protocol_id"] != signed.row:
        yield Violation("P6", f"session {row} was to go over, and did not", None, last["patient_id"])
    if last["protocol_id"] == signed.row:
        yield from _by_the_later_times(facts, row, changes, signed)


def _by_the_later_times(facts: Facts, session: int, changes: list[Change], signed: Change) -> Iterator[Violation]:
    """Under the new version nothing goes at the times of the old, and no step is lost."""
    over = next(one.seq for one in changes if one["protocol_id"] == signed.row)
    stays = {
        moves[-1]["step"]
        for moves in facts.messages.values()
        if moves[-1]["session_id"] == session and moves[-1]["reason"] != "plan_changed"
    }
    zones = {one["timezone"] for one in facts.by_row.get(("patients", changes[-1]["patient_id"]), ())}
    for message, moves in facts.messages.items():
        step = moves[-1]["step"]
        if moves[-1]["session_id"] != session or step not in LATER_DAYS:
            continue
        # A patient who takes consent back and gives it again has had the step on two channels: one of them stays.
        if moves[-1]["reason"] == "plan_changed" and moves[-1].seq >= over and step not in stays:
            yield Violation("P6", f"{step} was lost on the way to another version", message)
        claim = next((one for one in moves if one["state"] == "sending"), None)
        if claim is None or claim.seq < over or len(zones) > 1:
            continue
        zone = facts.zone_of(claim["patient_id"], claim.seq)
        days = at(claim["handed_at"]).astimezone(zone).date() - at(changes[-1]["ended_at"]).astimezone(zone).date()
        if days < timedelta(days=LATER_DAYS[step]):
            yield Violation("P4", f"{step} went out {days.days} days on, which the version before would have", message)
