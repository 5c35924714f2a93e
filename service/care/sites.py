"""Where on the body a session was: a closed list, what it means for warning signs, and how clinics spell it.

A side ("left knee") is no part of the site, because warning signs do not depend on it; but a left and a right knee are
two courses, and neither may supersede the other. `course_key` keeps them apart.
"""

from __future__ import annotations

import re
from enum import StrEnum


class Region(StrEnum):
    """Groups of sites that share warning signs."""

    RIB = "rib"
    """The needle works near the lung: breathlessness or chest pain, possibly hours later."""
    SPINE = "spine"
    """Headache worse upright, new weakness, numbness, bladder or bowel change."""
    JOINT = "joint"
    """Cannot move it or bear weight."""
    LEG = "leg"
    """Calf pain or swelling."""


class Site(StrEnum):
    """A place that prolotherapy treats."""

    JAW = "jaw"
    NECK = "neck"
    UPPER_BACK = "upper_back"
    RIB = "rib"
    LOWER_BACK = "lower_back"
    SACROILIAC = "sacroiliac"
    TAILBONE = "tailbone"
    PELVIS = "pelvis"
    SHOULDER = "shoulder"
    ELBOW = "elbow"
    WRIST = "wrist"
    HAND = "hand"
    HIP = "hip"
    THIGH = "thigh"
    KNEE = "knee"
    LOWER_LEG = "lower_leg"
    ANKLE = "ankle"
    FOOT = "foot"


REGIONS: dict[Site, frozenset[Region]] = {
    Site.JAW: frozenset({Region.JOINT}),
    Site.NECK: frozenset({Region.SPINE}),
    Site.UPPER_BACK: frozenset({Region.RIB, Region.SPINE}),
    Site.RIB: frozenset({Region.RIB}),
    Site.LOWER_BACK: frozenset({Region.SPINE}),
    Site.SACROILIAC: frozenset({Region.SPINE, Region.JOINT}),
    Site.TAILBONE: frozenset({Region.SPINE}),
    Site.PELVIS: frozenset({Region.JOINT}),
    Site.SHOULDER: frozenset({Region.JOINT}),
    Site.ELBOW: frozenset({Region.JOINT}),
    Site.WRIST: frozenset({Region.JOINT}),
    Site.HAND: frozenset({Region.JOINT}),
    Site.HIP: frozenset({Region.JOINT, Region.LEG}),
    Site.THIGH: frozenset({Region.LEG}),
    Site.KNEE: frozenset({Region.JOINT, Region.LEG}),
    Site.LOWER_LEG: frozenset({Region.LEG}),
    Site.ANKLE: frozenset({Region.JOINT, Region.LEG}),
    Site.FOOT: frozenset({Region.JOINT, Region.LEG}),
}
"""Which warning-sign lists a site asks about, beside the one that everybody gets."""

_SPELLINGS: dict[Site, str] = {
    Site.JAW: "jaw, tmj, temporomandibular, temporomandibular joint, tmj jaw",
    Site.NECK: "neck, cervical, cervical spine, c spine, atlas, craniocervical",
    Site.UPPER_BACK: "upper back, mid back, middle back, thoracic, thoracic spine, t spine, thoracic back",
    Site.RIB: "rib, ribs, rib cage, ribcage, costal, costovertebral, costochondral, sternum, chest wall",
    Site.LOWER_BACK: "lower back, low back, lumbar, lumbar spine, l spine, lumbosacral, iliolumbar, back lower",
    Site.SACROILIAC: "sacroiliac, sacroiliac joint, si, si joint, sij, sacrum",
    Site.TAILBONE: "tailbone, tail bone, coccyx, sacrococcygeal",
    Site.PELVIS: "pelvis, pubis, pubic symphysis, symphysis pubis, groin, pelvic",
    Site.SHOULDER: "shoulder, shoulders, rotator cuff, ac joint, acromioclavicular, glenohumeral, shoulder joint",
    Site.ELBOW: "elbow, elbows, tennis elbow, golfers elbow, lateral epicondyle, medial epicondyle",
    Site.WRIST: "wrist, wrists, carpal, tfcc",
    Site.HAND: "hand, hands, thumb, thumbs, hand thumb, finger, fingers, cmc, thumb cmc, cmc joint, basal thumb joint",
    Site.HIP: "hip, hips, hip joint, trochanter, greater trochanter, gluteal, gluteal tendon",
    Site.THIGH: "thigh, thighs, hamstring, hamstrings, adductor, quadriceps, upper leg",
    Site.KNEE: "knee, knees, knee joint, patella, patellar tendon, meniscus, mcl, acl, pes anserine",
    Site.LOWER_LEG: "lower leg, shin, calf, leg lower",
    Site.ANKLE: "ankle, ankles, achilles, achilles tendon, ankle joint",
    Site.FOOT: "foot, feet, plantar fascia, plantar, heel, toe, toes, big toe, midfoot",
}
_BY_SPELLING = {spelling: site for site, all_of_them in _SPELLINGS.items() for spelling in all_of_them.split(", ")}

_WITHOUT_SIDES = {Site.NECK, Site.UPPER_BACK, Site.LOWER_BACK, Site.TAILBONE, Site.PELVIS}
_SIDES = {"left": "left", "l": "left", "lt": "left", "right": "right", "r": "right", "rt": "right"}
_BOTH_SIDES = {"both", "bilateral", "the", "my"}


def parse(text: str) -> Site | None:
    """The site that a clinic's spelling means ("Knee", "knee_left", "TMJ", "low-back"), or None. Sides are ignored."""
    return _split(text)[0]


def course_key(text: str) -> str | None:
    """What tells a patient's courses apart: "neck", "knee", "knee_left". None when the site is unknown."""
    site, side = _split(text)
    if site is None:
        return None
    return f"{site}_{side}" if side and site not in _WITHOUT_SIDES else site.value


def _split(text: str) -> tuple[Site | None, str | None]:
    words = re.findall(r"[a-z]+", text.lower().replace("'", "").replace("’", ""))
    whole = _BY_SPELLING.get(" ".join(words))
    if whole is not None:
        return whole, None
    sides = {_SIDES[word] for word in words if word in _SIDES}
    rest = " ".join(word for word in words if word not in _SIDES and word not in _BOTH_SIDES)
    return _BY_SPELLING.get(rest), sides.pop() if len(sides) == 1 else None
