"""P10 for the files that clinicians write: every problem, by line, at once, and never a traceback."""

from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from service.care.lifecycle import Channel
from service.care.problems import ProtocolProblems
from service.care.protocol import (
    Anchor,
    BeforeNextVisit,
    Elapsed,
    OnMiss,
    Protocol,
    Send,
    WallClock,
    content_fingerprint,
    timing_fingerprint,
)
from service.care.protocol_file import default_window, load, read

SHIPPED_FILES = sorted((Path(__file__).parents[2] / "templates/protocols").glob("*.yaml"))
SHIPPED = (Path(__file__).parents[2] / "templates/protocols/prolotherapy.yaml").read_text("utf-8")

SMALL = """\
name: small
languages: [en]
steps:
  - id: hello
    after: 15m
    send: [sms]
    words:
      en:
        sms: "{clinic}: hello"
  - id: check
    day: 3
    at: 09:30
    send: [sms]
    survey: S1
    reminders:
      - {name: reminder, send: sms, after: 5h}
    words:
      en: {sms: "{clinic}: check"}
"""


def edited(old: str, new: str) -> str:
    assert SMALL.count(old) == 1, old
    return SMALL.replace(old, new)


def test_reads_a_small_protocol() -> None:
    hello, check = load(SMALL, "small.yaml").steps
    assert hello.when == Elapsed(timedelta(minutes=15))
    assert hello.sends == (Send(Channel.SMS),)
    assert hello.window == timedelta(hours=12)
    assert check.when == WallClock(3, time(9, 30))
    assert check.sends[1] == Send(Channel.SMS, "reminder", timedelta(hours=5), only_unanswered=True)
    assert check.window == timedelta(hours=24)


@pytest.mark.parametrize(
    ("old", "new", "line", "where", "said"),
    [
        ("after: 15m", "after: soon", 5, "steps.hello.after", "not a duration"),
        ("after: 15m", "after: 99999d", 5, "steps.hello.after", "out of range"),
        ("after: 15m", "after: ", 5, "steps.hello.after", "must be a text"),
        ("after: 15m", "day: 1\n    after: 15m", 4, "steps.hello", "in two ways"),
        ("    after: 15m\n", "", 4, "steps.hello", "does not say when"),
        ("at: 09:30", "at: 25:30", 12, "steps.check.at", "not a time of day"),
        ("at: 09:30", "at: 9.30", 12, "steps.check.at", "not a time of day"),
        ("    at: 09:30\n", "", 10, "steps.check.at", "missing"),
        ("day: 3", "day: -1", 11, "steps.check.day", "whole number"),
        ("survey: S1", "survey: 'S 1'", 14, "steps.check.survey", "will not do"),
        ("    survey: S1\n", "", 14, "steps.check.reminders", "nothing to remind of"),
        ("survey: S1", "surveys: S1", 14, "steps.check.surveys", "unknown key"),
        ("id: check", "id: hello", 10, "steps.hello.id", "on line 4"),
        ("id: check", "id: Check It", 10, "steps.[2].id", "will not do"),
        ("day: 3", "day: 3\n    day: 4", 12, "steps.check.day", "stands here twice"),
        ("send: sms, after: 5h", "send: fax, after: 5h", 16, "steps.check.reminders[1].send", "not known"),
        ("send: sms, after: 5h", "send: sms, after: 0h", 16, "steps.check.reminders[1].after", "out of range"),
        ("languages: [en]", "languages: [english]", 2, "languages", "not a language code"),
        ("languages: [en]", "languages: []", 2, "languages", "empty"),
        ("name: small\n", "", 1, "name", "missing"),
        ('en: {sms: "{clinic}: check"}', "fr: {sms: oui}", 18, "steps.check.words.fr", "not one of"),
        ("languages: [en]", "languages: [en", 3, "file", "not valid YAML"),
    ],
)
def test_names_the_line_and_the_trouble(old: str, new: str, line: int, where: str, said: str) -> None:
    with pytest.raises(ProtocolProblems) as caught:
        load(edited(old, new), "small.yaml")
    found = [(problem.line, problem.where, problem.message) for problem in caught.value.problems]
    assert any(at == line and place == where and said in message for at, place, message in found), found


def test_reports_everything_at_once_in_the_order_of_the_file() -> None:
    text = SMALL.replace("15m", "soon").replace("09:30", "late").replace("5h", "5x").replace("S1", "!")
    problems = read(text).problems
    assert [problem.line for problem in problems] == [5, 12, 14, 16]


def test_a_near_miss_is_guessed() -> None:
    (problem,) = read(edited("survey: S1", "survey: S1\n    windw: 5h")).problems
    assert "window" in problem.hint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\x00",
        "[" * 50_000,
        "- " * 50_000,
        "{a: " * 5_000,
        "&a [*a]",
        "*nothing",
        "a: b: c",
        '"\\UFFFFFFFF"',
        '"\\ud800"',
        "\ud800",
        "%YAML " + "9" * 5000 + ".1\n--- a",
        "--- a\n--- b",
        "!!python/object/apply:os.system [ls]",
        "<<: *x",
        "steps: &s\n  - *s",
        "steps: [{id: {}}, {id: []}, 3, null, {? [a] : b}]",
        "name: 1\nlanguages: {}\nsteps: x",
        "steps: [{day: " + "9" * 9000 + ", at: ٠٩:٣٠}]",
        "\t",
        "a" * 300_000,
    ],
)
def test_rubbish_is_answered_with_problems(text: str) -> None:
    with pytest.raises(ProtocolProblems) as caught:
        load(text, "rubbish.yaml")
    assert caught.value.problems
    assert all(problem.line >= 1 and problem.column >= 1 for problem in caught.value.problems)


def total(text: str) -> None:
    """Either a protocol or its problems, and nothing else."""
    reading = read(text)
    assert isinstance(reading.protocol, Protocol) is not bool(reading.problems)


@given(st.text(alphabet="abS1:- {}[]&*!|>'\"\\#%@`,?\n\t\x85\ufeff~<=é0x", max_size=60))
@settings(max_examples=300, deadline=None)
def test_never_a_traceback_for_any_text(text: str) -> None:
    total(text)


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_never_a_traceback_for_a_damaged_protocol(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(SMALL)))
    end = data.draw(st.integers(start, min(len(SMALL), start + 12)))
    total(SMALL[:start] + data.draw(st.text(max_size=6)) + SMALL[end:])


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(["after", "day", "at", "send", "survey", "reminders", "words", "window", "id"]), values)
@settings(max_examples=200, deadline=None)
def test_never_a_traceback_for_a_value_of_any_shape(key: str, value: object) -> None:
    document = yaml.safe_load(SMALL)
    document["steps"][1][key] = value
    total(yaml.safe_dump(document))


def test_fingerprints_tell_wording_from_timing() -> None:
    before = load(SMALL, "a")
    for old, new in [('hello"', 'hi"'), ("clinic}: check", "clinic}: a check")]:
        after = load(edited(old, new), "b")
        assert timing_fingerprint(after) == timing_fingerprint(before)
        assert content_fingerprint(after) != content_fingerprint(before)
    for old, new in [
        ("15m", "16m"),
        ("09:30", "09:31"),
        ("after: 5h", "after: 6h"),
        ("day: 3", "day: 4"),
        ("survey: S1", "survey: S2"),
        ("at: 09:30", "at: 09:30\n    window: 25h"),
        ("at: 09:30", "at: 09:30\n    if_missed: send"),
        ("at: 09:30", "at: 09:30\n    counts_from: course"),
        ("at: 09:30", "at: 09:30\n    email_if_text_fails: true"),
        ("id: check", "id: look"),
    ]:
        after = load(edited(old, new), "b")
        assert timing_fingerprint(after) != timing_fingerprint(before), new
        assert content_fingerprint(after) != content_fingerprint(before), new


def test_fingerprints_ignore_comments_and_layout() -> None:
    assert content_fingerprint(load("# a comment\n" + SMALL.replace("09:30", '"09:30"'), "b")) == content_fingerprint(
        load(SMALL, "a")
    )
    protocol = load(SMALL, "a")
    reordered = replace(protocol, steps=protocol.steps[::-1])
    assert timing_fingerprint(reordered) != timing_fingerprint(protocol)


def test_default_windows() -> None:
    hours = [
        default_window(when) // timedelta(hours=1)
        for when in (
            Elapsed(timedelta(hours=5)),
            WallClock(0, time(18)),
            WallClock(1, time(9)),
            WallClock(3, time(9)),
            WallClock(5, time(9)),
            BeforeNextVisit(7, 21, time(10)),
        )
    ]
    assert hours == [12, 12, 24, 24, 72, 72]


@pytest.mark.parametrize("path", SHIPPED_FILES, ids=lambda path: path.stem)
def test_p8_subjects_do_not_tell_how_long_ago_the_visit_was(path: Path) -> None:
    """Every message of a kind has the same subject: on a lock screen they cannot be told apart."""
    protocol = load(path.read_text("utf-8"), path.name)
    for language in protocol.languages:
        wordings = {step.id: step.words[language].subject for step in protocol.steps}
        asking = [step for step in protocol.steps if step.survey and not step.survey_only_without_baseline]
        check_ins = {wordings[step.id] for step in asking}
        plans = {wordings[step.id] for step in protocol.steps if step.id in ("comfort", "activity")}
        notes = {wordings[step.id] for step in protocol.steps if step.id in ("evening", "patience")}
        reminders = {step.reminder_words[language].subject for step in protocol.steps if step.reminder_words}
        assert [kind for kind in (check_ins, plans, notes, reminders) if len(kind) > 1] == []


def test_the_shipped_protocol_is_the_whole_timeline() -> None:
    protocol = load(SHIPPED, "prolotherapy.yaml")
    seen = {
        step.id: (step.when, step.anchor, step.survey, step.window // timedelta(hours=1)) for step in protocol.steps
    }

    def day(number: int, hour: int, minute: int) -> WallClock:
        return WallClock(number, time(hour, minute))

    assert seen == {
        "welcome": (Elapsed(timedelta(minutes=15)), Anchor.SESSION, "S0", 12),
        "evening": (day(0, 18, 30), Anchor.SESSION, None, 12),
        "day1": (day(1, 9, 30), Anchor.SESSION, "S1", 24),
        "comfort": (day(2, 9, 30), Anchor.SESSION, None, 24),
        "day3": (day(3, 9, 30), Anchor.SESSION, "S2", 24),
        "activity": (day(5, 10, 0), Anchor.SESSION, None, 72),
        "day7": (day(7, 9, 30), Anchor.SESSION, "S3", 72),
        "day14": (day(14, 9, 30), Anchor.SESSION, "S4", 72),
        "next_visit": (BeforeNextVisit(7, 21, time(10)), Anchor.SESSION, None, 72),
        "patience": (day(28, 10, 0), Anchor.COURSE, None, 72),
        "week6": (day(42, 9, 30), Anchor.COURSE, "S5", 72),
        "week12": (day(84, 9, 30), Anchor.COURSE, "S6", 72),
    }
    assert protocol.step("welcome").survey_only_without_baseline
    assert protocol.step("evening").skip_if_ended_after == time(18)
    assert protocol.step("day1").on_miss is OnMiss.SKIP
    hours = timedelta(hours=1)
    late = {
        step.id: [(send.channel.value, send.suffix, send.delay // hours) for send in step.sends if send.suffix]
        for step in protocol.steps
        if step.survey and step.id != "welcome"
    }
    early, weeks = [("sms", "reminder", 5)], [("sms", "reminder", 48), ("email", "reminder2", 168)]
    outcome = [("email", "later", 24), *weeks]
    assert late == {
        "day1": early,
        "day3": early,
        "day7": early,
        "day14": weeks,
        "week6": outcome,
        "week12": outcome,
    }
