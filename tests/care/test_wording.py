"""P8: no text tells anything about the patient; and every text fits, reads easily and says how to stop."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.care import health_words, readability, system_messages
from service.care.lifecycle import Channel
from service.care.problems import ProtocolProblems, Severity, has_errors
from service.care.protocol import Anchor, Elapsed, OnMiss, Protocol, Send, Step, Wording
from service.care.protocol_file import read
from service.care.rendering import Fields, Paragraph, RenderError, render, render_email, to_gsm7
from service.care.segments import count, is_gsm7
from service.care.text_rules import WORST_CASE, check_clinic_name
from service.care.wording import lint, most_texts

TEMPLATES = Path(__file__).parents[2] / "templates"
FIELDS = Fields(
    clinic="Elm Clinic", link="https://a.example/s/x", phone="800-555-0100", emerg="911", hours="9-5", name="Ana"
)
GOOD = "{clinic}: How are you? Up to 9 texts. {link} HELP for help, STOP to end"


def protocol(sms: str = GOOD, **changes: object) -> Protocol:
    step = Step(
        id="hello",
        anchor=Anchor.SESSION,
        when=Elapsed(timedelta(minutes=15)),
        sends=(Send(Channel.SMS),),
        window=timedelta(hours=12),
        on_miss=OnMiss.SKIP,
        words={"en": Wording(sms=sms)},
        reminder_words={},
        survey="S1",
    )
    return Protocol("small", ("en",), (replace(step, **changes),))  # type: ignore[arg-type]


def said(plan: Protocol) -> str:
    return "\n".join(str(problem) for problem in lint(plan))


def mail(body: str, subject: str = "A note") -> Protocol:
    words = {"en": Wording(subject=subject, email=body)}
    return protocol(sends=(Send(Channel.EMAIL),), words=words, survey=None)


def test_the_shipped_protocol_is_clean() -> None:
    reading = read((TEMPLATES / "protocols/prolotherapy.yaml").read_text("utf-8"))
    assert reading.protocol is not None
    assert [str(problem) for problem in lint(reading.protocol, reading.places)] == []
    assert most_texts(reading.protocol) == 17


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_shipped_system_texts_are_clean(language: str) -> None:
    text = (TEMPLATES / f"messages/{language}.yaml").read_text("utf-8")
    assert [str(problem) for problem in system_messages.check_system_messages(text)] == []
    messages = system_messages.load_system_messages(text, language)
    assert set(messages.texts) == set(system_messages.SystemText)
    assert all(count(render(words, WORST_CASE)).segments == 1 for words in messages.texts.values())


def test_a_good_text_has_no_problem() -> None:
    assert lint(protocol()) == []


@pytest.mark.parametrize(
    ("sms", "expected"),
    [
        (GOOD.replace("{link}", "{lnk}"), "unknown placeholder {lnk}"),
        (GOOD.replace("{link}", ""), "{link} is missing"),
        (GOOD + " {", "a brace without its partner"),
        (GOOD.replace("How", "“How”"), "left double quotation mark"),
        (GOOD.replace("How are you?", "How are you? " + "Well " * 20), "too many for one segment"),
        (GOOD.removeprefix("{clinic}: "), "must begin with"),
        (GOOD.replace("STOP", "Stop"), "STOP is missing"),
        (GOOD.replace("HELP", "Help"), "HELP is missing"),
        (GOOD.replace("Up to 9 texts.", ""), "does not say how many"),
        (GOOD.replace("Up to 9", "Up to 0"), "promises 0 texts"),
        (GOOD + " {link}", "more than one {link}"),
        (GOOD.replace("{link}", "{link}."), "needs a space"),
        (GOOD.replace("you?", "you? bit.ly/3x"), "a link of its own"),
        (GOOD.replace("you?", "you.Well"), "a link of its own"),
        (GOOD.replace("you?", "your knee?"), "names a body part"),
    ],
)
def test_each_rule_has_teeth(sms: str, expected: str) -> None:
    found = lint(protocol(sms))
    assert expected in "\n".join(str(problem) for problem in found)
    assert has_errors(found)


def test_missing_translations() -> None:
    plan = replace(protocol(), languages=("en", "es"))
    assert "sms is missing in 'es'" in said(plan)
    fallback = protocol(fallback_to_email=True)
    assert "email is missing" in said(fallback)
    assert "subject is missing" in said(fallback)
    reminder = Send(Channel.EMAIL, "reminder", timedelta(hours=5), only_unanswered=True)
    assert "subject is missing" in said(protocol(sends=(Send(Channel.SMS), reminder)))


def test_words_that_are_never_sent_are_a_warning() -> None:
    plan = protocol(words={"en": Wording(sms=GOOD, subject="A note", email="Hello.\n\n{link}")})
    assert {problem.severity for problem in lint(plan)} == {Severity.WARNING}


def test_email_rules() -> None:
    assert lint(mail("Hello.\n\n{link}\n\nBye.")) == []
    assert "alone on its line" in said(mail("Open {link} now."))
    assert "names a body part" in said(mail("How is your knee?"))
    assert "names a treatment" in said(mail("Hello.", subject="After your injection"))
    assert "a subject has no link" in said(mail("Hello.", subject="See {link}"))


@pytest.mark.parametrize(
    "text",
    [
        "prolotherapy", "Proloterapia", "your injections", "la inyección", "inyeccion", "dextrose", "PRP",
        "células madre", "your knee", "su rodilla", "lower back", "your back", "la espalda", "el hombro",
        "su pie", "tendón",
        "ligaments", "arthritis", "artrosis", "a sprain", "esguince", "tendinitis",
        "diagnóstico", "7/10", "8 out of 10", "6 de 10",
        "su puntuación", "lesión",
    ],
)  # fmt: skip
def test_what_tells_on_the_patient(text: str) -> None:
    assert health_words.telling(f"Hello, {text} today")


@pytest.mark.parametrize(
    "text",
    [
        "Fever? Call us.", "Soreness is common tonight.", "pain, swelling, redness", "Chest pain? Call 911.",
        "fever with a stiff neck", "dolor de cabeza", "dolor en el pecho", "fiebre", "We will call you back.",
        "Welcome back", "come ahead", "un dolor prolongado", "pie chart", "at hand", "24/7", "Your care team",
        "su visita", "Hard to breathe, faint or newly weak?",
    ],
)  # fmt: skip
def test_what_anybody_may_be_told(text: str) -> None:
    assert health_words.telling(text) == []


def test_naming_care_in_general_is_a_warning() -> None:
    (problem,) = lint(protocol(GOOD.replace("How are you?", "After your treatment.")))
    assert problem.severity is Severity.WARNING


@pytest.mark.parametrize(
    ("name", "fine"),
    [("Elm Street Clinic", True), ("Clínica Álamo", True), ("Elm Prolotherapy", False), ("A" * 19, False), ("", False)],
)
def test_clinic_names(name: str, fine: bool) -> None:
    assert has_errors(check_clinic_name(name)) is not fine


@pytest.mark.parametrize(
    ("text", "grade"),
    [("The cat sat on the mat.", -1.45), ("It is common to feel sore. Call us if you feel worse.", 0.1)],
)
def test_english_grade(text: str, grade: float) -> None:
    assert readability.english_grade(text) == pytest.approx(grade, abs=1.0)


def test_hard_texts_are_told_from_easy_ones() -> None:
    hard = "Subsequent deterioration necessitates immediate consultation regarding pharmaceutical contraindications."
    duro = (
        "El deterioro subsiguiente necesita inmediatamente consultas farmacológicas extraordinariamente especializadas."
    )
    assert readability.too_hard(hard, "en")
    assert readability.too_hard(duro, "es")
    assert readability.too_hard("How do you feel?", "en") is None
    assert readability.too_hard("¿Cómo se siente hoy?", "es") is None
    assert readability.too_hard(hard, "fi") is None
    (problem,) = lint(mail(hard))
    assert problem.severity is Severity.WARNING


# ---- rendering


def test_renders_every_placeholder_once() -> None:
    text = render("{clinic} {link} {phone} {emerg} {hours} {name}", replace(FIELDS, name="{phone}"))
    assert text == "Elm Clinic https://a.example/s/x 800-555-0100 911 9-5 {phone}"


@pytest.mark.parametrize(
    "template", ["{clinic.__class__}", "{0}", "{}", "{clinic!r}", "{clinic:>99999999}", "{Clinic}"]
)
def test_a_template_reaches_nothing_but_the_six_values(template: str) -> None:
    with pytest.raises(RenderError):
        render(template, FIELDS)


def test_a_blank_value_is_refused_not_sent() -> None:
    with pytest.raises(RenderError):
        render("{clinic}: {link}", Fields(clinic="Elm"))


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ("Clínica José", "Clinica José"),
        ("O’Neil “Care” – Elm…", 'O\'Neil "Care" - Elm...'),
        ("Ñandú Ó", "Ñandu O"),
        ("Jose\u0301", "José"),
        ("François", "Francois"),
        ("李", "李"),
    ],
)
def test_values_become_gsm_where_that_is_readable(value: str, plain: str) -> None:
    assert to_gsm7(value) == plain
    assert render("{clinic}", Fields(clinic=value)) == plain
    assert render("{clinic}", Fields(clinic=value), Channel.EMAIL) == value


@given(st.text())
def test_gsm_normalising_is_stable_and_leaves_gsm_alone(value: str) -> None:
    once = to_gsm7(value)
    assert to_gsm7(once) == once
    if is_gsm7(value):
        assert once == value


@given(st.text(min_size=1).filter(str.strip))
def test_no_value_can_add_a_line(value: str) -> None:
    try:
        rendered = render("{name}", Fields(name=value), Channel.EMAIL)
    except RenderError:
        return
    assert len(rendered.splitlines()) == 1


def test_an_email_body_becomes_paragraphs_and_a_button() -> None:
    body = "Hello {name},\n\nTwo\nlines.\n\n{link}\n\nCall {phone}.\n"
    assert render_email(body, FIELDS) == (
        Paragraph("Hello Ana,"),
        Paragraph("Two lines."),
        Paragraph(FIELDS.link, is_link=True),
        Paragraph("Call 800-555-0100."),
    )
    assert [part.is_link for part in render_email("One\n{link}\nthree", FIELDS)] == [False, True, False]


# ---- system texts


def test_system_texts_must_be_whole() -> None:
    text = (TEMPLATES / "messages/en.yaml").read_text("utf-8").replace("  help: >-", "  halp: >-")
    with pytest.raises(ProtocolProblems) as caught:
        system_messages.load_system_messages(text, "en.yaml")
    assert {problem.where for problem in caught.value.problems} == {"messages.help", "messages.halp"}


def test_system_texts_are_linted_with_their_line() -> None:
    text = (TEMPLATES / "messages/en.yaml").read_text("utf-8").replace("Reply ACK", "Answer")
    (problem,) = system_messages.check_system_messages(text)
    assert "ACK is missing" in problem.message
    assert problem.line > 10
