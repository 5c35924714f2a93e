"""P2, P3 and P4: nothing twice, nothing unwanted, nothing at the wrong time. Held against the provider's ledger."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from itertools import pairwise
from typing import Any

from service.care.lifecycle import Channel
from simulation.facts import SLACK, Facts, HandedOver, Violation
from simulation.gateways import LATEST_ARRIVAL
from simulation.history import Change, at

# Written out here once more, on purpose: a checker that reads the rules it checks cannot find them wrong.
_MAY_GO_AGAIN = frozenset({"30003", "30008"})
"""Not there, says the carrier, and once it may be tried again."""
_NEVER_LEFT = frozenset({"30001", "30002", "30022", "30023", "30034", "63038"})
"""The provider's own queue threw it out."""
_OPENS, _CLOSES = time(8), time(21)
_CAP = 3
_STOP_ANSWERS = ("stop_confirm", "help")


def once(facts: Facts) -> Iterator[Violation]:
    """P2."""
    tokens = Counter(one.token for one in facts.provider.taken)
    for token, times in tokens.items():
        attempt = facts.attempt_of.get(token)
        if attempt is None:
            yield Violation("P2", f"the provider was handed something that is on no record ({token})")
        elif times > 1:
            yield Violation("P2", f"one attempt reached the provider {times} times", attempt["message_id"])
    for message, handed in facts.taken_of.items():
        retried = 0
        for earlier, later in pairwise(handed):
            code = _proof(earlier, later.taken.micros)
            if earlier.taken.channel is Channel.EMAIL or code is None:
                yield Violation("P2", f"sent twice: {earlier.taken.id}, then {later.taken.id}", message)
            retried += code in _MAY_GO_AGAIN
        if retried > 1:
            yield Violation("P2", f"tried again {retried} times after a carrier's fault; once is allowed", message)
    for one in facts.handed_over:
        if one.attempt.micros > one.taken.micros:
            yield Violation("P2", "it reached the provider before its attempt was on record", one.message)


def _proof(earlier: HandedOver, until: int) -> str | None:
    """The code by which the provider itself had said by then that this one did not arrive."""
    for micros, status, code in earlier.taken.moves:
        if micros <= until and status in ("failed", "undelivered") and code in _MAY_GO_AGAIN | _NEVER_LEFT:
            return code
    return None


class Wanted:
    """P3: the facts as they stood when each claim was committed."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._rows: dict[str, dict[int, Change]] = defaultdict(dict)
        self._answered: set[tuple[int, str]] = set()
        self._standing: dict[tuple[str, bytes], dict[int, Change]] = defaultdict(dict)
        self._unread: dict[int, bytes] = {}

    def violations(self) -> Iterator[Violation]:
        pending: list[Change] = []
        seq = 0
        for change in self._facts.history.changes:
            if change.seq != seq:
                for one in pending:
                    self._learn(one)
                pending, seq = [], change.seq
            pending.append(change)
            if change.table == "messages" and change["state"] == "sending" and change.was("state") == "queued":
                why = self._why_not(change)
                if why is not None:
                    yield Violation("P3", f"claimed although {why}", change.row, change["patient_id"])
        for one in pending:
            self._learn(one)
        yield from self._heeded()

    def _learn(self, change: Change) -> None:
        self._rows[change.table][change.row] = change
        if change.table == "responses" and change["completed_at"] is not None:
            self._answered.add((change["session_id"], change["survey"]))
        if change.table == "replies":
            if change["handled_at"] is None:
                self._unread[change.row] = bytes(change["sender_key"])
            else:
                self._unread.pop(change.row, None)
        if change.table == "suppressions":
            same = self._standing[change["channel"], bytes(change["address_key"])]
            if change["lifted_at"] is None:
                same[change.row] = change
            else:
                same.pop(change.row, None)

    def _why_not(self, claim: Change) -> str | None:
        patient = self._rows["patients"].get(claim["patient_id"])
        if patient is not None:
            if patient["erased_at"] is not None:
                return "the patient was erased"
            if (reason := self._suppressed(claim, patient)) is not None:
                return f"the address was suppressed ({reason})"
        if claim["step"].startswith("alert_notice"):
            alert = self._rows["alerts"].get(claim["cause_id"])
            return "the alert was acknowledged" if alert is not None and alert["acknowledged_at"] is not None else None
        if claim["priority"] == 0 or claim["session_id"] is None or patient is None:
            return None
        return self._unwanted_in_plan(claim, patient)

    def _unwanted_in_plan(self, claim: Change, patient: Change) -> str | None:
        if not patient["sms_consent" if claim["channel"] == "sms" else "email_consent"]:
            return "consent was withdrawn"
        if patient["stopped_at"] is not None:
            return "the clinic had stopped the plan"
        session = self._rows["sessions"][claim["session_id"]]
        if session["cancelled_at"] is not None:
            return "the session was cancelled"
        phone_key = patient["phone_key"] if claim["channel"] == "sms" else None
        if phone_key is not None and bytes(phone_key) in self._unread.values():
            return "nobody had read what the patient wrote before"
        ends = session["superseded_from"]
        if ends is not None and claim["handed_at"] >= ends:
            return "a later session had taken its place"
        if claim["survey"] is not None and (claim["session_id"], claim["survey"]) in self._answered:
            return "the survey was answered"
        return None

    def _suppressed(self, claim: Change, patient: Change) -> str | None:
        key = patient["phone_key"] if claim["channel"] == "sms" else patient["email_key"]
        if key is None:
            return None
        standing = [
            str(change["reason"])
            for change in self._standing[claim["channel"], bytes(key)].values()
            if change["clinic_id"] in (None, patient["clinic_id"])
        ]
        if claim["step"] in _STOP_ANSWERS:
            # The one confirmation that is allowed; to an address that does not work not even that.
            standing = [reason for reason in standing if reason != "opted_out"]
        return standing[0] if standing else None

    def _heeded(self) -> Iterator[Violation]:
        """What patients and clinics asked for, and were told yes to, has to be among the facts."""
        facts = self._facts
        vault = facts.installation.parts.sending.vault
        handled = {one["provider_key"]: one for one in facts.history.of("replies") if one["handled_at"] is not None}
        noted: dict[bytes, list[int]] = defaultdict(list)
        for change in facts.history.of("suppressions"):
            if change["reason"] == "opted_out" and change.before is None:
                noted[bytes(change["address_key"])].append(change.seq)
        for said in facts.people.said:
            reply = handled.get(said.sid)
            if said.kind == "stop" and reply is not None:
                key = vault.index(said.phone)
                if not any(seq <= reply.seq for seq in noted[key]):
                    what = f"{said.body!r} was read, and no opt-out is on record"
                    yield Violation("P3", what, None, reply["patient_id"])
        for mail in facts.people.mails_in.sent:
            reply = handled.get(mail.key)
            if not mail.stops or reply is None or reply["patient_id"] is None:
                continue
            if not any(seq <= reply.seq for seq in noted[vault.index(mail.sender)]):
                what = f"a mail that asks for an end was read, and no opt-out is on record ({mail.key})"
                yield Violation("P3", what, None, reply["patient_id"])
        cancelled: dict[str, int] = {}
        for change in facts.history.of("sessions"):
            if change["cancelled_at"] is not None:
                cancelled.setdefault(change["external_id"], change.seq)
        for name, answer in facts.people.cancelled.items():
            if cancelled.get(name, answer.commit + 1) > answer.commit:
                yield Violation("P3", f"{name} was cancelled, we were told so ({answer.status}), and it was not")
        erased = {one.was("external_id") for one in facts.history.of("patients") if one["erased_at"] is not None}
        for name in facts.people.erased:
            if name not in erased:
                yield Violation("P3", f"{name} was to be erased, and is not")


_HALF_LEASE = timedelta(seconds=60)
_WIRE = timedelta(seconds=LATEST_ARRIVAL)


def on_time(facts: Facts) -> Iterator[Violation]:
    """P4: by the moment at which the provider had it, in the patient's own zone."""
    days: dict[tuple[int, Any, Any], set[int]] = defaultdict(set)
    for one in facts.handed_over:
        claim, arrived = one.claim, facts.true(one.taken.micros)
        written = arrived - _WIRE - _HALF_LEASE  # at the latest; what is allowed between the check and the wire
        due, until = at(claim["due_at"]), at(claim["window_until"])
        if arrived + SLACK < due:
            yield _wrong(one, f"{due - arrived} before it was due")
        if written - SLACK >= until:
            yield _wrong(one, f"{arrived - until} after its window")
        if claim["priority"] == 0 or claim["patient_id"] is None or claim["session_id"] is None:
            continue
        zone = facts.zone_of(claim["patient_id"], claim.seq)
        if not _awake(arrived, zone) and not _awake(arrived + SLACK, zone) and not _awake(written - SLACK, zone):
            yield _wrong(one, f"in the patient's quiet hours ({arrived.astimezone(zone):%H:%M:%S} in {zone.key})")
        # What the carrier gave back never reached the patient, who may have been sent others instead.
        if claim["channel"] == "sms" and one.taken.status not in ("failed", "undelivered"):
            day = at(claim["handed_at"]).astimezone(zone).date()
            days[claim["patient_id"], day, zone.key].add(one.message)
    for (patient, day, _), sent in days.items():
        if len(sent) > _CAP:
            yield Violation("P4", f"{len(sent)} texts of the plan on {day}; {_CAP} are allowed", min(sent), patient)


def _wrong(one: HandedOver, what: str) -> Violation:
    return Violation("P4", f"{one.claim['step']} ({one.claim['channel']}) was handed over {what}", one.message)


def _awake(moment: datetime, zone: Any) -> bool:
    return _OPENS <= moment.astimezone(zone).time() < _CLOSES
