"""The words of the pages: the same in every language, and easy to read."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from service.care.readability import too_hard
from service.pages.look import LANGUAGES, words


def flat(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flat(inner, f"{path}.{key}")
    elif isinstance(value, list):
        yield path, ". ".join(value)
    else:
        yield path, str(value)


@pytest.mark.parametrize("language", LANGUAGES)
def test_languages_say_the_same_with_the_same_places(language: str) -> None:
    def places(text: str) -> list[str]:
        return sorted(re.findall(r"\{[^}]*\}", text))

    english = {path: places(text) for path, text in flat(words("en"))}
    assert {path: places(text) for path, text in flat(words(language))} == english


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_read_at_sixth_grade(language: str) -> None:
    whole = ". ".join(re.sub(r"\{[^}]*\}", "", text).rstrip(".") for _, text in flat(words(language)))
    assert too_hard(whole, language) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_nobody_is_told_that_they_are_fine(language: str) -> None:
    said = " ".join(text for _, text in flat(words(language))).lower()
    assert not re.search(r"you are (fine|well|ok)|está (usted )?bien", said)
