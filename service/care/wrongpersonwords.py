"""The words of somebody who is not the patient, in the phrase language of `phrases.py`.

They join those of `optoutwords.py`. "Wrong number" inside a story may be another number than theirs, so some count only
as all that a clause says.
"""

from __future__ import annotations

WRONG_SETS = {
    "person": "number person phone num guy patient contact lady man recipient dude",
    "erroneo": "equivocado equivocada incorrecto incorrecta erroneo erronea equivocao",
}

WRONG: dict[str, tuple[str, ...]] = {
    "wrong": (
        "dont|not|no know|have ~1 any|anybody|anyone|nobody named|called",
        "he|she|they|nobody|noone|person|patient ~1 doesnt|dont|isnt|not|no ~1 live|lives|work|here ~1 here|anymore",
        "doesnt|dont|not|isnt belong ~1 to",
        "new phone ,? who|whos|whose",
        "who dis",
        "you|u|ya have|got ~2 wrong|incorrect ~1 {person}",
        "texted|reached|texting|contacted|contacting|messaged|messaging ~2 wrong|incorrect ~1 {person}",
        "this|thats|its|it is? ~1 wrong|incorrect ~1 {person}",
        "this|thats|its|it is? ~1 not|isnt|aint ~1 my|his|her|the|right|correct|same|intended ~1 number|phone|person|"
        "patient",
        "not|isnt|aint the? intended|right|correct person|number|patient here",
        "this is? ~2 no longer ~3 number",
        "i|im|am not|never ~1 a|your|the patient|client",
        "never ~1 been ~1 a|your patient|client",
        "never ~2 heard ~3 clinic|you|office|doctor",
        "equivocado|equivocada|equivocaron|equivoco de|numero",
        "se equivoco|equivocaron",
        "tienen|tiene|tienes ~2 numero|telefono|persona|contacto ~1 {erroneo}",
        "este|esto|es ~3 {erroneo}",
        "no ~1 soy ~1 paciente|persona|esa|ese|senor|senora",
        "no es|era ~2 numero|telefono",
        "este ~3 no ~2 numero",
        "numero|telefono|celular ~1 no ~1 es|pertenece ~1 de|del|a",
        "aqui no ~1 vive",
        "aqui no ~1 hay|esta|existe ~1 nadie|ninguna|esa|ese|persona|paciente",
        "no conozco ~2 persona|paciente",
        "nobody|no|noone ~1 by|has this|that name",
        "nobody|no|noone ~1 by|named ~1 that|here ~1 name?",
        "nobody|noone|no one? named",
        "belongs ~1 to someone|somebody|another",
        "doesnt|no longer ~2 have|has|use|own ~1 this ~1 number|phone",
        "new owner",
        "number ~2 reassigned|belongs",
    ),
    "wrong_alone": (
        "wrong|incorrect ~1 {person}",
        "not|isnt|aint my|his|her|the? right|correct|same|intended? number|phone|person|patient",
        "numero|persona|telefono|contacto ~1 {erroneo}",
        "{erroneo}",
    ),
}
