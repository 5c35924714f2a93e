"""Refusals put as a report, a threat or "no longer needed", and what only sounds like one."""

from __future__ import annotations

import pytest

from service.care.replies import read

REFUSALS = (
    "I already said stop three times",
    "I've replied stop like 5 times and you still text me",
    "no need to keep checking on me",
    "These messages are not necessary",
    "ya les pedi que dejaran de escribirme",
    "les dije que no me escribieran",
    "por qué siguen escribiéndome",
    "los voy a denunciar",
    "si me vuelven a escribir los denuncio",
    "No es necesario que sigan mandando mensajes",
    "preferiría que no me mandaran mensajes",
    "ya no me esten mandando",
)
ORDINARY = (
    "When does the soreness wear off and stop?",
    "I'm not interested in surgery",
    "I've had enough of this pain",
    "le dije a mi hijo que dejara de jugar",
    "el doctor me dijo que dejara de correr",
    "sigan escribiendo me ayuda",
    "ya no hace falta el hielo",
    "the swelling won't go away",
    "I asked the doctor to stop the medicine",
    "can you still text me the results",
)


@pytest.mark.parametrize("body", REFUSALS)
def test_a_refusal_stops_the_messages(body: str) -> None:
    assert read(body).stop


@pytest.mark.parametrize("body", ORDINARY)
def test_what_only_sounds_like_a_refusal_stops_nothing(body: str) -> None:
    assert not read(body).stop


def test_ten_out_of_ten_is_said_of_pain_and_not_in_praise() -> None:
    assert read("it is a 10 out of 10 call me").said_pain == 10
    assert read("its a 10 out of 10 great staff").said_pain is None
