"""Scores: what a survey's answers come to, and whether a change is one that patients notice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from service.care.surveys import LOINC, OWN_CODES, Answer, Coding, Measure

PEG_MEAN = Coding(LOINC, "91147-9")
PEG_PANEL = Coding(LOINC, "91148-7")
PGIC = Coding(OWN_CODES, "pgic")
PSFS = Coding(OWN_CODES, "psfs")
SCORE_UNIT = "{score}"
"""UCUM annotation: a score has no unit."""


@dataclass(frozen=True, slots=True)
class Scores:
    """What one survey came to. None: not asked, not answered, or (PEG) only in part."""

    nrs: int | None = None
    """Pain now, 0 to 10; higher is worse."""
    peg: float | None = None
    """Mean of the three PEG items, 0 to 10; higher is worse. Krebs et al. 2009 (J Gen Intern Med 24:733) define it for
    all three only, so there is no mean of two."""
    peg_pain: int | None = None
    """The first PEG item alone: average pain over the past week."""
    psfs: int | None = None
    """0 (cannot do it) to 10 (as before); higher is better. One activity, after Stratford et al. 1995 (Physiother Can
    47:258)."""
    pgic: int | None = None
    """1 (very much better) to 7 (very much worse). After Guy 1976 (ECDEU Assessment Manual)."""

    @property
    def worst_pain(self) -> int | None:
        """The higher of pain now and average pain; None without either."""
        return max((pain for pain in (self.nrs, self.peg_pain) if pain is not None), default=None)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """How large a change must be to mean something to a patient; settable in the common survey file."""

    nrs_points: float = 2.0
    """Farrar et al. 2001 (Pain 94:149): 2 points or 30 % on the 0-10 scale go with "much better"."""
    nrs_percent: float = 30.0
    peg_least: float = 1.0
    """Reed et al. 2024 (J Pain 25:142), over six trials: most anchored estimates lie between 1.0 and 1.75 points. The
    scale itself: Krebs et al. 2009."""
    peg_clear: float = 1.75
    psfs_small: float = 1.3
    """Abbott and Schmitt 2014 (J Orthop Sports Phys Ther 44:560): 1.3 for a small, 2.3 for a medium, 2.7 for a large
    change as patients see it, much the same over body regions."""
    psfs_medium: float = 2.3
    psfs_large: float = 2.7


class Meaning(StrEnum):
    """What a change means to a patient."""

    BETTER = "better"
    SAME = "same"
    """Less than patients notice, in either direction."""
    WORSE = "worse"


class Size(StrEnum):
    """How much better or worse."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


@dataclass(frozen=True, slots=True)
class Change:
    """From one score to a later one of the same measure."""

    measure: str
    """"nrs", "peg" or "psfs"."""
    before: float
    now: float
    meaning: Meaning
    size: Size | None = None
    """Only where the source tells sizes apart (PEG: small or large; PSFS)."""

    @property
    def points(self) -> float:
        """Now minus before, rounded to a hundredth; for NRS and PEG below zero is better, for PSFS above zero is."""
        return round(self.now - self.before, 2)

    @property
    def percent(self) -> float | None:
        """The change in percent of the score before; None where that was 0."""
        return round(100 * (self.now - self.before) / self.before, 1) if self.before else None


def scores(answers: Iterable[Answer]) -> Scores:
    """Score the answers of one survey, also of a half-finished one."""
    by_measure = {answer.measure: answer.score for answer in answers if answer.measure and answer.score is not None}
    items = [by_measure.get(m) for m in (Measure.PEG_PAIN, Measure.PEG_ENJOYMENT, Measure.PEG_ACTIVITY)]
    given = [item for item in items if item is not None]
    return Scores(
        nrs=by_measure.get(Measure.NRS),
        peg=round(sum(given) / 3, 2) if len(given) == 3 else None,
        peg_pain=by_measure.get(Measure.PEG_PAIN),
        psfs=by_measure.get(Measure.PSFS),
        pgic=by_measure.get(Measure.PGIC),
    )


def changes(before: Scores | None, now: Scores, thresholds: Thresholds | None = None) -> tuple[Change, ...]:
    """What changed since `before` (the baseline, or the last survey), for every measure that both have."""
    limits = thresholds or Thresholds()
    found: list[Change] = []
    if before is None:
        return ()
    if before.nrs is not None and now.nrs is not None:
        found.append(nrs_change(before.nrs, now.nrs, limits))
    if before.peg is not None and now.peg is not None:
        found.append(peg_change(before.peg, now.peg, limits))
    if before.psfs is not None and now.psfs is not None:
        found.append(psfs_change(before.psfs, now.psfs, limits))
    return tuple(found)


def nrs_change(before: float, now: float, limits: Thresholds) -> Change:
    """2 points or 30 % for the better (Farrar 2001). For the worse only points count: 1 to 2 is 100 %, and little."""
    drop = before - now
    if drop >= limits.nrs_points or (drop > 0 and 100 * drop >= limits.nrs_percent * before):
        return Change("nrs", before, now, Meaning.BETTER)
    return Change("nrs", before, now, Meaning.WORSE if -drop >= limits.nrs_points else Meaning.SAME)


def peg_change(before: float, now: float, limits: Thresholds) -> Change:
    """Small from the lower end of the published range, large from its upper end (Reed 2024)."""
    steps = ((limits.peg_clear, Size.LARGE), (limits.peg_least, Size.SMALL))
    return _sized("peg", before, now, better=before - now, steps=steps)


def psfs_change(before: float, now: float, limits: Thresholds) -> Change:
    """Small, medium or large (Abbott and Schmitt 2014); more is better."""
    steps = ((limits.psfs_large, Size.LARGE), (limits.psfs_medium, Size.MEDIUM), (limits.psfs_small, Size.SMALL))
    return _sized("psfs", before, now, better=now - before, steps=steps)


def pgic_improved(pgic: int) -> bool:
    """ "Much" or "very much" better: the two answers that count as improved (Farrar 2001)."""
    return pgic <= 2


def pgic_worse(pgic: int) -> bool:
    """Any of the three answers on the worse side."""
    return pgic >= 5


def _sized(measure: str, before: float, now: float, better: float, steps: Iterable[tuple[float, Size]]) -> Change:
    # Hundredths, as the mean is kept: 6.33 - 5.33 falls just short of 1 in floating point, and is a whole point to all.
    amount = round(abs(better), 2)
    for least, size in steps:
        if amount >= least:
            return Change(measure, before, now, Meaning.BETTER if better > 0 else Meaning.WORSE, size)
    return Change(measure, before, now, Meaning.SAME)
