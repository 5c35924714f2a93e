"""Today: whom to call, what to read, what did not arrive, and what comes by itself."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from flask import request
from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse

from service import time
from service.care.escalation import OfficeHours
from service.care.localtime import first_moment, local_day
from service.care.roles import Permission
from service.care.urgency import Urgency
from service.context import context
from service.pages.desk import cards, forms, look
from service.pages.desk.door import HOME, Room, go, note
from service.pages.desk.look import Nav, Part
from service.pages.desk.who import Who
from service.records import doubts, inbox, patients, worklist
from service.records.alerts import Alert, hours_of
from service.records.database import reading, run
from service.records.doubts import Doubt
from service.records.inbox import Letter, Shelf
from service.records.worklist import Standing, Unreached

room = Room("today", Nav("Today", HOME, Permission.READ))

MOST: Mapping[Urgency, int] = {
    Urgency.EMERGENCY: 12,
    Urgency.URGENT: 12,
    Urgency.NEXT_BUSINESS_DAY: 8,
    Urgency.WATCH: 4,
}
"""Alerts that nobody has taken on, and as many that somebody has; more wait behind a link. A page must stay light."""
MOST_LETTERS, MOST_OTHERS = 12, 6
"""Replies; patients something did not reach, and doubts."""
WHOLE_ALERTS, WHOLE_LETTERS = 5, 4
"""Shown whole, the first that wait or are one's own; the others are a line each until they are opened."""
FEW = 3
"""Of what can wait, how many are shown before a line that opens to the others. Nothing urgent is behind one."""
MOST_COUNTED = 100
_DECIDED = "Somebody had decided that before you. Nothing was changed."


@dataclass(frozen=True, slots=True)
class _Found:
    """Everything that waits for somebody."""

    alerts: dict[Urgency, list[Standing]]
    whole: frozenset[int]
    """The alerts that are shown whole."""
    more: dict[tuple[Urgency, bool], int]
    """Where more are open than are shown, taken on or not: the last that is."""
    letters: list[Letter]
    more_letters: bool
    unreached: list[Unreached]
    doubts: list[Doubt]

    @property
    def is_empty(self) -> bool:
        return not (any(self.alerts.values()) or self.letters or self.unreached or self.doubts)

    @property
    def rows(self) -> list[str]:
        """For the audit."""
        others = [one.patient for one in self.unreached] + [one for doubt in self.doubts for one in doubt.patients]
        return cards.subjects([one for those in self.alerts.values() for one in those], self.letters, others)

    @property
    def key(self) -> str:
        """Changes when there is something else on the list, but not because time passes."""
        return hashlib.sha256(" ".join(self.rows).encode()).hexdigest()[:12]


@room.get("/today", may=Permission.READ)
def show(who: Who) -> AnyResponse:
    found = _look(who)
    with reading(context().engine) as connection:
        now = time.now()
        until = _midnight(who, now)
        coming = worklist.coming(connection, context().sending, who.clinic, now, until)
    hours = hours_of(who.clinic)
    return look.page(
        who,
        "today.html",
        waiting=_waiting(who),
        list=_list(who, found),
        coming=coming,
        most=worklist.MOST_COUNTED,
        is_open=hours.is_open(now),
        opens=_opens(hours, now),
        **cards.values(who),
    )


@room.live("/today/waiting", may=Permission.READ)
def show_waiting(who: Who) -> AnyResponse:
    """How much waits, in a line: it has nothing that somebody may be busy with, so it is always up to date."""
    return look.fresh(_waiting(who))


@room.live("/today/list", may=Permission.READ)
def show_list(who: Who) -> AnyResponse:
    return look.fresh(_list(who, _look(who)))


@room.post("/today/unreached/<id:patient_id>", may=Permission.WORK)
def settle_unreached(who: Who, patient_id: int) -> AnyResponse:
    """Up to the newest failure that was on the page: one that came since stays."""

    def work(connection: Connection) -> bool:
        _own_patient(connection, who, patient_id)
        done = worklist.settle_unreached(connection, patient_id, _upto())
        note(connection, who, "unreached.settle", f"patient {patient_id}")
        return done

    done = run(context().engine, work)
    look.said("Done. It comes back if something fails again." if done else _DECIDED)
    return go(HOME)


@room.post("/today/doubts/<id:suppression_id>/keep", may=Permission.WORK)
def keep(who: Who, suppression_id: int) -> AnyResponse:
    def change(connection: Connection) -> bool:
        return doubts.keep(connection, context().sending.vault, who.clinic_id, suppression_id, who.name, time.now())

    done = _decided(who, suppression_id, "doubt.keep", change)
    look.said("It stays stopped." if done else _DECIDED)
    return go(HOME)


@room.post("/today/doubts/<id:suppression_id>/lift", may=Permission.WORK)
def lift(who: Who, suppression_id: int) -> AnyResponse:
    def change(connection: Connection) -> bool:
        return doubts.lift(connection, context().sending, who.clinic_id, suppression_id, who.name, time.now())

    done = _decided(who, suppression_id, "doubt.lift", change)
    context().nudges.wake_clock()
    look.said("Lifted: what is still to come goes out again." if done else _DECIDED)
    return go(HOME)


def _decided(who: Who, suppression_id: int, action: str, change: Callable[[Connection], bool]) -> bool:
    def work(connection: Connection) -> bool:
        done = change(connection)
        if done:
            note(connection, who, action, f"suppression {suppression_id}")
        return done

    return run(context().engine, work)


def _own_patient(connection: Connection, who: Who, patient_id: int) -> None:
    patient = patients.get(connection, context().sending.vault, patient_id, lock=True)
    if patient.clinic_id != who.clinic_id or patient.erased_at is not None:
        raise LookupError(f"clinic {who.clinic_id} has no patient {patient_id}")


def _upto() -> datetime:
    return min(forms.moment(request.form.get("upto")) or time.now(), time.now())


def _look(who: Who) -> _Found:
    """Everything that waits; in the audit where somebody sees something that was not on their page before."""
    shown_before = request.headers.get("If-None-Match", "").partition(".")[0]

    def work(connection: Connection) -> _Found:
        found = _read(connection, who)
        if found.key != shown_before:
            cards.listed(connection, who, "today.read", found.rows)
        return found

    return run(context().engine, work)


def _read(connection: Connection, who: Who) -> _Found:
    vault, clinic_id = context().sending.vault, who.clinic_id
    open_of = {
        (urgency, taken_on): worklist.open_alerts(connection, clinic_id, urgency, MOST[urgency] + 1, taken_on=taken_on)
        for urgency in Urgency
        for taken_on in (False, True)
    }
    shown = [one for (urgency, _), those in open_of.items() for one in those[: MOST[urgency]]]
    standings = worklist.standings(connection, vault, who.clinic, shown)
    letters = inbox.shelf(connection, vault, clinic_id, Shelf.UNREAD, None, MOST_LETTERS + 1)
    return _Found(
        alerts={urgency: [one for one in standings if one.alert.urgency is urgency] for urgency in Urgency},
        whole=_whole(who, shown),
        more={key: those[MOST[key[0]] - 1].id for key, those in open_of.items() if len(those) > MOST[key[0]]},
        letters=letters[:MOST_LETTERS],
        more_letters=len(letters) > MOST_LETTERS,
        unreached=worklist.unreached(connection, vault, clinic_id, time.now(), MOST_OTHERS),
        doubts=doubts.of_clinic(connection, vault, clinic_id, MOST_OTHERS),
    )


def _whole(who: Who, alerts: Sequence[Alert]) -> frozenset[int]:
    waiting = [one.id for one in alerts if one.acknowledged_at is None or one.acknowledged_by == who.name]
    return frozenset(waiting[:WHOLE_ALERTS])


def _list(who: Who, found: _Found) -> Part:
    part = look.part(
        who,
        "today_list.html",
        found=found,
        back=HOME,
        whole_letters=WHOLE_LETTERS,
        few=FEW,
        **cards.values(who),
    )
    return replace(part, version=f"{found.key}.{part.version}")


def _waiting(who: Who) -> Part:
    with reading(context().engine) as connection:
        alerts = worklist.waiting(connection, who.clinic_id, MOST_COUNTED)
        letters = inbox.unread(connection, who.clinic_id, MOST_COUNTED)
    return look.part(who, "today_waiting.html", alerts=alerts, letters=letters, most=MOST_COUNTED)


def _midnight(who: Who, now: datetime) -> datetime:
    tomorrow = local_day(now, who.clinic.zone) + timedelta(days=1)
    return first_moment(tomorrow, datetime.min.time(), who.clinic.zone)


def _opens(hours: OfficeHours, now: datetime) -> datetime:
    return next(hours.openings(now))
