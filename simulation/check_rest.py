"""P1, P5, P6, P7 and P8: nothing lost, nothing stuck, everything explained, nothing told to strangers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from service.care.lifecycle import SENTENCES, Reason
from service.records import silences
from service.records.database import reading
from simulation.facts import Facts, HandedOver, Violation, seconds
from simulation.idle import LONGEST_IDLE

_LATE = timedelta(minutes=10)
_LONGEST_DOUBT = timedelta(days=1)
_LATEST = 180.0
"""Seconds after its due time at which a message may still be claimed when nothing fails: a lost nudge's lease, and the
pace of its sender."""
_TREATMENT = re.compile(r"prolo|inject|dextrose|knee|shoulder|ankle|lower_back|zqx\d+wv", re.IGNORECASE)
_LINK = re.compile(r"https://\S+")  # random letters, which say what they like
_CONTACT = re.compile(r"\+1202555\d|@example\.net|zqx\d")
_FAILED = re.compile(r".* could not (?:look|be [a-z ]+): (\w+)")
_EXCUSED = ("OperationalError", "RedisError")
"""What the simulated database and queue raise when they fail."""
_ENDS = ("delivered", "undelivered", "failed", "skipped", "cancelled", "expired", "unknown")
_BOUNCED = ("bounce", "blocked")


def kept(facts: Facts) -> Iterator[Violation]:
    """P1."""
    first: dict[tuple[str, str], int] = {}
    columns = {"events": "key", "receipts": "event_key", "replies": "provider_key"}
    for change in facts.history.of(*columns):
        first.setdefault((change.table, change[columns[change.table]]), change.seq)
    for one in facts.installation.web.kept:
        seq = first.get((one.table, one.value))
        if seq is None or seq > one.answer.commit:
            when = "never" if seq is None else "only later"
            yield Violation("P1", f"{one.table} {one.value} was answered {one.answer.status} and {when} committed")
    stored = {change.who for change in facts.history.of("responses")}
    for who in facts.people.answered:
        if who not in stored:
            yield Violation("P1", f"a survey was taken with thanks and not stored ({who})")


def at_rest(facts: Facts) -> Iterator[Violation]:
    """P6: after the calm nothing may wait for somebody who is dead."""
    past = facts.ended_at - _LATE
    for row, message in facts.history.rows("messages"):
        state, check = message["state"], message["check_at"]
        if state == "planned" and message["due_at"] < past:
            yield Violation("P6", f"still planned, due {message['due_at']:%F %T} ({message['reason']})", row)
        elif state in ("queued", "sending") and (check is None or check < past):
            yield Violation("P6", f"stuck in {state}", row)
        elif state in ("accepted", "sent") and check is not None and check < past:
            yield Violation("P6", f"{state}, and nobody asks what became of it", row)
        elif state == "sending" and message["handed_at"] < facts.ended_at - _LONGEST_DOUBT:
            yield Violation("P6", "in doubt for more than a day", row)
    for row, reply in facts.history.rows("replies"):
        if reply["handled_at"] is None:
            yield Violation("P6", f"reply {row} was never read")
    for row, alert in facts.history.rows("alerts"):
        if alert["next_notice_at"] is not None and alert["next_notice_at"] < past:
            yield Violation("P6", f"alert {row} waits for a round that is overdue", None, alert["patient_id"])
    with reading(facts.installation.parts.engine) as connection:
        for one in silences.find(connection, facts.ended_at - LONGEST_IDLE - _LATE):
            yield Violation("P6", f"nobody has judged that {one.survey} is silent", None, one.patient_id)


def unbroken(facts: Facts) -> Iterator[Violation]:
    """P6: nothing fails but for the faults of this run. What fails in itself fails again whenever it is tried."""
    for job, times in facts.installation.failed_jobs.items():
        if not job.endswith(_EXCUSED):
            yield Violation("P6", f"a job failed {times} times: {job}")
    for line in facts.installation.logged:
        error = _FAILED.match(line)
        if error is not None and error[1] not in _EXCUSED:
            yield Violation("P6", line)
    if (times := facts.installation.web.answers.get(500, 0)) > 0:
        yield Violation("P6", f"{times} requests ended with 500")


def punctual(facts: Facts) -> Iterator[Violation]:
    """P5: once nothing fails any more, what is due goes out, with or without what was in the queue."""
    settled = facts.calm_from + 2 * 3600 * 1_000_000
    for change in facts.history.of("messages"):
        if change.micros < settled or change["state"] != "sending" or change.was("state") != "queued":
            continue
        late = seconds(change.micros - facts.installation.scheduler.at_moment(change["due_at"]))
        if change["due_at"] > facts.true(settled) and late > _LATEST:
            yield Violation("P5", f"claimed {late:.0f} s after it was due, while nothing failed", change.row)


def explained(facts: Facts) -> Iterator[Violation]:
    """P7."""
    for row, changes in facts.messages.items():
        for change in changes:
            if change.was("state") == "delivered" and change["state"] != "delivered":
                yield Violation("P7", f"it had arrived, and became {change['state']}", row)
            if change.was("state") == "sent" and change["state"] == "accepted":
                yield Violation("P7", "its state went back from sent to accepted", row)
        last = changes[-1]
        if last["reason"] not in set(Reason) or not SENTENCES.get(Reason(last["reason"])):
            yield Violation("P7", f"no sentence says why it is {last['state']} ({last['reason']})", row)
        wrong = _belied(last["state"], facts.taken_of.get(row, []))
        if wrong is not None:
            yield Violation("P7", f"{last['state']} ({last['reason']}) although {wrong}", row)


def _belied(state: str, handed: list[HandedOver]) -> str | None:
    """What the provider knows that is not so; None when the state can be true."""
    ends = {one.taken.status for one in handed}
    arrived = any(status == "delivered" for one in handed for _, status, _ in one.taken.moves)
    alive = [one for one in handed if one.taken.status not in ("failed", "undelivered", *_BOUNCED, "dropped")]
    match state:
        case "delivered" if not arrived:
            return "it never arrived"
        case "accepted" | "sent" if not handed:
            return "the provider never had it"
        case "undelivered" if not ends & {"undelivered", *_BOUNCED}:
            return f"the provider says {sorted(ends)}"
        case "failed" if alive:
            return "the provider has it"
        case "skipped" | "cancelled" | "expired" | "planned" | "queued" if alive:
            return "the provider took it"
    return None


def private(facts: Facts) -> Iterator[Violation]:
    """P8."""
    staff = {address for clinic in facts.people.clinics for address in (*clinic.staff, *clinic.staff_mail)}
    for taken in facts.provider.taken:
        if _TREATMENT.search(_LINK.sub("", taken.body)):
            yield Violation("P8", f"words about a treatment in {taken.id}")
    for taken in facts.provider.taken:
        if taken.to in staff and any(re.search(rf"\b{p.name}\b", taken.body) for p in facts.people.patients):
            yield Violation("P8", f"a patient's name in a notice to staff, {taken.id}")
    for payload in facts.installation.nudges.payloads:
        if not payload.isdigit():
            yield Violation("P8", f"the queue held {payload[:40]!r}")
    for line in facts.installation.logged:
        if _CONTACT.search(line):
            yield Violation("P8", f"the log says {line[:80]!r}")
