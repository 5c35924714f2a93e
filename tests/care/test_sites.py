"""Sites: closed, tolerant of spelling, and left apart from right."""

import pytest

from service.care.sites import REGIONS, Region, Site, course_key, parse


@pytest.mark.parametrize(
    ("text", "site", "course"),
    [
        ("knee", Site.KNEE, "knee"),
        ("Left Knee", Site.KNEE, "knee_left"),
        ("knee_right", Site.KNEE, "knee_right"),
        ("knee (R)", Site.KNEE, "knee_right"),
        ("both knees", Site.KNEE, "knee"),
        ("lower_back", Site.LOWER_BACK, "lower_back"),
        ("Low-Back, left", Site.LOWER_BACK, "lower_back"),
        ("L spine", Site.LOWER_BACK, "lower_back"),
        ("TMJ", Site.JAW, "jaw"),
        ("thoracic", Site.UPPER_BACK, "upper_back"),
        ("Right SI joint", Site.SACROILIAC, "sacroiliac_right"),
        ("hand/thumb", Site.HAND, "hand"),
        ("Golfer's elbow", Site.ELBOW, "elbow"),
        ("", None, None),
        ("left", None, None),
        ("soul", None, None),
        ("knee and hip", None, None),
    ],
)
def test_spellings(text: str, site: Site | None, course: str | None) -> None:
    assert parse(text) is site
    assert course_key(text) == course


@pytest.mark.parametrize("site", Site)
def test_every_site_has_warning_signs_and_reads_its_own_name(site: Site) -> None:
    assert REGIONS[site]
    assert parse(site.value) is site
    assert course_key(site.value) == site.value


def test_near_the_lung_asks_about_breath() -> None:
    assert {site for site in Site if Region.RIB in REGIONS[site]} == {Site.RIB, Site.UPPER_BACK}
