"""P9, its first half: a warning sign in a patient's own words is recognised, and only where it is reported."""

from __future__ import annotations

import pytest

from service.care.redflags import EMERGENCIES, RedFlag
from service.care.replies import Meaning, read
from service.care.urgency import Urgency

B, C, S, F, W, U = (
    RedFlag.BREATHING,
    RedFlag.CHEST_PAIN,
    RedFlag.SWOLLEN_FACE,
    RedFlag.FAINTING,
    RedFlag.WEAKNESS,
    RedFlag.BLADDER_BOWEL,
)
N, D, H = RedFlag.STIFF_NECK_FEVER, RedFlag.SELF_HARM, RedFlag.CALLS_FOR_HELP
FEVER, RED, PUS, MOVE, HEAD = (
    RedFlag.FEVER,
    RedFlag.REDNESS,
    RedFlag.DRAINAGE,
    RedFlag.CANNOT_MOVE,
    RedFlag.HEADACHE_UPRIGHT,
)
CALF, NUMB, HIVES, BLOOD, PAIN = RedFlag.CALF, RedFlag.NUMBNESS, RedFlag.HIVES, RedFlag.BLEEDING, RedFlag.SEVERE_PAIN

REPORTED: list[tuple[str, set[RedFlag]]] = [
    # breathing
    ("I can't catch my breath", {B}),
    ("cant breath", {B}),
    ("CANT BREATHE!!", {B}),
    ("having a hard time breathing since last night", {B}),
    ("short of breath when i walk to the kitchen", {B}),
    ("diffculty breathing", {B}),
    ("I need help breathing", {B}),
    ("its hard to take a deep breath", {B}),
    ("hurts when i breathe in", {B}),
    ("my breathing is really shallow", {B}),
    ("I cannot get enough air", {B}),
    ("trouble breathng and dizzy", {B}),
    ("shortness of breathe today", {B}),
    ("I am not able to breathe well", {B}),
    ("Me falta el aire", {B}),
    ("no puedo respirar bien", {B}),
    ("me cuesta respirar desde anoche", {B}),
    ("siento que me ahogo", {B}),
    ("tengo dificultad para respirar", {B}),
    ("no puedo respirr", {B}),
    ("se me va el aire cuando camino", {B}),
    ("siento que no puedo jalar aire", {B}),
    ("coughing up blood", {B}),
    # chest
    ("chest pain", {C}),
    ("my chest feels tight", {C}),
    ("there's a pressure on my chest", {C}),
    ("I have pain in the middle of my chest", {C}),
    ("chset pains started an hour ago", {C}),
    ("feels like an elephant sitting on my chest", {C}),
    ("me duele mucho el pecho", {C, PAIN}),
    ("tengo una presión en el pecho", {C}),
    ("dolor de pecho", {C}),
    ("opresion en el pecho y sudor", {C}),
    ("No chest pain but hard to breathe", {B}),
    # face and throat
    ("my lips are swollen", {S}),
    ("throat is closing up", {S}),
    ("My tongue is swelling", {S}),
    ("face all puffy this morning", {S}),
    ("can't swallow", {S}),
    ("swelling around my eyes and face", {S}),
    ("se me hinchó la cara", {S}),
    ("tengo la garganta cerrada", {S}),
    ("labios inchados", {S}),
    ("se me está hinchando la lengua", {S}),
    # fainting
    ("I fainted in the shower", {F}),
    ("passed out twice today", {F}),
    ("feel like I'm going to pass out", {F}),
    ("i blacked out for a second", {F}),
    ("I feel faint", {F}),
    ("me desmayé", {F}),
    ("casi me desmayo en la cocina", {F}),
    ("perdí el conocimiento", {F}),
    ("feinted this morning, scary", {F}),
    # weakness
    ("my leg is suddenly very weak", {W}),
    ("my leg gave out and I fell", {W}),
    ("new weakness in my left arm", {W}),
    ("my foot is dragging, foot drop?", {W}),
    ("slurred speech", {W}),
    ("no tengo fuerza en la mano", {W}),
    ("siento la pierna débil", {W}),
    ("tengo debilidad en las piernas", {W}),
    ("one side of my face is drooping", {W}),
    # bladder, bowel
    ("I can't pee", {U}),
    ("not able to pee since yesterday", {U}),
    ("lost control of my bladder", {U}),
    ("I wet myself", {U}),
    ("haven't peed all day", {U}),
    ("cannot control my bowels", {U}),
    ("no puedo orinar", {U}),
    ("me oriné encima", {U}),
    ("no aguanto la orina", {U}),
    ("no puedo hacer pipí", {U}),
    ("numb between my legs, around the groin", {U, NUMB}),
    # fever with a stiff neck
    ("fever and my neck is stiff", {N, FEVER}),
    ("stiff neck, temp 102", {N, FEVER}),
    ("tengo fiebre y el cuello tieso", {N, FEVER}),
    # self-harm
    ("I want to kill myself", {D}),
    ("i dont want to live anymore", {D}),
    ("thinking about ending my life", {D}),
    ("I'd be better off dead", {D}),
    ("the pain makes me want to die", {D}),
    ("quiero morirme", {D}),
    ("ya no quiero vivir", {D}),
    ("he pensado en suicidarme", {D}),
    # calls for help
    ("I'm on my way to the ER", {H}),
    ("should i call 911", {H}),
    ("es una emergencia", {H}),
    ("need an ambulance", {H}),
    # fever
    ("I have a fever", {FEVER}),
    ("fevr", {FEVER}),
    ("thrwoing up fever", {FEVER}),
    ("running a temp", {FEVER}),
    ("temp is 101", {FEVER}),
    ("101.5", {FEVER}),
    ("my temperature was 38.5 this morning", {FEVER}),
    ("39 C", {FEVER}),
    ("38,5", {FEVER}),
    ("tengo 38.5", {FEVER}),
    ("tengo calentura", {FEVER}),
    ("escalofríos toda la noche", {FEVER}),
    ("chills and sweats", {FEVER}),
    ("got the chills real bad", {FEVER}),
    ("temp 100.4", {FEVER}),
    ("no mejora la fiebre", {FEVER}),
    ("fever hasn't gone away", {FEVER}),
    ("fever not gone", {FEVER}),
    ("the fever won't go away", {FEVER}),
    ("I do not feel well and have a fever", {FEVER}),
    ("No, I have a fever", {FEVER}),
    ("No. Tengo fiebre", {FEVER}),
    ("not sure if i have a fever", {FEVER}),
    ("no sé si tengo fiebre pero siento escalofríos", {FEVER}),
    ("had a fever last night", {FEVER}),
    ("no se me quita la fiebre", {FEVER}),
    ("la fiebre no baja", {FEVER}),
    ("I didn't sleep because of the fever", {FEVER}),
    ("still have fever", {FEVER}),
    ("cant shake this fever", {FEVER}),
    ("Im burning up", {FEVER}),
    ("is it normal to have a fever", {FEVER}),
    # redness, heat
    ("the redness is spreading", {RED}),
    ("my knee is red and hot", {RED}),
    ("skin around the injection is warm to the touch", {RED}),
    ("red streaks going up my arm", {RED}),
    ("está rojo y caliente", {RED}),
    ("la rodilla está muy roja", {RED}),
    ("tengo enrojecimiento en la zona", {RED}),
    ("knee is hot", {RED}),
    # pus
    ("there's pus coming out", {PUS}),
    ("yellow stuff leaking from the site", {PUS}),
    ("I think it's infected", {PUS}),
    ("me sale pus", {PUS}),
    ("le sale un líquido amarillo", {PUS}),
    ("site is oozing", {PUS}),
    ("creo que está infectado", {PUS}),
    # cannot move
    ("I can't put any weight on it", {MOVE}),
    ("can't walk", {MOVE}),
    ("cannot move my shoulder at all", {MOVE}),
    ("unable to bend my knee", {MOVE}),
    ("can't lift my arm", {MOVE}),
    ("no puedo caminar", {MOVE}),
    ("no puedo mover el brazo", {MOVE}),
    ("no me puedo levantar", {MOVE}),
    ("no puedo apoyar el pie", {MOVE}),
    # headache upright
    ("headache gets worse when I stand up", {HEAD, PAIN}),
    ("bad headache, only goes away when I lie down", {HEAD}),
    ("my head pounds every time i sit up", {HEAD}),
    ("dolor de cabeza al levantarme", {HEAD}),
    ("me duele la cabeza cuando me paro", {HEAD}),
    # calf
    ("my calf hurts", {CALF}),
    ("swollen calf", {CALF}),
    ("pain in the back of my calf", {CALF}),
    ("me duele la pantorrilla", {CALF}),
    ("my leg is swelling up", {CALF}),
    ("tengo la pierna hinchada", {CALF}),
    # numbness
    ("my foot is numb", {NUMB}),
    ("pins and needles in my hand", {NUMB}),
    ("I can't feel my toes", {NUMB}),
    ("se me durmió la pierna", {NUMB}),
    ("siento hormigueo en los dedos", {NUMB}),
    ("tengo la mano entumida", {NUMB}),
    ("no siento el pie", {NUMB}),
    # hives
    ("broke out in hives", {HIVES}),
    ("i have a rash all over", {HIVES}),
    ("tengo ronchas", {HIVES}),
    ("I think it's an allergic reaction", {HIVES}),
    # bleeding
    ("it won't stop bleeding", {BLOOD}),
    ("no para de sangrar", {BLOOD}),
    # severe or growing pain
    ("worst pain of my life", {PAIN}),
    ("pain is getting much worse", {PAIN}),
    ("the pain is unbearable", {PAIN}),
    ("I can't take this pain anymore", {PAIN}),
    ("excruciating", {PAIN}),
    ("it keeps getting worse", {PAIN}),
    ("el dolor es insoportable", {PAIN}),
    ("cada vez me duele más", {PAIN}),
    ("no aguanto el dolor", {PAIN}),
    ("el dolor está empeorando", {PAIN}),
    ("never had pain this bad, worst ever, unberable", {PAIN}),
    # together, mixed, decorated
    ("STOP I can't breathe", {B}),
    ("Tengo fever y chills", {FEVER}),
    ("Ｉ　ｃａｎ’ｔ　ｂｒｅａｔｈｅ", {B}),
    ("no pain but my leg is numb", {NUMB}),
    ("no fever, my leg is numb", {NUMB}),
    ("No redness. Fever of 102 though", {FEVER}),
    ("chestpain", {C}),
    ("im having chest pain and my arm is numb what should i do", {C, NUMB}),
    ("I've never had chest pain like this", {C}),
    ("no dormí nada, tengo calentura y me duele el pecho", {C, FEVER}),
]

NONE_REPORTED = [
    "no fever",
    "sin fiebre",
    "no tengo fiebre ni pus",
    "haven't had any fever or chills",
    "the redness is gone",
    "fever went away",
    "no signs of infection, redness or swelling",
    "No fever, no chills, no redness.",
    "I don't have a fever or chest pain",
    "Fever? No. Redness? No.",
    "fever: no",
    "not short of breath",
    "no trouble breathing",
    "my leg is not numb anymore",
    "no longer numb",
    "ya no tengo fiebre",
    "ya se me quitó la fiebre",
    "la fiebre ya se fue",
    "what if I get a fever?",
    "had fever last year",
    "what should I do if I develop a fever",
    "should I watch for redness?",
    "qué hago si me da fiebre",
    "sin enrojecimiento ni calor",
    "nunca he tenido fiebre",
    "no me falta el aire",
    "no pus or drainage",
    "without fever or chills",
    "I'm doing great, a little sore",
    "pain is 3 today",
    "much better today thank you",
    "feeling fine",
    "a bit stiff but ok",
    "my knee is sore",
    "slept well",
    "I used a warm compress",
    "took a hot shower",
    "should i use ice or heat?",
    "can I take ibuprofen",
    "what time is my appointment",
    "cancel my appointment",
    "I walked two miles yesterday",
    "hay fever season is rough lol",
    "todo bien gracias",
    "me siento mejor",
    "poco dolor, nada grave",
    "temp is 98.6",
    "temperature normal",
    "have a temperature of 98.4",
    "tengo 38 años",
    "it was 101 degrees outside",
    "pain went from 9 to 3",
    "the numbing cream worked well",
    "deep breaths help",
    "where can I find my discharge papers",
    "I can't wait to run again",
    "I can't make it tomorrow",
    "can't walk my dog until when?",
    "is the red button the one to press",
    "I stopped taking ibuprofen",
    "pain a little worse at night",
    "not any worse",
    "no está peor",
    "my kid has a fever so we need to reschedule",
    "thanks",
    "7",
    "yes",
    "gracias, el dolor bajó",
    "I never fainted",
    "chest feels fine, no pain",
    "not red or hot",
    "no swelling in my face or throat",
    "breathing is fine",
    "my chest does not hurt",
    "I have been able to walk normally",
    "no numbness or tingling",
    "me muero de hambre",
    "estoy bien, sin dolor de pecho",
    "What is the emergency number?",
]


@pytest.mark.parametrize(("body", "flags"), REPORTED)
def test_p9_a_reported_warning_sign_is_seen(body: str, flags: set[RedFlag]) -> None:
    reading = read(body)
    assert flags <= set(reading.red_flags)
    assert reading.meaning is Meaning.RED_FLAG


@pytest.mark.parametrize("body", NONE_REPORTED)
def test_what_is_ruled_out_over_or_only_asked_raises_nothing(body: str) -> None:
    assert read(body).red_flags == ()


def test_hardly_any_sign_is_seen_that_the_table_does_not_list() -> None:
    extra = [(body, set(read(body).red_flags) - flags) for body, flags in REPORTED if set(read(body).red_flags) - flags]
    assert len(extra) <= len(REPORTED) * 0.05, extra


@pytest.mark.parametrize(
    ("body", "asked"),
    [("what if I get a fever?", RedFlag.FEVER), ("en caso de fiebre a quién llamo", RedFlag.FEVER)],
)
def test_a_sign_only_asked_about_is_kept_for_a_reader(body: str, asked: RedFlag) -> None:
    reading = read(body)
    assert reading.asked_about == (asked,)
    assert reading.meaning is Meaning.WORDS


@pytest.mark.parametrize(
    ("body", "fever"),
    [
        ("temp 100.4", True),
        ("temp 100.3", False),
        ("temp is 38", True),
        ("temp 37.9", False),
        ("102F", True),
        ("39°C", True),
        ("tengo 39 de fiebre", True),
        ("room 101", False),
        ("call me at 555 101 3900", False),
        ("BP 101/60", False),
        ("I weigh 101.5 lbs", False),
        ("took my temp, 103", True),
        ("37.2", False),
        ("termómetro marca 38.7", True),
    ],
)
def test_fever_begins_at_38_0_celsius(body: str, fever: bool) -> None:
    assert (RedFlag.FEVER in read(body).red_flags) is fever


def test_urgency_follows_the_table_and_comes_first() -> None:
    assert RedFlag.BREATHING.urgency is Urgency.EMERGENCY
    assert RedFlag.FEVER.urgency is Urgency.URGENT
    order = [flag in EMERGENCIES for flag in RedFlag]
    assert order == sorted(order, reverse=True)
