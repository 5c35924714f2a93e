"""The e-mail frame renders in both languages with nothing undefined, and carries what the law and P8 ask of it."""

from pathlib import Path

import css_inline
import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from service.care.lifecycle import Channel
from service.care.protocol_file import load
from service.care.rendering import Fields, render, render_email
from service.care.system_messages import load_system_messages

TEMPLATES = Path(__file__).parents[2] / "templates"
FIELDS = Fields(
    clinic="Elm & <Oak>", link="https://a.example/s/x?a=1&b=2", phone="800-555-0100", emerg="911", name="Zoë <b>"
)
ENVIRONMENT = Environment(
    loader=FileSystemLoader(TEMPLATES / "messages"), undefined=StrictUndefined, autoescape=select_autoescape(["html"])
)


def drawn(template: str, language: str, unsubscribe_url: str | None = "https://a.example/u/y") -> str:
    plan = load((TEMPLATES / "protocols/prolotherapy.yaml").read_text("utf-8"), "prolotherapy.yaml")
    frame = load_system_messages((TEMPLATES / f"messages/{language}.yaml").read_text("utf-8"), language).email
    wording = plan.step("welcome").words[language]
    assert wording.email
    assert wording.subject
    return ENVIRONMENT.get_template(template).render(
        lang=language,
        subject=render(wording.subject, FIELDS, Channel.EMAIL),
        clinic=FIELDS.clinic,
        paragraphs=render_email(wording.email, FIELDS),
        button=frame.button,
        emergency=render(frame.emergency, FIELDS, Channel.EMAIL),
        not_watched=render(frame.not_watched, FIELDS, Channel.EMAIL),
        why=render(frame.why, FIELDS, Channel.EMAIL) if unsubscribe_url else None,
        unsubscribe=frame.unsubscribe,
        unsubscribe_url=unsubscribe_url,
    )


@pytest.mark.parametrize("language", ["en", "es"])
def test_html(language: str) -> None:
    page = drawn("email.html", language)
    assert f'<html lang="{language}">' in page
    assert 'href="https://a.example/s/x?a=1&amp;b=2"' in page
    assert 'href="https://a.example/u/y"' in page
    assert "Elm &amp; &lt;Oak&gt;" in page
    assert "<b>" not in page
    assert "911" in page
    assert "<table" not in page
    assert "{" not in page.split("</head>")[1]


def test_inlining_keeps_the_dark_colours() -> None:
    page = css_inline.inline(drawn("email.html", "en"))
    assert "prefers-color-scheme: dark" in page
    assert "background: #0b5d52" in page.split("</head>")[1]


@pytest.mark.parametrize("language", ["en", "es"])
def test_plain(language: str) -> None:
    page = drawn("email.txt", language)
    assert "Elm & <Oak>" in page
    assert "https://a.example/s/x?a=1&b=2\n" in page
    assert page.rstrip().endswith("https://a.example/u/y")
    assert "\n\n\n" not in page


@pytest.mark.parametrize("template", ["email.html", "email.txt"])
def test_a_clinician_gets_no_unsubscribe_link(template: str) -> None:
    assert "/u/" not in drawn(template, "en", unsubscribe_url=None)
