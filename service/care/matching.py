"""Whose reply is it? Decided on what is known of the number it came from; between two people it is never guessed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Candidate:
    """A patient who is reached at the number a reply came from."""

    patient_id: int
    clinic_id: int
    given_name: str | None
    clinics_sender: str
    """The SMS sender of the patient's clinic; empty where it uses the installation's."""


@dataclass(frozen=True, slots=True)
class Treatment:
    """A session of the patient, as far as matching cares."""

    session_id: int
    ended_at: datetime
    cancelled: bool


def in_question(candidates: Sequence[Candidate], recipients: Collection[str]) -> list[Candidate]:
    """The candidates whose clinic the reply was addressed to; all of them where that does not tell.

    `recipients` are the numbers or messaging services of ours that the reply was sent to.
    """
    own = [one for one in candidates if one.clinics_sender and one.clinics_sender in recipients]
    if own:
        return own
    common = [one for one in candidates if not one.clinics_sender]
    return common or list(candidates)


def addressed(senders: Mapping[int, str], recipients: Collection[str]) -> int | None:
    """The clinic that a stranger's text was sent to, None where that cannot be told.

    `senders` are all clinics with the SMS sender of their own, empty where they use the installation's. What came to
    one that several use is shown to none of them: it may be about another's patient.
    """
    own = [clinic for clinic, sender in senders.items() if sender and sender in recipients]
    common = [clinic for clinic, sender in senders.items() if not sender]
    found = own or common or list(senders)
    return found[0] if len(found) == 1 else None


def named(words: str, candidates: Sequence[Candidate]) -> Candidate | None:
    """The one candidate that the answer to "who is writing?" names; None if none, several, or not for certain.

    Only an answer that is little else than a name counts, or one that begins "this is …": "Did Ana get her text from
    you?" is not from Ana.
    """
    said = _fold(words)
    if _DENIES.search(said):
        return None
    spoken = said.split()
    hits = [one for one in candidates if one.given_name and _says(spoken, _fold(one.given_name).split())]
    return hits[0] if len(hits) == 1 else None


def session_of(treatments: Sequence[Treatment], at: datetime) -> int | None:
    """The session that a reply at `at` belongs to: the latest before it that was not cancelled."""
    before = [one for one in treatments if not one.cancelled and one.ended_at <= at]
    return max(before, key=lambda one: (one.ended_at, one.session_id)).session_id if before else None


_MOST_WORDS = 4
_INTRODUCES = ("this is", "its", "it is", "i am", "im", "my name is", "soy", "es", "me llamo", "mi nombre es")
_DENIES = re.compile(r"\b(not|isnt|no|never|wrong)\b")
_LETTERS = re.compile(r"[^\w\s]|_")


def _says(spoken: Sequence[str], name: Sequence[str]) -> bool:
    places = [at for at in range(len(spoken) - len(name) + 1) if list(spoken[at : at + len(name)]) == list(name)]
    if not name or not places:
        return False
    return len(spoken) <= _MOST_WORDS or any(" ".join(spoken[:at]) in _INTRODUCES for at in places)


def _fold(text: str) -> str:
    """Small letters without accents and punctuation: "¡Soy José!" gives "soy jose"."""
    plain = "".join(one for one in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(one))
    return " ".join(_LETTERS.sub(" ", plain.replace("'", "").replace("’", "")).split())
