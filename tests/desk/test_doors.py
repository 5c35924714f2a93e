"""Who passes which door: every route of the desk, as the app itself lists them, with every role, with nobody signed in,
with another clinic's ids and with ids that nobody has.

A new route without a rule, or with a path parameter that `ids.py` does not know, fails here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.routing import Rule

from service.care.roles import MAY, Permission, Role
from service.pages.desk.cookies import is_desk
from service.pages.desk.door import ANYONE, Room, open_desk, rules_of
from service.pages.desk.rooms import ROOMS
from service.records.database import reading
from service.records.schema import metadata
from tests.desk.desk import Desk, Visitor
from tests.desk.ids import IDS, NOBODYS
from tests.desk.practice import Practice

ENDPOINTS = [f"desk.{room.name}.{view}" for room in ROOMS for view in room.rules]
PASSES = {200, 204, 302, 303, 400, 404, 409, 422}
"""What somebody who may is answered: these doors are knocked at without a sensible form."""
UNTOUCHED = {"audit", "staff_sessions", "heartbeats"}
"""Tables that reading may write to: the audit, and when a session was last seen."""


def rules(app: Flask) -> dict[str, Rule]:
    return {rule.endpoint: rule for rule in app.url_map.iter_rules() if is_desk(rule.rule)}


def path_of(desk: Desk, rule: Rule, practice: Practice) -> str:
    """The rule's address, filled with what the practice has."""
    missing = rule.arguments - IDS.keys()
    assert not missing, f"tests/desk/ids.py must say what stands for {missing} in {rule.rule}"
    with desk.app.test_request_context():
        built = rule.build({name: IDS[name](desk, practice) for name in rule.arguments})
    assert built is not None
    return built[1]


def nobodys_paths(rule: Rule) -> Iterator[str]:
    """Addresses of the rule that lead nowhere."""
    for number in (NOBODYS["id"], "0", "99999999999999999999", "-1", "1%00"):
        filled = re.sub(r"<id:[^>]+>", number, rule.rule)
        yield re.sub(r"<[^>]+>", NOBODYS["default"], filled)


def knock(visitor: Visitor, rule: Rule, path: str) -> tuple[int, str]:
    method = "GET" if "GET" in (rule.methods or ()) else "POST"
    answer = visitor.get(path) if method == "GET" else visitor.post(path)
    assert answer.status_code < 500, f"{method} {path}: {answer.status_code}"
    return answer.status_code, answer.text


def test_every_route_is_in_a_room_and_has_a_rule(light_desk: Desk) -> None:
    found = rules(light_desk.app)
    assert set(found) == set(ENDPOINTS) == set(rules_of(light_desk.app))
    for rule in found.values():
        assert (rule.methods or set()) - {"HEAD", "OPTIONS"} in ({"GET"}, {"POST"}), rule


def test_a_route_cannot_be_added_without_saying_who_may() -> None:
    room = Room("new")
    with pytest.raises(TypeError):
        room.get("/new")  # type: ignore[call-arg]
    for nonsense in (None, "everybody", ""):
        with pytest.raises(TypeError, match="must say who may"):
            room.get("/new", may=nonsense)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="<id:"):
        room.get("/new/<int:patient_id>", may=Permission.READ)


def test_a_route_beside_the_door_stops_the_start(light_desk: Desk) -> None:
    app = Flask("other")
    app.extensions["aftercare"] = light_desk.here
    app.add_url_rule("/desk/back-door", view_func=lambda: "come in")
    with pytest.raises(RuntimeError, match="says nowhere who may"):
        open_desk(app, ())


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_p8_every_role_at_every_door(desk: Desk, endpoint: str) -> None:
    rule, may = rules(desk.app)[endpoint], rules_of(desk.app)[endpoint]
    path = path_of(desk, rule, desk.own)
    visitors = {role: desk.client_as(role) for role in Role}
    for role in reversed(Role):  # the owner last: what an owner does may shut the others out
        status, _ = knock(visitors[role], rule, path)
        if may == ANYONE or may in MAY[role]:
            assert status in PASSES, (role, status)
        else:
            assert status == 403, (role, status)


def test_p8_nobody_passes_without_signing_in(light_desk: Desk) -> None:
    for endpoint, rule in rules(light_desk.app).items():
        if rules_of(light_desk.app)[endpoint] != ANYONE:
            status, text = knock(light_desk.visitor(), rule, path_of(light_desk, rule, light_desk.own))
            assert status == 303, endpoint
            assert light_desk.own.marker not in text, endpoint


def test_p8_another_clinics_ids_lead_nowhere(desk: Desk) -> None:
    """404 where there is an id to be wrong, never 403; nothing of the other clinic shows, and nothing of it changes."""
    paths = {endpoint: path_of(desk, rule, desk.other) for endpoint, rule in rules(desk.app).items()}
    before = theirs(desk)
    for endpoint, rule in rules(desk.app).items():
        status, text = knock(desk.client_as(Role.OWNER), rule, paths[endpoint])
        if any(name.endswith("_id") for name in rule.arguments):
            assert status == 404, endpoint
        shown = [one for one in (desk.other.marker, desk.other.name, *desk.other.phones) if one in text]
        assert shown == [], endpoint
    assert theirs(desk) == before


def test_p10_ids_that_nobody_has_are_a_404(desk: Desk) -> None:
    visitor = desk.client_as(Role.OWNER)
    for rule in rules(desk.app).values():
        if "<id:" in rule.rule:
            for path in nobodys_paths(rule):
                status, _ = knock(visitor, rule, path)
                assert status in (404, 405), path


def test_reading_changes_nothing(desk: Desk) -> None:
    """GET, HEAD and OPTIONS: link previews and impatient fingers do them too."""
    visitor = desk.client_as(Role.OWNER)
    pages = [rule for rule in rules(desk.app).values() if "GET" in (rule.methods or ())]
    paths = [path_of(desk, rule, desk.own) for rule in pages]
    before = counts(desk)
    for path in paths:
        for method in ("GET", "HEAD", "OPTIONS"):
            assert visitor.client.open(path, method=method).status_code < 500
        assert counts(desk) == before, path


def counts(desk: Desk) -> dict[str, tuple[object, ...]]:
    """Rows of every table, and what stands in them."""
    found: dict[str, tuple[object, ...]] = {}
    with reading(desk.engine) as connection:
        for table in metadata.sorted_tables:
            if table.name not in UNTOUCHED:
                rows = connection.execute(select(table)).all()
                found[table.name] = (len(rows), hash(tuple(sorted(repr(row) for row in rows))))
        sessions = metadata.tables["staff_sessions"]
        found["sessions"] = tuple(connection.execute(select(func.count(), func.count(sessions.c.ended_at))).one())
    return found


def theirs(desk: Desk) -> dict[str, int]:
    """What the other clinic's rows come to."""
    with reading(desk.engine) as connection:
        return {
            table.name: hash(
                tuple(
                    sorted(
                        repr(row)
                        for row in connection.execute(select(table).where(table.c.clinic_id == desk.other.clinic_id))
                    )
                )
            )
            for table in metadata.sorted_tables
            if "clinic_id" in table.c
        }
