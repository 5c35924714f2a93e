"""Settings: the way in, and the checklist that says what has really been seen before a clinic goes live."""

from __future__ import annotations

from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse

from service import time
from service.care import emergencies
from service.care.going_live import checklist, missing
from service.care.roles import Permission
from service.context import context
from service.pages.desk import look
from service.pages.desk.door import Room, go, note
from service.pages.desk.look import Nav
from service.pages.desk.who import Who
from service.records import going_live
from service.records.database import reading, run
from service.records.going_live import NotReady

SETTINGS = "/desk/settings"
room = Room("settings", Nav("Settings", SETTINGS, Permission.MANAGE))


@room.get("/settings", may=Permission.MANAGE)
def show(who: Who) -> AnyResponse:
    return _page(who)


@room.post("/settings/live", may=Permission.MANAGE)
def go_live(who: Who) -> AnyResponse:
    """From now on the desk no longer says that this is a trial, and the last contact stays."""
    here = context()

    def work(connection: Connection) -> bool:
        done = going_live.go_live(connection, here.sending, who.clinic_id, time.now())
        if done:
            note(connection, who, "clinic.live", f"clinic {who.clinic_id}")
        return done

    try:
        done = run(here.engine, work)
    except NotReady:
        return _page(who, 422)
    look.said("You are live." if done else "You were live already.")
    return go(SETTINGS)


def _page(who: Who, status: int = 200) -> AnyResponse:
    here = context()
    with reading(here.engine) as connection:
        seen = going_live.evidence(connection, here.sending, who.clinic)
    checks = checklist(seen)
    misfit = emergencies.misfit(who.clinic.emergency_number, who.clinic.phone, who.clinic.timezone)
    return look.page(
        who, "settings.html", status, checks=checks, seen=seen, open_steps=missing(checks), refused=status == 422,
        public_url=here.settings.public_url, misfit=misfit,
    )  # fmt: skip
