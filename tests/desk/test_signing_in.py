"""Signing in and out: nobody gets in who should not, nobody learns who is known, whoever is put out is out at once."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pyotp
import pytest
from sqlalchemy import update

from service import time
from service.app import create_app
from service.care.roles import Role
from service.pages.desk import hashing, limits, login
from service.pages.desk.codes import new_secret
from service.records import audit, erasure, staff
from service.records.database import run
from service.records.desk_tables import staff_sessions as session_rows
from service.records.sealing import new_key
from service.settings import Settings
from tests.desk.conftest import NO_REDIS, PUBLIC, Furnished, opened, settings_for
from tests.desk.desk import Desk, Visitor
from tests.desk.practice import PASSWORD


def cookie_of(visitor: Visitor) -> str | None:
    found = visitor.client.get_cookie("__Secure-aftercare", path="/desk")
    return None if found is None else found.value


def with_codes(desk: Desk, role: Role) -> pyotp.TOTP:
    secret, person = new_secret(), desk.own.staff[role]

    def work(connection):  # type: ignore[no-untyped-def]
        staff.offer_codes(connection, desk.here.sending.vault, person, secret)
        staff.confirm_codes(connection, person, time.now())

    run(desk.engine, work)
    return pyotp.TOTP(secret)


def code(totp: pyotp.TOTP) -> str:
    return totp.at(time.real_now())


def test_in_and_out(desk: Desk) -> None:
    visitor = desk.visitor()
    answer = visitor.sign_in(desk.own.emails[Role.CLINICIAN].upper())
    assert (answer.status_code, answer.location) == (303, "/desk/today")
    assert "Clinician Rosalind" in visitor.get("/desk/you").text
    assert visitor.post("/desk/logout").location == "/desk/login"
    assert visitor.get("/desk/you").status_code == 303
    actions = [row.action for row in desk.sql("SELECT action FROM audit WHERE actor LIKE '%Clinician R%' ORDER BY id")]
    assert [one for one in actions if not one.endswith(".read")] == ["login", "logout"]


def test_unknown_wrong_and_disabled_are_told_the_same(desk: Desk) -> None:
    run(desk.engine, lambda c: staff.disable(c, desk.own.clinic_id, desk.own.staff[Role.READER], time.now()))
    said = []
    for email, password in (
        ("nobody@rosalind.example", PASSWORD),
        (desk.own.emails[Role.OWNER], "not the password at all"),
        (desk.own.emails[Role.READER], PASSWORD),
        (desk.own.emails[Role.OWNER], "x" * 5000),
    ):
        answer = desk.visitor().sign_in(email, password)
        assert answer.status_code == 422
        said.append(re.sub(r'value="[^"]*"', "", answer.text))
        assert password not in answer.text
    assert login.WRONG in said[0]
    assert len(set(said)) == 1


def test_the_password_is_worked_on_whoever_asks(light_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that comes at once would tell that nobody signs in with that address."""
    worked: list[str] = []
    really = hashing._hasher.verify

    class Counting:
        hash = hashing._hasher.hash

        def verify(self, kept: str, password: str) -> bool:
            worked.append(kept)
            return really(kept, password)

    monkeypatch.setattr(hashing, "_hasher", Counting())
    light_desk.visitor().sign_in("nobody@rosalind.example")
    light_desk.visitor().sign_in(light_desk.own.emails[Role.OWNER], "not the password at all")
    assert len(worked) == 2
    assert {kept.rpartition("$")[0].rpartition("$")[0] for kept in worked} == {"$argon2id$v=19$m=19456,t=2,p=1"}


def test_flags_of_the_cookie(light_desk: Desk) -> None:
    visitor = light_desk.visitor()
    answer = visitor.sign_in(light_desk.own.emails[Role.OWNER])
    [line] = [one for one in answer.headers.getlist("Set-Cookie") if one.startswith("__Secure-aftercare=")]
    assert {part.strip() for part in line.split(";")[1:]} == {"Secure", "HttpOnly", "Path=/desk", "SameSite=Lax"}


def test_the_cookie_tells_nothing_and_the_database_cannot_be_used_as_one(light_desk: Desk) -> None:
    """P8."""
    visitor = light_desk.client_as(Role.OWNER)
    visitor.get("/desk/you")
    [row] = light_desk.sql("SELECT token_key FROM staff_sessions")
    with visitor.client.session_transaction("/desk/") as cookie:
        token = cookie["_user_id"]
        assert set(cookie) <= {"_user_id", "_fresh", "_id", "csrf_token"}
    assert staff.digest(token) == bytes(row.token_key)
    assert token not in repr(row)


def test_no_cookie_outside_the_desk(light_desk: Desk) -> None:
    """The API, webhooks and patients' pages know nothing of sessions, not even as a `Vary`."""
    visitor = light_desk.client_as(Role.OWNER)
    for path in (
        "/healthz",
        "/openapi.json",
        "/docs",
        "/v1/alerts",
        "/s/nobody",
        "/a/nobody",
        "/deskless",
        "/assets/desk.css",
    ):
        answer = visitor.get(path)
        assert "Set-Cookie" not in answer.headers, path
        assert "Cookie" not in answer.headers.get("Vary", ""), path
    assert visitor.client.post("/v1/events", json={}).status_code == 401  # and no token against forgery is asked for


def test_a_cookie_from_before_is_worth_nothing_after(desk: Desk) -> None:
    """Session fixation: whoever planted the cookie does not get in with it."""
    victim = desk.visitor()
    victim.get("/desk/login")
    planted = cookie_of(victim)
    assert planted is not None
    victim.sign_in(desk.own.emails[Role.OWNER])
    attacker = desk.visitor()
    attacker.client.set_cookie("__Secure-aftercare", planted, path="/desk", secure=True)
    assert attacker.get("/desk/you").status_code == 303
    first = cookie_of(victim)
    victim.sign_in(desk.own.emails[Role.OWNER])
    attacker.client.set_cookie("__Secure-aftercare", first or "", path="/desk", secure=True)
    assert attacker.get("/desk/you").status_code == 303, "signing in anew ended the session before"
    assert victim.get("/desk/you").status_code == 200


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example", "https://evil.example/desk/", "https:evil.example", "/\\evil.example", "\\\\evil.example",
        "/desk/../..//evil.example", "/desk/..", "/desk/./../x", "/desk//evil", "javascript:alert(1)", "/deskevil",
        "/v1/patients/1", "/desk/%2e%2e/x", "/desk/you\r\nX-Evil: 1", "/desk/you\x00", " /desk/you", "", "/desk/lögin",
    ],
)  # fmt: skip
def test_signing_in_leads_to_no_foreign_address(light_desk: Desk, target: str) -> None:
    answer = light_desk.visitor().sign_in(light_desk.own.emails[Role.OWNER], next=target)
    assert (answer.status_code, answer.location) == (303, "/desk/today")
    assert "X-Evil" not in answer.headers
    page = light_desk.visitor().get("/desk/login", query_string={"next": target})
    assert 'name="next" type="hidden" value="/desk/today"' in page.text


def test_signing_in_leads_back_to_where_one_was(light_desk: Desk) -> None:
    visitor = light_desk.visitor()
    answer = visitor.get("/desk/people?secret=1")
    assert answer.location == "/desk/login?next=/desk/people"
    page = visitor.get(answer.location)
    assert 'name="next" type="hidden" value="/desk/people"' in page.text
    assert visitor.sign_in(light_desk.own.emails[Role.OWNER], next="/desk/people").location == "/desk/people"


@pytest.mark.parametrize("name", ["a%0D%0AX-Evil%3A%201", "a%26next%3Db", "%E2%82%AC"])
def test_p10_any_address_leads_to_the_door(light_desk: Desk, name: str) -> None:
    answer = light_desk.visitor().get(f"/desk/results/{name}")
    assert (answer.status_code, answer.location) == (303, f"/desk/login?next=/desk/results/{name}")
    assert "X-Evil" not in answer.headers
    assert light_desk.visitor().get(answer.location).status_code == 200


def test_a_piece_of_a_page_sends_the_whole_page_to_the_door(light_desk: Desk) -> None:
    answer = light_desk.visitor().get("/desk/you", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"], answer.text) == (204, "/desk/login", "")


# Forgery


def test_a_form_without_its_token_changes_nothing(desk: Desk) -> None:
    visitor, stranger = desk.client_as(Role.OWNER), desk.client_as(Role.READER)
    foreign = stranger.token()
    person = desk.own.staff[Role.READER]
    for data in ({}, {"csrf_token": ""}, {"csrf_token": "x"}, {"csrf_token": foreign}, {"csrf_token": "\x00"}):
        answer = visitor.client.post(f"/desk/people/{person}/disable", data=data)
        assert answer.status_code == 400
        assert "open too long" in answer.text
    assert desk.sql("SELECT count(*) AS n FROM staff WHERE disabled_at IS NOT NULL")[0].n == 0
    assert visitor.post(f"/desk/people/{person}/disable").status_code == 303
    assert desk.sql("SELECT count(*) AS n FROM staff WHERE disabled_at IS NOT NULL")[0].n == 1


def test_the_token_may_come_in_a_header(light_desk: Desk) -> None:
    visitor = light_desk.client_as(Role.OWNER)
    headers = {"X-CSRFToken": visitor.token(), "HX-Request": "true"}
    assert visitor.client.post("/desk/count", data={"words": "x" * 161}, headers=headers).text.strip() == (
        "161 characters: 2 texts"
    )


def test_too_large_a_form_is_refused(light_desk: Desk) -> None:
    """P10."""
    visitor = light_desk.client_as(Role.OWNER)
    answer = visitor.post("/desk/people", {"name": "x" * 70_000})
    assert answer.status_code == 413
    assert "too large" in answer.text


# The brake


def tries(desk: Desk, times: int, email: str, address: str, password: str = "not it at all") -> list[int]:
    codes = []
    for _ in range(times):
        visitor = desk.visitor()
        token = visitor.token()
        answer = visitor.client.post(
            "/desk/login",
            data={"csrf_token": token, "email": email, "password": password},
            environ_base={"REMOTE_ADDR": address},
        )
        codes.append(answer.status_code)
    return codes


@pytest.fixture(params=["redis", "without"])
def braked(request: pytest.FixtureRequest, furnished_sqlite: Furnished, light_desk: Desk, tmp_path: Path) -> Desk:
    """The desk with a Redis, and with one that cannot be reached."""
    if request.param == "without":
        return light_desk
    redis_url = request.getfixturevalue("redis_url")
    return opened(furnished_sqlite, str(light_desk.engine.url), tmp_path, redis_url)


def test_tries_with_an_address_that_nobody_has_are_kept_for_a_while(desk: Desk) -> None:
    """Anybody can make them: what they leave must not grow for ever. What concerns a clinic stays."""
    desk.visitor().sign_in("nobody@mail.example", "not it at all")
    desk.visitor().sign_in(desk.own.emails[Role.DESK], "not it at all")

    def left_after(days: int) -> int:
        now = time.now() + timedelta(days=days)
        run(desk.engine, lambda connection: erasure.forget_old(connection, now, desk.here.settings.retention_days))
        return len(desk.sql("SELECT id FROM audit WHERE action = 'login.refuse'"))

    assert [left_after(days) for days in (0, audit.NOBODYS_DAYS - 1, audit.NOBODYS_DAYS + 1)] == [2, 2, 1]
    assert desk.sql("SELECT id FROM audit WHERE clinic_id IS NULL") == []


def test_ten_wrong_passwords_and_the_account_must_wait(braked: Desk) -> None:
    email = braked.own.emails[Role.OWNER]
    codes = [tries(braked, 1, email, f"203.0.113.{number}")[0] for number in range(12)]
    assert codes == [422] * 10 + [429] * 2
    assert tries(braked, 1, email.upper(), "203.0.113.200", PASSWORD) == [429], "not even the right one, for a while"
    assert tries(braked, 1, braked.own.emails[Role.READER], "203.0.113.1", PASSWORD) == [303]


def test_ten_wrong_passwords_and_the_address_must_wait(braked: Desk) -> None:
    codes = [tries(braked, 1, f"person{number}@x.example", "203.0.113.7")[0] for number in range(12)]
    assert codes == [422] * 10 + [429] * 2
    assert tries(braked, 1, braked.own.emails[Role.OWNER], "203.0.113.8", PASSWORD) == [303]


def test_right_passwords_do_not_count(light_desk: Desk) -> None:
    """A whole clinic behind one address begins its day."""
    assert tries(light_desk, 15, light_desk.own.emails[Role.OWNER], "203.0.113.7", PASSWORD) == [303] * 15


def test_behind_a_proxy_the_brake_goes_by_whoever_is_in_front_of_it(light_desk: Desk) -> None:
    app = light_desk.app
    for near, told, expected in (
        ("127.0.0.1", "198.51.100.1, 203.0.113.5", "203.0.113.5"),
        ("172.18.0.3", "203.0.113.5", "203.0.113.5"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("127.0.0.1", "", "127.0.0.1"),
    ):
        headers = {"X-Forwarded-For": told} if told else {}
        with app.test_request_context("/desk/login", headers=headers, environ_base={"REMOTE_ADDR": near}):
            assert limits._address() == expected


def test_p8_redis_holds_no_address(
    furnished_sqlite: Furnished, light_desk: Desk, tmp_path: Path, redis_url: str
) -> None:
    import redis

    desk = opened(furnished_sqlite, str(light_desk.engine.url), tmp_path, redis_url)
    tries(desk, 1, "somebody@rosalind.example", "203.0.113.77")
    with redis.Redis.from_url(redis_url) as client:
        kept = [key.decode() for key in client.scan_iter()]
    assert len(kept) >= 2
    assert not [key for key in kept if "rosalind" in key or "203.0" in key or "somebody" in key]


# Out at once


def test_an_ended_session_is_out_at_once(desk: Desk) -> None:
    visitor, other = desk.client_as(Role.OWNER), desk.client_as(Role.OWNER)
    assert visitor.get("/desk/you").status_code == 200
    assert other.post("/desk/you/sessions/end-others").status_code == 303
    assert visitor.get("/desk/you").status_code == 303
    assert other.get("/desk/you").status_code == 200


def test_whoever_is_shut_out_is_out_at_once(desk: Desk) -> None:
    owner, reader = desk.client_as(Role.OWNER), desk.client_as(Role.READER)
    assert reader.get("/desk/you").status_code == 200
    assert owner.post(f"/desk/people/{desk.own.staff[Role.READER]}/disable").status_code == 303
    assert reader.get("/desk/you").status_code == 303
    assert desk.visitor().sign_in(desk.own.emails[Role.READER]).status_code == 422


def test_a_new_role_counts_at_once(desk: Desk) -> None:
    owner, reader = desk.client_as(Role.OWNER), desk.client_as(Role.READER)
    assert reader.get("/desk/people").status_code == 403
    assert "owner" in reader.get("/desk/people").text
    owner.post(f"/desk/people/{desk.own.staff[Role.READER]}/role", {"role": "owner"})
    assert reader.get("/desk/people").status_code == 200


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"seen_at": -timedelta(hours=12, minutes=1)}, 303),
        ({"seen_at": -timedelta(hours=11)}, 200),
        ({"expires_at": -timedelta(seconds=1)}, 303),
    ],
    ids=["idle", "at work", "a week old"],
)
def test_sessions_end_by_themselves(desk: Desk, change: dict[str, timedelta], status: int) -> None:
    visitor = desk.client_as(Role.OWNER)
    values = {name: time.real_now() + by for name, by in change.items()}
    run(desk.engine, lambda connection: connection.execute(update(session_rows).values(**values)))
    assert visitor.get("/desk/you").status_code == status


def test_that_it_is_in_use_is_noted_once_a_minute(desk: Desk) -> None:
    visitor = desk.client_as(Role.OWNER)

    def seen() -> object:
        return desk.sql("SELECT seen_at FROM staff_sessions")[0].seen_at

    def used(ago: timedelta) -> None:
        run(desk.engine, lambda c: c.execute(update(session_rows).values(seen_at=time.real_now() - ago)))

    used(timedelta(seconds=50))
    before = seen()
    visitor.get("/desk/you")
    assert seen() == before
    used(timedelta(seconds=61))
    before = seen()
    visitor.get("/desk/you")
    assert seen() != before


@pytest.mark.parametrize(
    "path", ["today/waiting", "today/list", "patients/{patient}/exchange", "imports/{file}/progress"]
)
def test_a_page_that_stands_open_keeps_no_session_alive(desk: Desk, path: str) -> None:
    """Nobody need be there: what it asks for by itself is no use."""
    own, visitor = desk.own, desk.client_as(Role.OWNER)
    path = "/desk/" + path.format(patient=own.patients[0], file=desk.import_of(own))
    asked = {"HX-Request": "true"}

    def ago(hours: int) -> None:
        moment = time.real_now() - timedelta(hours=hours)
        run(desk.engine, lambda connection: connection.execute(update(session_rows).values(seen_at=moment)))

    ago(11)
    before = desk.sql("SELECT seen_at FROM staff_sessions")
    assert visitor.get(path, headers=asked).headers.get("HX-Redirect") != "/desk/login"
    assert desk.sql("SELECT seen_at FROM staff_sessions") == before
    ago(13)
    answer = visitor.get(path, headers=asked)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, "/desk/login")


# One-time codes


def test_signing_in_with_a_code(desk: Desk) -> None:
    totp, visitor = with_codes(desk, Role.OWNER), desk.visitor()
    answer = visitor.sign_in(desk.own.emails[Role.OWNER], next="/desk/people")
    assert answer.location == "/desk/login/code?next=/desk/people"
    assert visitor.get("/desk/people").status_code == 303, "a password alone opens nothing"
    assert visitor.post("/desk/you/codes/off", {"password": PASSWORD}).status_code == 303
    wrong = visitor.post("/desk/login/code", {"code": "000000"})
    assert wrong.status_code == 422
    right = visitor.post("/desk/login/code", {"code": code(totp), "next": "/desk/people"})
    assert (right.status_code, right.location) == (303, "/desk/people")
    assert visitor.get("/desk/people").status_code == 200


def test_a_code_is_taken_once(desk: Desk) -> None:
    totp = with_codes(desk, Role.OWNER)
    used = code(totp)
    for expected in (303, 422):
        visitor = desk.visitor()
        visitor.sign_in(desk.own.emails[Role.OWNER])
        assert visitor.post("/desk/login/code", {"code": used}).status_code == expected
    older = totp.at(time.real_now() - timedelta(seconds=30))
    visitor = desk.visitor()
    visitor.sign_in(desk.own.emails[Role.OWNER])
    assert visitor.post("/desk/login/code", {"code": older}).status_code == 422


def test_ten_wrong_codes_and_the_person_must_wait(light_desk: Desk) -> None:
    with_codes(light_desk, Role.OWNER)
    visitor = light_desk.visitor()
    visitor.sign_in(light_desk.own.emails[Role.OWNER])
    codes = [visitor.post("/desk/login/code", {"code": "000000"}).status_code for _ in range(11)]
    assert codes == [422] * 10 + [429]


def test_turning_codes_on_and_off(desk: Desk) -> None:
    visitor = desk.client_as(Role.CLINICIAN)
    assert visitor.get("/desk/you/codes").status_code == 303, "nothing to confirm yet"
    assert visitor.post("/desk/you/codes").location == "/desk/you/codes"
    page = visitor.get("/desk/you/codes").text
    found = re.search(r'class="secret">([^<]+)<', page)
    assert found is not None
    assert "<svg" in page
    totp = pyotp.TOTP(found[1].replace(" ", ""))
    assert visitor.post("/desk/you/codes/confirm", {"code": "000000"}).status_code == 422
    assert visitor.post("/desk/you/codes/confirm", {"code": code(totp)}).status_code == 303
    assert "codes/off" in visitor.get("/desk/you").text
    assert visitor.get("/desk/you/codes").status_code == 303, "the secret is not shown again"
    assert visitor.post("/desk/you/codes/off", {"password": "not it at all"}).status_code == 422
    assert visitor.post("/desk/you/codes/off", {"password": PASSWORD}).status_code == 303
    assert desk.visitor().sign_in(desk.own.emails[Role.CLINICIAN]).location == "/desk/today"


# Passwords


def test_changing_the_password(desk: Desk) -> None:
    visitor, elsewhere = desk.client_as(Role.OWNER), desk.client_as(Role.OWNER)
    fresh = "marble sunset canoe 7"
    for now, new in (("not it at all", fresh), (PASSWORD, "short"), (PASSWORD, "owner rosalind"), (PASSWORD, "a" * 40)):
        answer = visitor.post("/desk/you/password", {"now": now, "new": new})
        assert answer.status_code == 422
        assert new not in answer.text
    assert elsewhere.get("/desk/you").status_code == 200
    assert visitor.post("/desk/you/password", {"now": PASSWORD, "new": fresh}).status_code == 303
    assert visitor.get("/desk/you").status_code == 200
    assert elsewhere.get("/desk/you").status_code == 303
    assert desk.visitor().sign_in(desk.own.emails[Role.OWNER]).status_code == 422
    assert desk.visitor().sign_in(desk.own.emails[Role.OWNER], fresh).status_code == 303


def test_the_link_works_once(desk: Desk) -> None:
    person = desk.own.staff[Role.READER]
    token = run(desk.engine, lambda connection: staff.invite(connection, person, time.real_now()))
    assert desk.visitor().get(f"/desk/join/{token}").status_code == 200
    assert desk.visitor().post(f"/desk/join/{token}", {"password": "too short"}).status_code == 422
    visitor = desk.visitor()
    answer = visitor.post(f"/desk/join/{token}", {"password": "marble sunset canoe 7"})
    assert (answer.status_code, answer.location) == (303, "/desk/you/codes")
    assert "Set up codes" in visitor.get("/desk/you/codes").text
    assert desk.visitor().get(f"/desk/join/{token}").status_code == 404
    assert desk.visitor().post(f"/desk/join/{token}", {"password": "another canoe 77"}).status_code == 404
    assert desk.visitor().sign_in(desk.own.emails[Role.READER], "marble sunset canoe 7").status_code == 303


def test_a_link_grows_old_and_a_new_one_voids_it(desk: Desk) -> None:
    person, now = desk.own.staff[Role.READER], time.real_now()
    old = run(desk.engine, lambda connection: staff.invite(connection, person, now - timedelta(days=7, seconds=1)))
    assert desk.visitor().get(f"/desk/join/{old}").status_code == 404
    first = run(desk.engine, lambda connection: staff.invite(connection, person, now))
    run(desk.engine, lambda connection: staff.invite(connection, person, now))
    assert desk.visitor().get(f"/desk/join/{first}").status_code == 404


def test_a_link_does_not_go_round_the_codes(desk: Desk) -> None:
    with_codes(desk, Role.READER)
    token = run(desk.engine, lambda connection: staff.invite(connection, desk.own.staff[Role.READER], time.real_now()))
    visitor = desk.visitor()
    answer = visitor.post(f"/desk/join/{token}", {"password": "marble sunset canoe 7"})
    assert (answer.status_code, answer.location) == (303, "/desk/login/code")
    page = visitor.get(answer.location)
    assert (page.status_code, "Your password is set." in page.text) == (200, True)
    assert "signed in" not in page.text
    assert visitor.get("/desk/you").status_code == 303


def test_a_rotation_of_keys_signs_nobody_out(furnished_sqlite: Furnished, light_desk: Desk, tmp_path: Path) -> None:
    visitor = light_desk.client_as(Role.OWNER)
    keys = f"{new_key()},{furnished_sqlite.keys}"
    rotated = create_app(settings_for(str(light_desk.engine.url), keys, tmp_path, NO_REDIS, PUBLIC)).test_client()
    rotated.set_cookie("__Secure-aftercare", cookie_of(visitor) or "", path="/desk", secure=True)
    assert rotated.get("/desk/you").status_code == 200


def test_headers_of_the_desk(light_desk: Desk) -> None:
    visitor = light_desk.client_as(Role.OWNER)
    for path in ("/desk/login", "/desk/you", "/desk/people", "/desk/nothing", "/desk/audit.csv"):
        answer = visitor.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'none'" in policy
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "<style" not in answer.text
        assert " style=" not in answer.text
        assert not re.findall(r"\son\w+=", answer.text)
        assert not re.findall(r"<script(?! src=)", answer.text)


def test_only_a_page_on_this_machine_may_ever_show_the_desk_in_a_frame(
    furnished_sqlite: Furnished, light_desk: Desk, tmp_path: Path
) -> None:
    plain = settings_for(str(light_desk.engine.url), furnished_sqlite.keys, tmp_path, NO_REDIS, PUBLIC)
    framed = plain.model_copy(update={"desk_framed_by": "http://127.0.0.1:8001"})
    answer = create_app(framed).test_client().get("/desk/login")
    assert "frame-ancestors http://127.0.0.1:8001" in answer.headers["Content-Security-Policy"]
    with pytest.raises(ValueError, match="AFTERCARE_DESK_FRAMED_BY is for demonstrations"):
        Settings(_env_file=None, AFTERCARE_DESK_FRAMED_BY="https://pages.example")
