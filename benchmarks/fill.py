"""A table full of the future: patients with sealed-size blobs, their sessions, and messages planned for twelve weeks.

Made inside the database, so that ten million rows take minutes. Rows go in session after session with every index in
place, as they do in life: indexes are as ragged as real ones, not packed by a build from sorted rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, text

from benchmarks.place import START, Place
from service import time
from service.records import ids
from service.records.database import run, to_micros

MESSAGES = 25
"""Planned for a session: what the shipped protocol comes to with reminders and e-mails."""
SESSIONS_AT_A_TIME = 10_000
_APART = 4096
"""Between the ids of two sessions. They begin at the present moment, as those of `service.records.ids` do: every row
goes to the newest end of its primary key."""
_DAY, _HOUR = 86_400_000_000, 3_600_000_000
_HALF_PAST_NINE = to_micros(START) - 30 * 60_000_000
"""In New York, today."""


@dataclass(frozen=True, slots=True)
class _Dialect:
    """What the two databases spell differently."""

    moment: str
    blob: str
    hash: str


_DIALECTS = {
    "postgresql": _Dialect(
        moment="to_timestamp(({}) / 1000000.0)",
        blob="substring(sha512(random()::text::bytea) for {})",
        hash="substring(sha256(random()::text::bytea) for 16)",
    ),
    "sqlite": _Dialect(moment="({})", blob="randomblob({})", hash="randomblob(16)"),
}
_SESSIONS = (
    "WITH RECURSIVE numbers(n) AS (SELECT CAST(:first AS bigint) UNION ALL SELECT n + 1 FROM numbers WHERE n < :last),"
    f" filled AS (SELECT n, :base + (n - :first) * {_APART} AS id FROM numbers),"
    " steps(k) AS (SELECT CAST(0 AS bigint) UNION ALL SELECT k + 1 FROM steps WHERE k < :most)"
)
_FIRST_SESSIONS = "SELECT id FROM sessions WHERE external_id LIKE 'filled-%' ORDER BY id LIMIT :sessions"


def name(number: int) -> str:
    """What the clinic calls a filled session, and its patient."""
    return f"filled-{number}"


def fill(here: Place, sessions: range, days_ahead: int = 1, days_ago: int = 0) -> Iterator[int]:
    """Fill in these sessions, begun `days_ago`, their messages due from `days_ahead` on; yields how many are in."""
    for first in range(sessions.start, sessions.stop, SESSIONS_AT_A_TIME):
        last = min(first + SESSIONS_AT_A_TIME, sessions.stop)
        run(here.parts.engine, _filling(here, first, last - 1, days_ahead, days_ago))
        yield last


def settle(here: Place) -> None:
    """What autovacuum gets to in an hour: statistics, and a visibility map."""
    vacuum = "VACUUM ANALYZE" if here.kind == "postgresql" else "ANALYZE"
    with here.parts.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(vacuum)


def _filling(here: Place, first: int, last: int, days_ahead: int, days_ago: int) -> Callable[[Connection], None]:
    says = _DIALECTS[here.kind]
    now = says.moment.format(to_micros(START))
    base = ids.first_at(time.real_now() - timedelta(days=days_ago))
    values = {"first": first, "last": last, "most": MESSAGES - 1, "clinic": here.clinic_id, "base": base}
    protocol = "(SELECT min(id) FROM protocols)"
    senders = {"sms": here.parts.sending.sms_sender, "email": here.parts.sending.email_sender}
    patients = (
        f"INSERT INTO patients (id, clinic_id, external_id, given_name, phone, phone_key, email, email_key,"
        f" sms_consent, email_consent, facts_at) {_SESSIONS}"
        f" SELECT id, :clinic, 'filled-' || n, {says.blob.format(36)}, {says.blob.format(45)}, {says.hash},"
        f" {says.blob.format(57)}, {says.hash}, true, true, {now} FROM filled"
    )
    courses = (
        f"INSERT INTO courses (id, clinic_id, patient_id, site) {_SESSIONS} SELECT id, :clinic, id, 'knee' FROM filled"
    )
    sessions = (
        f"INSERT INTO sessions (id, clinic_id, external_id, patient_id, course_id, protocol_id, ended_at, facts_at,"
        f" created_at, has_baseline) {_SESSIONS}"
        f" SELECT id, :clinic, 'filled-' || n, id, id, {protocol}, {now}, {now}, {now}, false FROM filled"
    )
    # One in twelve is due some minutes after a session ended, the others at 09:30 in one of four time zones.
    due = (
        f"{_HALF_PAST_NINE + days_ahead * _DAY} + ((n * 7 + k * 84 / {MESSAGES}) % 84) * {_DAY} + n % 4 * {_HOUR}"
        f" + CASE WHEN k % 12 = 0 THEN n * 2654435761 % {_DAY} ELSE 0 END"
    )
    planned = (
        f"INSERT INTO messages (id, clinic_id, patient_id, session_id, step, channel, survey, sender, priority,"
        f" segments, due_at, window_until, state, reason, tries) {_SESSIONS}"
        f" SELECT id + k, :clinic, id, id, 'step' || k, CASE WHEN k % 3 = 2 THEN 'email' ELSE 'sms' END,"
        f" CASE WHEN k % 2 = 0 THEN 'day' || k END,"
        f" CASE WHEN k % 3 = 2 THEN '{senders['email']}' ELSE '{senders['sms']}' END, 1, 1,"
        f" {says.moment.format(due)}, {says.moment.format(f'{due} + 12 * {_HOUR}')}, 'planned', 'not_yet_due', 0"
        f" FROM filled CROSS JOIN steps ORDER BY id, k"
    )

    def work(connection: Connection) -> None:
        for statement in (patients, courses, sessions, planned):
            connection.execute(text(statement), values)

    return work


def make_past(here: Place, sessions: int, spread: bool = False) -> None:
    """Let the first filled sessions be over: all delivered and receipted, one survey answered, one reply read.

    Their messages went out ninety days before START, or `spread` over all of these days as they were due.
    """
    says = _DIALECTS[here.kind]
    moment = says.moment.format(to_micros(START) - 90 * _DAY)
    went = (
        ("due_at - INTERVAL '90 days'" if here.kind == "postgresql" else f"due_at - {90 * _DAY}") if spread else moment
    )
    over = f"FROM sessions WHERE external_id LIKE 'filled-%' AND id <= (SELECT max(id) FROM ({_FIRST_SESSIONS}) AS old)"
    theirs = f"FROM messages WHERE session_id IN (SELECT id {over})"
    statements = (
        f"UPDATE messages SET state = 'delivered', reason = 'confirmed', tries = 1, handed_at = {went},"
        f" due_at = {went}, window_until = {went} WHERE id IN (SELECT id {theirs})",
        f"INSERT INTO attempts (id, message_id, number, token, link_key, address, address_key, body_key, started_at,"
        f" outcome, provider_id, settled_at, checks) SELECT id, id, 1, 'token' || id, id, {says.blob.format(45)},"
        f" {says.hash}, {says.hash}, {moment}, 'accepted', 'SM' || id, {moment}, 0 {theirs}",
        f"INSERT INTO receipts (id, event_key, channel, provider_id, attempt_id, status, received_at, applied_at)"
        f" SELECT id, 'SM' || id || ' delivered', channel, 'SM' || id, id, 'delivered', {moment}, {moment} {theirs}",
        f"INSERT INTO replies (id, provider_key, channel, sender, sender_key, recipient, body, media, automatic,"
        f" received_at, clinic_id, patient_id, session_id, match, handled_at, place)"
        f" SELECT id, 'MM' || id, 'sms', {says.blob.format(45)}, {says.hash}, '+12025550100', {says.blob.format(60)},"
        f" 0, false, {moment}, clinic_id, patient_id, id, 'matched', {moment}, id {over}",
        f"INSERT INTO responses (id, clinic_id, patient_id, session_id, survey, started_at, changed_at, answers)"
        f" SELECT id, clinic_id, patient_id, id, 'S1', {moment}, {moment}, {says.blob.format(300)} {over}",
        f"INSERT INTO events (id, clinic_id, key, digest, type, session_id, status, answer, received_at)"
        f" SELECT id, clinic_id, external_id, {says.hash}, 'session.completed', id, 202, {says.blob.format(900)},"
        f" {moment} {over}",
    )

    def work(connection: Connection) -> None:
        for statement in statements:
            connection.execute(text(statement), {"sessions": sessions})

    run(here.parts.engine, work)
