"""Results: every figure against plain counting over all rows, on both databases; small groups; downloads; looks."""

from __future__ import annotations

import csv
import io
import json
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from service.care.lifecycle import SENTENCES, Reason
from service.care.provider_codes import meaning_of
from service.care.roles import Role
from service.pages.desk.results import KINDS
from service.records import measured, measured_scores
from service.records.database import reading
from service.records.measured import Scope
from service.records.tables import metadata
from tests.desk.browser import DeskPage, check_page
from tests.desk.crowd import gather
from tests.desk.desk import Desk
from tests.desk.practice import NOW

NAMES = {"day1": "Day 1", "day7": "Day 7", "week6": "Week 6"}
CHANNEL = {"sms": "Text", "email": "E-mail"}
URGENCY = {
    "emergency": "Emergency", "urgent": "Urgent", "next_business_day": "Next business day", "watch": "Watch",
}  # fmt: skip
Row = dict[str, Any]


@pytest.fixture
def busy(desk: Desk) -> Desk:
    """Both clinics have had many patients."""
    gather(desk.here, desk.own, seed=1)
    gather(desk.here, desk.other, seed=2)
    return desk


def rows(desk: Desk, table: str) -> list[Row]:
    with reading(desk.engine) as connection:
        return [dict(row._mapping) for row in connection.execute(select(metadata.tables[table]))]


def own(desk: Desk, table: str, at: str, days: int) -> list[Row]:
    """The clinic's rows of the last so many days."""
    since = NOW - timedelta(days=days)
    return [
        one
        for one in rows(desk, table)
        if one["clinic_id"] == desk.own.clinic_id and one[at] is not None and since <= one[at] < NOW
    ]


def sheet(desk: Desk, which: str, **asked: object) -> list[dict[str, str]]:
    answer = desk.client_as(Role.READER).get(f"/desk/results/{which}.csv", query_string=asked)
    assert answer.status_code == 200
    assert answer.content_type == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.text)))


def held_against(found: list[dict[str, str]], heads: int, groups: dict[tuple[str, ...], list[tuple[int, Any]]],
                 numbers: Callable[[list[Any]], list[float | None]]) -> None:  # fmt: skip
    """Every line of a download against what its group comes to: (patient, fact) by labels."""
    lines = {tuple(list(line.values())[2 : 2 + heads]): list(line.values())[2 + heads :] for line in found}
    lines.pop(("All", *[""] * (heads - 1)), None)
    assert lines.keys() == groups.keys()
    shown = 0
    for labels, facts in groups.items():
        patients = len({patient for patient, _ in facts})
        cells = lines[labels]
        if patients < 5:
            assert cells == [*[""] * (len(cells) - 1), "fewer than 5 patients"], labels
            continue
        shown += 1
        assert cells[0] == str(patients)
        for cell, number in zip(cells[1:-1], numbers([fact for _, fact in facts]), strict=True):
            assert (float(cell) if cell else None) == (None if number is None else pytest.approx(number, abs=0.006))
    assert shown, "nothing was shown: the crowd is too small to test anything"


def quartiles(values: list[float]) -> list[float]:
    if len(values) == 1:
        return values * 3
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return [middle, low, high]


def asks(desk: Desk, days: int) -> Iterator[tuple[Row, datetime | None]]:
    answered = {(one["session_id"], one["survey"]): one["completed_at"] for one in rows(desk, "responses")}
    for one in own(desk, "messages", "handed_at", days):
        went = one["state"] in ("accepted", "sent", "delivered")
        if went and one["survey"] and one["patient_id"] and one["priority"] == 1 and "." not in one["step"]:
            yield one, answered.get((one["session_id"], one["survey"]))


@pytest.mark.parametrize("days", [30, 90, 365])
def test_response_rates(busy: Desk, days: int) -> None:
    groups: dict[tuple[str, ...], list[tuple[int, Any]]] = defaultdict(list)
    for one, completed in asks(busy, days):
        groups[NAMES[one["step"]], CHANNEL[one["channel"]]].append((one["patient_id"], completed is not None))
    found = sheet(busy, "response", days=days)
    held_against(found, 2, groups, lambda some: [len(some), sum(some), 100 * sum(some) / len(some)])


@pytest.mark.parametrize("days", [30, 365])
def test_time_to_answer(busy: Desk, days: int) -> None:
    first: dict[tuple[int, str], tuple[Row, datetime | None]] = {}
    for one, completed in asks(busy, days):
        key = (one["session_id"], one["step"])
        if key not in first or one["handed_at"] < first[key][0]["handed_at"]:
            first[key] = (one, completed)
    groups: dict[tuple[str, ...], list[tuple[int, Any]]] = defaultdict(list)
    for one, completed in first.values():
        if completed is not None:
            took = (completed - one["handed_at"]).total_seconds() / 60
            groups[(NAMES[one["step"]],)].append((one["patient_id"], took))

    def numbers(some: list[float]) -> list[float | None]:
        within = [100 * sum(one <= limit for one in some) / len(some) for limit in (60, 1440)]
        return [len(some), *quartiles(some), *within]

    held_against(sheet(busy, "time", days=days), 1, groups, numbers)


@pytest.mark.parametrize("days", [90, 365])
def test_delivery_by_carrier_error(busy: Desk, days: int) -> None:
    last: dict[int, tuple[int, str | None]] = {}
    for one in rows(busy, "attempts"):
        last[one["message_id"]] = max(last.get(one["message_id"], (0, None)), (one["number"], one["code"]))
    groups: dict[tuple[str, ...], list[tuple[int, Any]]] = defaultdict(list)
    for one in own(busy, "messages", "due_at", days):
        code = last.get(one["id"], (0, None))[1]
        if one["state"] == "delivered":
            labels = ("Arrived", "")
        elif one["state"] in ("accepted", "sent"):
            labels = ("Handed over, no report yet", "")
        elif one["state"] in ("undelivered", "failed", "expired", "unknown"):
            labels = (meaning_of(code) or SENTENCES[Reason(one["reason"])].removesuffix("."), code or "")
        else:
            continue
        groups[(CHANNEL[one["channel"]], *labels)].append((one["patient_id"], one["channel"]))
    sizes = {labels: len({patient for patient, _ in facts}) for labels, facts in groups.items()}
    safe = {}
    for channel in CHANNEL.values():
        hidden = [labels for labels, size in sizes.items() if labels[0] == channel and size < 5]
        together = {patient for labels in hidden for patient, _ in groups[labels]}
        safe[channel] = not hidden or (len(hidden) > 1 and len(together) >= 5)
    all_of = {channel: sum(len(facts) for labels, facts in groups.items() if labels[0] == channel) for channel in safe}

    def numbers(some: list[str]) -> list[float | None]:
        channel = CHANNEL[some[0]]
        return [len(some), 100 * len(some) / all_of[channel] if safe[channel] else None]

    held_against(sheet(busy, "delivery", days=days), 3, groups, numbers)


def labels(session: Row, sites: dict[int, str]) -> tuple[str, str]:
    site = sites[session["course_id"]].removesuffix("_left").removesuffix("_right").replace("_", " ").capitalize()
    number = session["number"]
    return site, (
        "session not numbered" if number is None else f"session {number}" if number < 6 else "session 6 or later"
    )


def test_how_they_judge_it_by_site_and_session_number(busy: Desk) -> None:
    """Those with no score of their own visit count as well."""
    sessions = {one["id"]: one for one in rows(busy, "sessions")}
    sites = {one["id"]: one["site"] for one in rows(busy, "courses")}
    groups: dict[tuple[str, ...], list[tuple[int, Any]]] = defaultdict(list)
    for one in own(busy, "responses", "changed_at", 365):
        said = json.loads(busy.here.sending.vault.open(one["answers"], one["id"]))
        if "pgic" in said:
            session = sessions[one["session_id"]]
            groups[labels(session, sites)].append((session["patient_id"], said["pgic"]))

    def numbers(some: list[str]) -> list[float | None]:
        improved = sum(one in ("very_much_better", "much_better") for one in some)
        return [100 * improved / len(some), 100 * sum("worse" in one for one in some) / len(some), len(some)]

    held_against(sheet(busy, "outcomes", days=365, score="pgic"), 2, groups, numbers)
    page = busy.client_as(Role.READER).get("/desk/results/outcomes?days=365&score=pgic").text
    assert "Improved" in page
    assert "before their first visit" in page


@pytest.mark.parametrize("score", ["nrs", "peg"])
def test_outcomes_by_site_and_session_number(busy: Desk, score: str) -> None:
    vault = busy.here.sending.vault
    sessions = {one["id"]: one for one in rows(busy, "sessions")}
    sites = {one["id"]: one["site"] for one in rows(busy, "courses")}
    newest: dict[int, tuple[datetime, float]] = {}
    for one in own(busy, "responses", "changed_at", 365):
        said = json.loads(vault.open(one["answers"], one["id"]))
        items = ["pain"] if score == "nrs" else ["peg_pain", "peg_enjoyment", "peg_activity"]
        if all(item in said for item in items):
            now = (one["changed_at"], round(statistics.mean(int(said[item]) for item in items), 2))
            newest[one["session_id"]] = max(now, newest.get(one["session_id"], now))
    groups: dict[tuple[str, ...], list[tuple[int, Any]]] = defaultdict(list)
    for session_id, (_, now) in newest.items():
        session = sessions[session_id]
        if session["baseline"] is None:
            continue
        start = json.loads(vault.open(session["baseline"], session_id))
        before = start["pain"] if score == "nrs" else round(statistics.mean(start["peg"]), 2)
        groups[labels(session, sites)].append((session["patient_id"], (before, now)))

    def numbers(some: list[tuple[float, float]]) -> list[float | None]:
        fell = [before - now for before, now in some]
        if score == "nrs":
            better = [
                fall >= 2 or (fall > 0 and fall >= 0.3 * before) for fall, (before, _) in zip(fell, some, strict=False)
            ]
        else:
            better = [round(fall, 2) >= 1 for fall in fell]
        starts, ends = [before for before, _ in some], [now for _, now in some]
        return [
            *quartiles([-one for one in fell]), 100 * sum(better) / len(some),
            statistics.median(starts), statistics.median(ends), len(some),
        ]  # fmt: skip

    held_against(sheet(busy, "outcomes", days=365, score=score), 2, groups, numbers)


def test_alerts_and_time_to_acknowledgement(busy: Desk) -> None:
    limits = {"emergency": 10, "urgent": 60}
    targets = {"emergency": "within 10 min", "urgent": "within 1 h", "watch": "no target"}
    groups: dict[tuple[str, ...], list[tuple[int, Any]]] = defaultdict(list)
    for one in own(busy, "alerts", "opened_at", 365):
        if one["urgency"] in targets:
            groups[URGENCY[one["urgency"]], targets[one["urgency"]]].append((one["patient_id"], one))

    def numbers(some: list[Row]) -> list[float | None]:
        took = sorted(
            (one["acknowledged_at"] - one["since"]).total_seconds() / 60 for one in some if one["acknowledged_at"]
        )
        ninety = statistics.quantiles(took, n=10, method="inclusive")[8]
        limit = limits.get(some[0]["urgency"])
        if limit is None:
            return [len(some), len(took), statistics.median(took), ninety, None]
        verdicts = [
            one["acknowledged_at"] is not None and one["acknowledged_at"] <= one["since"] + timedelta(minutes=limit)
            for one in some
            if one["acknowledged_at"] is not None or one["since"] + timedelta(minutes=limit) < NOW
        ]
        return [len(some), len(took), statistics.median(took), ninety, 100 * sum(verdicts) / len(verdicts)]

    # Days are counted by the clinic's hours, which tests/care looks at.
    found = [one for one in sheet(busy, "alerts", days=365) if one["urgency"] != "Next business day"]
    held_against(found, 2, groups, numbers)


def test_p8_another_clinics_patients_are_in_no_figure(busy: Desk) -> None:
    """Whatever the other clinic has more of, the figures stay."""
    before = {which: sheet(busy, which, days=365) for which in KINDS}
    gather(busy.here, busy.other, seed=3)
    assert {which: sheet(busy, which, days=365) for which in KINDS} == before


def test_p8_no_page_and_no_download_names_a_patient(busy: Desk) -> None:
    visitor = busy.client_as(Role.OWNER)
    for which in KINDS:
        for path in (f"/desk/results/{which}", f"/desk/results/{which}.csv"):
            text = visitor.get(path, query_string={"days": 365}).text.replace(f"Owner {busy.own.marker}", "")
            assert busy.own.marker not in text
            assert "crowd-" not in text
            assert not [phone for phone in busy.own.phones if phone in text]


def test_a_protocol_of_ones_own_choice(busy: Desk) -> None:
    """The figures of the two protocols come to those of both."""
    both, one, other = (
        sum(int(line["asked"] or 0) for line in sheet(busy, "response", days=365, **more))
        for more in ({}, {"protocol": "prolotherapy"}, {"protocol": "gentle"})
    )
    assert both == one + other
    assert one
    assert other
    for which in KINDS:
        assert sheet(busy, which, protocol="gentle") != sheet(busy, which), which


def test_a_download_is_in_the_audit(light_desk: Desk) -> None:
    sheet(light_desk, "outcomes")
    (line,) = light_desk.sql("SELECT actor, subject FROM audit WHERE action = 'results.download'")
    assert line.subject == "outcomes"


@pytest.mark.parametrize("asked", [{"days": "1"}, {"days": "99999"}, {"score": "x"}, {"protocol": "none of ours"}])
def test_p10_what_cannot_be_chosen_is_refused(light_desk: Desk, asked: dict[str, str]) -> None:
    visitor = light_desk.client_as(Role.READER)
    for path in ("/desk/results/outcomes", "/desk/results/outcomes.csv"):
        answer = visitor.get(path, query_string=asked)
        assert answer.status_code == 422
        assert "Please look at this again" in answer.text
    assert visitor.get("/desk/results/nothing").status_code == 404
    assert visitor.get("/desk/results/nothing.csv").status_code == 404


def test_more_than_is_counted_is_said(busy: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    page = busy.client_as(Role.READER).get("/desk/results?days=365").text
    assert "There are more than are counted here" not in page
    scope = Scope(busy.own.clinic_id, NOW - timedelta(days=365), NOW)
    with reading(busy.engine) as connection:
        for facts in (measured.asks, measured.fates, measured.heard):
            everything, some = facts(connection, scope), facts(connection, scope, 30)
            assert (everything.is_cut, everything.since) == (False, scope.since)
            assert some.is_cut
            assert some.since > scope.since
            assert 0 < len(some.facts) <= 60  # messages by two moments
        vault = busy.here.sending.vault
        few = measured_scores.outcomes(connection, vault, scope, "nrs", 20)
        assert few.is_cut
        assert 0 < len(few.facts) <= 20


def test_when_nothing_was_asked_for_yet(light_desk: Desk) -> None:
    page = light_desk.client_as(Role.READER).get("/desk/results")
    assert "Nothing to count in this period" in page.text
    assert list(csv.reader(io.StringIO(light_desk.client_as(Role.READER).get("/desk/results/time.csv").text)))[1:] == []


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("which", list(KINDS))
def test_results_look(desk_page: DeskPage, which: str) -> None:
    gather(desk_page.desk.here, desk_page.desk.own, size=200)
    check_page(desk_page, f"/desk/results/{which}?days=365")


@pytest.mark.slow
@pytest.mark.browser
def test_results_when_there_are_none(desk_page: DeskPage) -> None:
    check_page(desk_page, "/desk/results/response", "results-none")


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("which", list(KINDS))
def test_a_wide_page_is_used_to_its_edge_and_its_words_can_be_read(desk_page: DeskPage, which: str) -> None:
    """The picture stands beside its table, and above it on a phone; no column is out of sight on either."""
    gather(desk_page.desk.here, desk_page.desk.own, size=200)
    page = desk_page.open(f"/desk/results/{which}?days=365")
    for width, beside in ((1280, True), (1920, True), (390, False)):
        page.set_viewport_size({"width": width, "height": 900})
        picture, numbers = page.locator("figure").bounding_box(), page.locator(".scroll").bounding_box()
        assert picture is not None
        assert numbers is not None
        assert (numbers["x"] >= picture["x"] + picture["width"]) is beside
        assert (numbers["y"] >= picture["y"] + picture["height"]) is not beside
        assert numbers["x"] + numbers["width"] >= 0.8 * width
        assert page.locator(".scroll").evaluate("e => e.scrollWidth <= e.clientWidth")
        sizes = page.locator(".bars text").evaluate_all("all => all.map(e => e.getBoundingClientRect().height)")
        assert min(sizes) >= 12.5, "smaller than a phone's smallest print"


@pytest.mark.browser
def test_a_figure_is_chosen_and_downloaded_by_keyboard_alone(desk_page: DeskPage) -> None:
    gather(desk_page.desk.here, desk_page.desk.own)
    page = desk_page.open("/desk/results")
    page.get_by_role("navigation", name="Results").get_by_role("link", name="Outcomes").focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    page.get_by_label("Score").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_label("Score")).to_have_value("peg")
    page.get_by_role("link", name="Download as CSV").focus()
    with page.expect_download() as kept:
        page.keyboard.press("Enter")
    assert kept.value.suggested_filename == "results-outcomes.csv"
    assert "median_change" in kept.value.path().read_text("utf-8")
