"""A warning sign beside another clause: a past, a child, a "no" or a relief that is not the sign's own (P9)."""

from __future__ import annotations

import pytest

from service.care.redflags import RedFlag
from service.care.replies import read

ANOTHER_TIME_OR_PERSON = """\
breathing|cant breathe, had a clot in 2019
chest_pain|chest pain, history of heart attack
breathing|short of breath, had asthma as a kid
breathing|trouble breathing had pneumonia last winter
numbness|My foot is numb and it wasnt before the shot
chest_pain|I have chest pain I did not have before the injection
chest_pain|chest pain that I never had before the injection
breathing|trouble breathing, never had this before my shot
new_weakness|leg is weak, it was fine before the shot
new_weakness|My leg just gives out, its weak and wasnt before the shot
cannot_move_or_bear_weight|can't move my arm, could move it before the injection
fainting|fainted twice, never happened before this treatment
face_or_throat_swelling|my face is swollen and it was normal before the shot
breathing|I have a history of asthma and cant breathe
calf_pain_or_swelling|my calf is swollen, I had a blood clot in 2018
spreading_redness_or_heat|I had surgery last year and my knee is red and hot
fever|fever 102 and I had the injection last March
fever|Fever like I had when I was a kid
fever|tengo fiebre, hace un mes me operaron
chest_pain|dolor de pecho, hace 2 años tuve un infarto
chest_pain|tengo dolor de pecho hace un mes
breathing|no puedo respirar, de niña tuve asma
calf_pain_or_swelling|tengo la pierna hinchada, hace años tuve un coagulo
chest_pain|my son is driving, chest pain
breathing|my daughter has to help, cant breathe
fever|my kid got sick and now fever too
fever|my baby is 3 weeks old and breasts hurt, fever
pus|My daughter is a nurse, she says its infected
pus|my daughter is a nurse and says it is infected
cannot_move_or_bear_weight|my son has been helping because cant walk
chest_pain|mi hijo esta conmigo, dolor de pecho
cannot_move_or_bear_weight|mi hija tiene que ayudarme, no puedo caminar
calf_pain_or_swelling|mi hija esta preocupada, calf hinchada
"""
ASKED_ABOUT_SOMETHING_ELSE = """\
chest_pain|worried about the bill, chest pain
fainting|afraid of needles, passed out after
breathing|what about my appointment, i cant breathe
chest_pain|How do I know if insurance pays, chest pain
breathing|me preocupa la cuenta, no puedo respirar
"""
ASKED_ABOUT = """\
what should I look out for, chest pain?
what if I get fever, chest pain or numbness
should I worry about fever, redness, chest pain?
can the shot cause headaches, fainting, chest pain?
y si tengo fiebre, dolor de pecho?
que hago si me da fiebre, desmayo
"""
STILL_ANOTHER_TIME_OR_PERSON = """\
I had chest pain a couple years ago but nothing since
Last year, I fainted
I fainted, years ago
I had fever and chills last year
I had numbness before the shot
chest pain was from last month, doctor checked it out, all good
hace un año, me desmayé
no podia respirar antes de la inyeccion
tuve fiebre el mes pasado por la gripa, ahora nada
my son fainted at school so I may be late for my visit
my daughter has fever and chills
my son came home early, he has a fever
mi niña se desmayó en la escuela, llegaré tarde
"""
A_NO_ABOUT_SOMETHING_ELSE = """\
chest_pain|No fever I'm having chest pain
chest_pain|no fever my chest hurts
chest_pain|I do not have a fever I have chest pain
breathing|no fever im short of breath
breathing|I don't have pain I have trouble breathing
fever|no swelling I have a fever
pus|no fever there is pus
spreading_redness_or_heat|no fever its red and hot
chest_pain|no fever, chest pain
chest_pain|no fever, chest pain and short of breath
chest_pain|swelling none, chest pain
breathing|no rash, shortness of breath
numbness|no fever, numb leg
calf_pain_or_swelling|no redness, calf pain
fever|No swelling, fever yes
fever|swelling no, fever yes
numbness|swelling none, numbness yes
chest_pain|no chest pain until now
numbness|no numbness until this morning
fever|didn't have a fever until tonight
fever|no fever til last night
chest_pain|No chest pain before the shot, now I do
breathing|Didn't have trouble breathing before
numbness|I didn't have this numbness before
fever|no fever before but now yes
breathing|I've never been this short of breath
new_weakness|never been this weak
chest_pain|no tengo fiebre me duele el pecho
breathing|sin fiebre me falta el aire
chest_pain|nunca tuve dolor de pecho hasta hoy
chest_pain|nunca me había dolido así el pecho
hives|never had hives in my life and now im covered
chest_pain|no tuve dolor de pecho hasta ahora
chest_pain|sin fiebre, dolor de pecho
fever|no tenia fiebre, ahora si
"""
RULED_OUT = """\
no fever, no chest pain
no fever, chills or chest pain
no fever, chills, or redness
No fever, chills and sweats
no tengo fiebre, hinchazon ni nada de eso
sin fiebre, escalofrios y pus
no swelling in my leg or numbness
no pain in my chest or trouble breathing
I have no fever I have no chest pain
not having any chest pain, fever, or shortness of breath
Denies chest pain, shortness of breath, fever
no fever before or after
no fever before bed
never had any numbness before or after
sin fiebre hasta ahora
no he tenido fiebre hasta el momento
I dont feel weak or dizzy
no me siento debil
no fever, feeling good, walking fine
no fever thank god, no redness either
fever no
swelling no, redness no, fever no
no pain i can walk fine
"""
EASED_BUT_NOT_OVER = """\
chest_pain|chest pain stopped and came back
chest_pain|The chest pain went away. Then it came back.
breathing|shortness of breath is better but not gone
chest_pain|chest pain is better but still there
chest_pain|chest pain is better
chest_pain|chest pain ended up going to my arm
chest_pain|chest pain goes away when I rest
chest_pain|is chest pain normal
breathing|trouble breathing got better
fever|fever broke then back up to 102
fever|fever went away and came back
fever|fever was gone but is back
fever|fever goes away with tylenol then returns
bleeding|bleeding stopped then started again and wont stop now
numbness|numbness went down my leg
numbness|numbness has gone down my leg
calf_pain_or_swelling|calf pain went down to my foot
hives|hives went down my back
new_weakness|my arm is weak and stopped working
breathing|se me quitó la falta de aire y me regresó peor
fever|la fiebre se me quitó pero volvió anoche
chest_pain|el dolor de pecho se me quita cuando descanso
"""
OVER = """\
chest pain went away after an hour
the swelling in my face went down
numbness went down in my leg
fever is gone but still sore
fever is gone, thanks again
Fever went away Tuesday and has not come back
fever broke last night
fever went down to 98.6 and back to normal
swelling went down and everything is back to normal
numbness went away and im back to work
numbness went away, I came back from vacation
numbness is gone and I can walk again
numbness gone and my back is sore
calf pain is gone. call me back please
redness is much better
rash is fading and not itchy
la fiebre se me quito y ya regrese a trabajar
la hinchazon bajo mucho, ya regrese a caminar
"""

REACHING_BEYOND_A_LOOKALIKE = """\
fainting|I passed out the other day
fainting|passing out the last 2 days
chest_pain|My chest pain is worse at night
chest_pain|my chest pains are worse with stairs
chest_pain|chest hurts day and night
chest_pain|tight chest day 3
chest_pain|chest pain at yoga
chest_pain|presion alta en el pecho
chest_pain|my pulse is racing
breathing|I cant breathe through the pain
breathing|short of breath at the bar
new_weakness|I feel weak in the legs
new_weakness|my leg gave out the other day
new_weakness|stroke symptoms
calls_for_help|my nurse said go to er
calls_for_help|my work sent me to the hospital
calls_for_help|I left my shift for the ER
calls_for_help|No its an emergency
calls_for_help|this is an emergency phone me
self_harm|cut myself on purpose
self_harm|cut myself with a knife on purpose
spreading_redness_or_heat|bruise is getting red and hot
spreading_redness_or_heat|bruise is hot and red and spreading
spreading_redness_or_heat|knee is warm up to the thigh
pus|draining the last two days
calf_pain_or_swelling|swollen leg day 2
numbness|my leg is numb to this day
cannot_move_or_bear_weight|cant get out of my bed
severe_or_growing_pain|pain not better its worse
"""
LOOKALIKES = """\
passed out the flyers
I gave out my number
my coffee was weak this morning lol
I work at the hospital
working a shift at the hospital today
visiting my mom in the hospital
no emergency
not an emergency just a question
I dont think this is an emergency
family emergency, can we move my visit
I cut myself shaving
I cut myself on a can lid
cut myself some slack
breathed through the pain fine
sore from chest day
big leg day at the gym
it is hot outside
battery is draining the whole time
bruise is turning green and yellow
is the red button the one to press
no air conditioning in the waiting room
"""


def reported(table: str) -> list[tuple[RedFlag, str]]:
    """Rows of a table: the sign, and the words that report it."""
    return [(RedFlag(flag), body) for flag, body in (line.split("|") for line in table.splitlines())]


@pytest.mark.parametrize(("flag", "body"), reported(ANOTHER_TIME_OR_PERSON))
def test_p9_another_clauses_past_or_child_takes_no_sign_away(flag: RedFlag, body: str) -> None:
    assert flag in read(body).red_flags


@pytest.mark.parametrize("body", STILL_ANOTHER_TIME_OR_PERSON.splitlines())
def test_a_sign_of_another_time_or_a_childs_raises_nothing(body: str) -> None:
    assert read(body).red_flags == ()


@pytest.mark.parametrize(("flag", "body"), reported(A_NO_ABOUT_SOMETHING_ELSE))
def test_p9_a_no_reaches_no_further_than_it_was_meant(flag: RedFlag, body: str) -> None:
    assert flag in read(body).red_flags


@pytest.mark.parametrize(("flag", "body"), reported(EASED_BUT_NOT_OVER))
def test_p9_relief_that_did_not_last_ends_nothing(flag: RedFlag, body: str) -> None:
    assert flag in read(body).red_flags


@pytest.mark.parametrize("body", [*RULED_OUT.splitlines(), *OVER.splitlines()])
def test_what_is_ruled_out_or_over_raises_nothing(body: str) -> None:
    assert read(body).red_flags == ()


@pytest.mark.parametrize(("flag", "body"), reported(REACHING_BEYOND_A_LOOKALIKE))
def test_p9_a_harmless_phrase_takes_no_sign_away_that_reaches_beyond_it(flag: RedFlag, body: str) -> None:
    assert flag in read(body).red_flags


@pytest.mark.parametrize("body", LOOKALIKES.splitlines())
def test_a_phrase_that_only_looks_like_a_sign_raises_nothing(body: str) -> None:
    assert read(body).red_flags == ()


@pytest.mark.parametrize(("flag", "body"), reported(ASKED_ABOUT_SOMETHING_ELSE))
def test_p9_a_question_reaches_no_further_than_what_it_asks_about(flag: RedFlag, body: str) -> None:
    assert flag in read(body).red_flags


@pytest.mark.parametrize("body", ASKED_ABOUT.splitlines())
def test_what_is_only_asked_about_raises_nothing(body: str) -> None:
    assert not read(body).red_flags
