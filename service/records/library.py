"""The surveys and triage rules of this installation, read from their files once a process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from service.care import survey_file, triage_file
from service.care.surveys import Survey
from service.care.system_messages import SystemMessages, load_system_messages
from service.care.triage import Rule

TEMPLATES = Path(__file__).parents[2] / "templates"
_DEFAULT_RULES = "prolotherapy"


@dataclass(frozen=True)
class Library:
    """What can be asked, and what is worth an alert."""

    common: survey_file.Common
    surveys: Mapping[str, Survey]
    """By id: "S1"."""
    rules: Mapping[str, tuple[Rule, ...]]
    """By name of the protocol."""

    def rules_for(self, protocol: str | None) -> tuple[Rule, ...]:
        """A protocol's triage rules; without any the default ones: answers that nobody judges are the worse risk."""
        return self.rules.get(protocol or _DEFAULT_RULES, self.rules[_DEFAULT_RULES])


@cache
def system_texts(folder: Path = TEMPLATES) -> Mapping[str, SystemMessages]:
    """The texts that belong to no step, by language."""
    paths = sorted((folder / "messages").glob("*.yaml"))
    return {path.stem: load_system_messages(path.read_text("utf-8"), path.name) for path in paths}


@cache
def shipped(folder: Path = TEMPLATES) -> Mapping[str, str]:
    """The protocols that come with Aftercare, as YAML, by name."""
    return {path.stem: path.read_text("utf-8") for path in sorted((folder / "protocols").glob("*.yaml"))}


@cache
def library(folder: Path = TEMPLATES) -> Library:
    """Read `folder`. Raises ProtocolProblems when a file is not valid."""
    common = survey_file.load_common((folder / "surveys" / "common.yaml").read_text("utf-8"), "common.yaml")
    surveys = [
        survey_file.load(path.read_text("utf-8"), common, path.name)
        for path in sorted((folder / "surveys").glob("*.yaml"))
        if path.name != "common.yaml"
    ]
    plans = [
        triage_file.load(path.read_text("utf-8"), path.name) for path in sorted((folder / "triage").glob("*.yaml"))
    ]
    return Library(common, {survey.id: survey for survey in surveys}, {plan.protocol: plan.rules for plan in plans})
