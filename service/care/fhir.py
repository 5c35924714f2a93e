"""Results as FHIR R4: QuestionnaireResponse and Observation, as plain dicts.

Patients and sessions are named by the clinic's own ids, as logical references: this service is no FHIR server for
either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from service.care.scores import PEG_MEAN, PEG_PANEL, PGIC, PSFS, SCORE_UNIT, scores
from service.care.surveys import NONE, OWN_CODES, Answer, Coding, Kind, Measure, Option, Question, Survey, validate

PATIENT_SYSTEM = "urn:aftercare:patient"
SESSION_SYSTEM = "urn:aftercare:session"
SURVEY_URI = "urn:aftercare:survey:"
UCUM = "http://unitsofmeasure.org"
_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
_LANGUAGE = "en"

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Filled:
    """A survey as far as a patient answered it. `answers` is by question id, as stored."""

    id: str
    patient: str
    session: str
    survey: str
    changed_at: datetime
    completed: bool
    answers: Mapping[str, Any]


def questionnaire_response(filled: Filled, survey: Survey | None) -> Resource:
    """The answers as given, question by question. Of a survey no longer known, the bare values."""
    questions = {question.id: question for question in survey.questions} if survey else {}
    resource: Resource = {
        "resourceType": "QuestionnaireResponse",
        "id": filled.id,
        "questionnaire": SURVEY_URI + filled.survey,
        "status": "completed" if filled.completed else "in-progress",
        "subject": _patient(filled),
        "encounter": _session(filled),
        "authored": _instant(filled.changed_at),
        "source": _patient(filled),
    }
    # The survey's order first, then what it no longer asks.
    order = [one for one in questions if one in filled.answers]
    order += [one for one in filled.answers if one not in questions]
    items = [_item(name, filled.answers[name], questions.get(name)) for name in order]
    if items:
        resource["item"] = items
    return resource


def observations(filled: Filled, survey: Survey | None) -> list[Resource]:
    """Pain, the PEG panel and its mean, function and global change: whatever of it was answered."""
    if survey is None:
        return []
    answers = _read(filled, survey)
    found = scores(answers.values())
    resources = []
    if found.nrs is not None:
        code = _code_of(survey, Measure.NRS)
        resources.append({**_observation(filled, "pain", code), "valueQuantity": _score(found.nrs)})
    panel = _panel(filled, survey, answers)
    if panel is not None:
        resources.append(panel)
    if found.peg is not None:
        mean = {**_observation(filled, "peg-mean", PEG_MEAN), "valueQuantity": _score(found.peg)}
        mean["derivedFrom"] = [{"reference": f"Observation/{filled.id}-peg"}, *mean["derivedFrom"]]
        resources.append(mean)
    if found.psfs is not None:
        resources.append({**_observation(filled, "psfs", PSFS), "valueQuantity": _score(found.psfs)})
    if found.pgic is not None:
        resources.append({**_observation(filled, "pgic", PGIC), "valueInteger": found.pgic})
    return resources


def bundle(resources: Sequence[Resource], base: str, links: Mapping[str, str]) -> Resource:
    """A searchset. `links` by relation ("self", "next"); `base` is where `<type>/<id>` can be read."""
    linked = [{"relation": name, "url": url} for name, url in links.items()]
    entries = [
        {
            "fullUrl": f"{base}/{one['resourceType']}/{one['id']}",
            "resource": one,
            "search": {"mode": "match"},
        }
        for one in resources
    ]
    return {"resourceType": "Bundle", "type": "searchset", "link": linked, **({"entry": entries} if entries else {})}


def _read(filled: Filled, survey: Survey) -> dict[str, Answer]:
    read = (validate(question, filled.answers.get(question.id)) for question in survey.questions)
    return {answer.question: answer for answer in read if isinstance(answer, Answer)}


def _item(name: str, value: Any, question: Question | None) -> Resource:
    item: Resource = {"linkId": name}
    if question is not None:
        # The words are ours in every case; the patient's own activity stays an answer, out of the question.
        item["text"] = question.words[_LANGUAGE].replace("{activity}", "…")
    answers = [_answer(one, question) for one in (value if isinstance(value, list) else [value])]
    item["answer"] = [one for one in answers if one is not None]
    return item


def _answer(value: Any, question: Question | None) -> Resource | None:
    if isinstance(value, bool):
        return {"valueBoolean": value}
    if isinstance(value, int):
        return {"valueInteger": value}
    if isinstance(value, float):
        return {"valueDecimal": value}
    chosen = question is not None and question.kind in (Kind.CHOICE, Kind.SIGNS, Kind.CHECKLIST)
    if chosen and question is not None:
        return {"valueCoding": _option(str(value), question)}
    return {"valueString": str(value)}


def _option(chosen: str, question: Question) -> Resource:
    known: dict[str, Option] = {option.id: option for option in question.options}
    coding = {"system": OWN_CODES, "code": _dashed(chosen)}
    if chosen == NONE:
        return {**coding, "display": "None of these"}
    return {**coding, "display": known[chosen].words[_LANGUAGE]} if chosen in known else coding


def _panel(filled: Filled, survey: Survey, answers: Mapping[str, Answer]) -> Resource | None:
    """The three PEG items as components of one observation, as LOINC has them."""
    measures = (Measure.PEG_PAIN, Measure.PEG_ENJOYMENT, Measure.PEG_ACTIVITY)
    asked = {question.measure: question for question in survey.questions if question.measure in measures}
    components = [
        {"code": _concept(asked[measure].code), "valueQuantity": _score(answers[asked[measure].id].score)}
        for measure in measures
        if measure in asked and asked[measure].id in answers
    ]
    return {**_observation(filled, "peg", PEG_PANEL), "component": components} if components else None


def _observation(filled: Filled, part: str, code: Coding | None) -> Resource:
    return {
        "resourceType": "Observation",
        "id": f"{filled.id}-{part}",
        "status": "final" if filled.completed else "preliminary",
        "category": [{"coding": [{"system": _CATEGORY, "code": "survey"}]}],
        "code": _concept(code),
        "subject": _patient(filled),
        "encounter": _session(filled),
        "effectiveDateTime": _instant(filled.changed_at),
        "performer": [_patient(filled)],
        "derivedFrom": [{"reference": f"QuestionnaireResponse/{filled.id}"}],
    }


def _code_of(survey: Survey, measure: Measure) -> Coding | None:
    return next((question.code for question in survey.questions if question.measure is measure), None)


def _concept(code: Coding | None) -> Resource:
    return {"text": "uncoded"} if code is None else {"coding": [{"system": code.system, "code": code.code}]}


def _score(value: float | None) -> Resource:
    return {"value": value, "unit": SCORE_UNIT, "system": UCUM, "code": SCORE_UNIT}


def _patient(filled: Filled) -> Resource:
    return {"type": "Patient", "identifier": {"system": PATIENT_SYSTEM, "value": filled.patient}}


def _session(filled: Filled) -> Resource:
    return {"type": "Encounter", "identifier": {"system": SESSION_SYSTEM, "value": filled.session}}


def _instant(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _dashed(name: str) -> str:
    return name.replace("_", "-")
