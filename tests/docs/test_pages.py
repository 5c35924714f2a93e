"""What the pages name exists: files, anchors, commands, notices, metrics, problems."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import click
import pytest

from commands.main import main
from service.care.sites import Site
from service.records import alerts, contacts, notices

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def words(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def source(*folders: str) -> str:
    return "\n".join(path.read_text("utf-8") for folder in folders for path in sorted((ROOT / folder).rglob("*.py")))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text("utf-8")):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        aim = (page.parent / path) if path else page
        assert aim.exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.*)$", aim.read_text("utf-8"), re.MULTILINE)
            assert anchor in [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles], target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist(page: Path) -> None:
    for line in re.findall(
        r"(?<![\w/])aftercare ((?:[a-z]+ ?)+(?:(?:--?[a-z-]+|[A-Z_]+)[^\n`]*)?)", page.read_text("utf-8")
    ):
        command: click.Command = main
        given = line.replace("\\", "").split()
        while given and isinstance(command, click.Group):
            name = given.pop(0)
            if command is main and name in ("…", "and"):
                break
            assert name in command.commands, f"aftercare {line}"
            command = command.commands[name]
        known = {option for one in command.params for option in one.opts}
        assert {one for one in given if one.startswith("--")} <= known, f"aftercare {line}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_paths_of_the_repository_exist(page: Path) -> None:
    named = re.findall(
        r"`((?:service|workers|commands|tests|templates|sandbox|benchmarks)/[\w./-]*)`", page.read_text("utf-8")
    )
    assert [one for one in named if not (ROOT / one).exists()] == []


def test_every_notice_is_explained() -> None:
    told = re.findall(
        r"(?:raise_notice\(connection|_note\(connection|_notice\(), ?\"(\w+)\"|_notice\(\"(\w+)\"\)",
        source("workers", "service"),
    )
    kinds = {first or second for first, second in told} | {contacts.NO_CONTACTS, notices.NOBODY_REACHED, alerts.UNHEARD}
    assert len(kinds) >= 7
    assert [kind for kind in sorted(kinds) if f"`{kind}`" not in words("docs/operate.md")] == []


def test_metrics_that_are_watched_exist() -> None:
    exported = source("service/api").replace('aftercare_http_requests"', 'aftercare_http_requests_total"')
    named = set(re.findall(r"`(aftercare_\w+)`", words("docs/operate.md")))
    assert named
    assert [one for one in named if f'"{one}"' not in exported] == []


def test_every_problem_of_an_event_is_documented() -> None:
    taking_in = ("api/bodies", "api/intake", "api/events", "api/errors", "identify")
    text = "\n".join(words(f"service/{name}.py") for name in taking_in)
    codes = set(re.findall(r"Problem\(\s*\w+,\s*\"(\w+)\"", text)) | set(re.findall(r"\d{3}: \"(\w+)\"", text))
    assert len(codes) > 12
    page = words("docs/integrate.md")
    # The last is what the framework's own validator would say; nothing here uses it.
    assert [code for code in sorted(codes - {"invalid_request"}) if f"`{code}`" not in page] == []


def test_every_site_is_documented() -> None:
    page = words("docs/integrate.md")
    assert [site for site in Site if f"`{site}`" not in page] == []


def test_the_picture_is_an_image_that_says_what_it_shows() -> None:
    root = ElementTree.parse(ROOT / "docs/picture.svg").getroot()
    assert {child.tag.rpartition("}")[2] for child in root} >= {"title", "desc"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_name_no_machine_of_ours(page: Path) -> None:
    text = page.read_text("utf-8")
    assert re.findall(r"(?<![\w.])/(?:home|work|root|tmp|Users)/\S*", text) == []
