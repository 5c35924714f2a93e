"""P3, its first half: whoever asks us to stop is understood in any words; and what else a reply can mean."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.care.optout import StopScope
from service.care.ownwords import STOP_LINES, sentences
from service.care.redflags import RedFlag
from service.care.replies import Meaning, read

TEMPLATES = Path(__file__).parents[2] / "templates"
STOPS = [
    "STOP",
    "stop",
    "Stop.",
    "STOP!!!",
    "Stop please",
    "please stop",
    "stop it",
    "stop stop stop",
    "stop now",
    "Stop, thanks",
    "STOPALL",
    "stop all",
    "end",
    "quit",
    "cancel",
    "Unsubscribe",
    "revoke",
    "optout",
    "OPT OUT",
    "opt-out",
    "opt me out",
    "remove",
    "stpo",
    "sotp",
    "stp",
    "stoop",
    "Stopp",
    "st0p",
    "S T O P",
    "s.t.o.p.",
    "S-T-O-P",
    "🛑",
    "🛑🛑",
    "stop 🙏",
    "ＳＴＯＰ",
    "s\u200bt\u200bo\u200bp",
    "“STOP”",
    "'stop'",
    "stop\n\nSent from my iPhone",
    "unsubcribe",
    "unsuscribe me",
    "unsubscribe me please",
    "no more texts",
    "no more messages please",
    "No more.",
    "quit texting me",
    "stop texting me",
    "Stop sending me these",
    "stop messaging this number",
    "please stop sending me texts",
    "stop contacting me",
    "stop with the texts already",
    "dont text me",
    "don't text me anymore",
    "Do not contact me again",
    "do not text",
    "do not contact",
    "never text me again",
    "leave me alone",
    "LEAVE ME ALONE!!!",
    "take me off your list",
    "take me off this list",
    "remove me from your list",
    "remove my number",
    "delete my number please",
    "lose my number",
    "please remove me",
    "get me off this thing's list",
    "I don't want these messages",
    "i dont want to receive texts",
    "I don't want any more texts from you",
    "I no longer wish to receive messages",
    "I'd like to opt out",
    "I want to unsubscribe",
    "how do I stop these messages?",
    "how do i unsubscribe",
    "can you stop texting me",
    "can you please stop",
    "would you please stop",
    "I said stop",
    "I told you to stop",
    "you need to stop",
    "i want you to stop",
    "not interested",
    "I'm not interested, thanks",
    "wrong number",
    "Wrong person",
    "you have the wrong number",
    "this is not my number",
    "u got the wrong number",
    "I'm not your patient",
    "I withdraw my consent",
    "I revoke my consent",
    "cancel my subscription",
    "cancel these texts",
    "cancel all messages",
    "discontinue these messages",
    "enough with the texts",
    "fuck off",
    "no texts please",
    "please don't message me",
    "stop emailing me",
    "please quit bothering me",
    "stop spamming me",
    "cease and desist",
    "I moved to another clinic. Stop.",
    "STOP I found another doctor",
    "I'm fine now, stop",
    "Hi, please take me off your text list. Thanks, Ann",
    "turn off these texts",
    "i dont want this anymore",
    "dont need these anymore",
    "stop mesages",
    "stop txting me",
    "pls stop txt",
    "I never signed up for this",
    "count me out",
    "nomore texts",
    "leave me be, no more texts",
    "end these messages",
    "yes stop",
    "ok stop",
    "no, stop",
    "STOP you idiots",
    "discontinue",
    "ALTO",
    "alto por favor",
    "BAJA",
    "darme de baja",
    "quiero darme de baja",
    "denme de baja",
    "PARAR",
    "pare",
    "paren por favor",
    "para",
    "cancelar",
    "Cancelar mensajes",
    "cancelar suscripción",
    "basta",
    "¡Basta ya!",
    "ya basta",
    "no más",
    "no mas mensajes",
    "no me manden más mensajes",
    "no me envíen mensajes",
    "no me escriban más",
    "ya no me manden nada",
    "ya no quiero recibir",
    "ya no quiero recibir mensajes",
    "no quiero más mensajes",
    "no quiero recibir esto",
    "no deseo recibir mas textos",
    "dejen de mandarme mensajes",
    "deje de enviarme textos",
    "déjenme en paz",
    "dejenme en paz",
    "paren de escribirme",
    "número equivocado",
    "numero ekivocado equivocado",
    "se equivocó de número",
    "borren mi número",
    "quiten mi numero de la lista",
    "sáquenme de la lista",
    "elimine mi número por favor",
    "no me contacten",
    "no me molesten",
    "no me interesa",
    "detengan los mensajes",
    "quiero cancelar los mensajes",
    "alto a los mensajes",
    "STOP por favor",
    "ya no mas textos gracias",
    "favor de no mandar mensajes",
    "no me mande mensajes",
    "no mandar mas",
    "no texts. no me escriban",
    "cancelen mi suscripcion",
]

UNSURE_STOPS = [
    "top",
    "don't text me before 9am",
    "too many texts",
    "my husband passed away last week",
    "I want to stop",
    "this is spam",
    "don't call me",
    "cancel it",
    "I need to cancel",
    "ya no quiero",
    "please pause these for now",
    "no me manden mensajes de noche",
]

NO_STOPS = [
    "the pain won't stop",
    "I stopped taking ibuprofen",
    "should I stop the exercises?",
    "it hurts when I stop walking",
    "bus stop",
    "no puedo parar de toser",
    "cancel my appointment",
    "end of the day",
    "I want to stop taking the pills",
    "can I stop icing?",
    "when can I stop wearing the brace",
    "please don't stop the messages",
    "did the texts stop?",
    "why did you stop texting me",
    "I don't want to unsubscribe",
    "can't stop coughing",
    "I walk, stop, walk again",
    "The doctor told me to stop taking advil",
    "need to cancel tomorrow's visit",
    "cancelar mi cita",
    "quiero cancelar la cita del lunes",
    "la fiebre baja de noche",
    "presión baja",
    "dolor alto",
    "para el dolor tomo tylenol",
    "thanks for the texts",
    "love these messages",
    "leave it alone?",
    "my phone number changed, call me",
    "yes",
    "no",
    "no thanks",
    "7",
    "how long until the pain ends",
    "I quit smoking",
    "no pain",
    "should I stop?",
    "pain stops at night",
    "please call me",
    "wrong knee hurts now",
    "no more pain!",
    "I can't get your survey to open",
    "remove the bandage?",
    "when do I take off the wrap",
    "the swelling won't go away",
    "The bleeding stopped",
    "I don't want to get an infection",
    "don't worry",
    "what does reply STOP to end mean",
    "no quiero sentir mas dolor",
    "me puedo quitar la venda?",
    "no more swelling",
    "end this week?",
    "it hurts to get off the couch",
    "no me duele",
    "no me molesta la rodilla",
    "stop in for a visit?",
]

NUMBERS: list[tuple[str, int | None]] = [
    ("7", 7),
    ("7/10", 7),
    ("seven", 7),
    ("siete", 7),
    ("about a 6", 6),
    ("6 or 7", 7),
    ("6-7", 7),
    ("it's an 8 today, worse at night", 8),
    ("10 out of 10", 10),
    ("0", 0),
    ("zero", 0),
    ("4", 4),
    ("4.", 4),
    ("Pain: 5", 5),
    ("my pain is 3", 3),
    ("pain level 6 today", 6),
    ("dolor 4", 4),
    ("un 7", 7),
    ("como un 5 hoy", 5),
    ("7 de 10", 7),
    ("ocho", 8),
    ("I'd say a 4", 4),
    ("7️⃣", 7),
    ("🔟", 10),
    ("from 8 to 3", 3),
    ("7.5", 8),
    ("2 today thanks", 2),
    ("between 4 and 5", 5),
    ("７", 7),
    ("around 3", 3),
    ("11", None),
    ("101.5", None),
    ("38.5", None),
    ("555-123-4567", None),
    ("3/4/2026", None),
    ("10:30", None),
    ("at 7pm", None),
    ("took 2 pills", None),
    ("in 3 days", None),
    ("day 3", None),
    ("walked 5 miles", None),
    ("800 mg", None),
    ("39 C", None),
    ("call me after 5", None),
    ("I have 2 questions", None),
    ("no one called", None),
    ("I slept 8 hours", None),
    ("-", None),
]


@pytest.mark.parametrize("body", STOPS)
def test_p3_a_request_to_stop_is_understood_in_any_words(body: str) -> None:
    reading = read(body)
    assert (reading.stop, reading.stop_certain) == (True, True)
    assert reading.meaning is Meaning.STOP


@pytest.mark.parametrize("body", UNSURE_STOPS)
def test_p3_where_it_may_be_a_stop_it_counts_and_says_so(body: str) -> None:
    reading = read(body)
    assert (reading.stop, reading.stop_certain) == (True, False)


@pytest.mark.parametrize("body", NO_STOPS)
def test_other_uses_of_the_words_stop_nothing(body: str) -> None:
    assert not read(body).stop


@pytest.mark.parametrize(
    ("body", "keyword"),
    [
        ("STOP", True),
        (" stop ", True),
        ("Unsubscribe", True),
        ("stop please", False),
        ("stop.", False),
        ("OPT OUT", False),
        ("alto", False),
    ],
)
def test_the_providers_own_keywords_are_told_apart(body: str, keyword: bool) -> None:
    assert read(body).provider_keyword is keyword


@pytest.mark.parametrize(
    ("body", "scope"),
    [
        ("STOP", StopScope.CHANNEL),
        ("stop all", StopScope.ALL),
        ("no more texts or emails", StopScope.ALL),
        ("no more texts", StopScope.TEXTS),
        ("stop emailing me", StopScope.EMAILS),
        ("wrong number", StopScope.WRONG_PERSON),
        ("número equivocado", StopScope.WRONG_PERSON),
        ("what day?", None),
    ],
)
def test_the_scope_of_a_stop(body: str, scope: StopScope | None) -> None:
    assert read(body).stop_scope is scope


@pytest.mark.parametrize(
    "body",
    [
        "START",
        "unstop",
        "Resume",
        "EMPEZAR",
        "iniciar",
        "sign me up again",
        "please start the texts again",
        "quiero volver a recibir mensajes",
        "start texting me again",
    ],
)
def test_a_start_is_asked_for_in_words(body: str) -> None:
    reading = read(body)
    assert reading.start
    assert reading.meaning is Meaning.START


@pytest.mark.parametrize(
    "body",
    [
        "YES",
        "yes",
        "Sí",
        "yes please",
        "y",
        "I start work at 9",
        "when do I start walking?",
        "don't start texting me again",
    ],
)
def test_p3_a_yes_never_brings_messages_back(body: str) -> None:
    assert not read(body).start


@pytest.mark.parametrize(
    ("body", "meaning"),
    [
        ("HELP", Meaning.HELP),
        ("info", Meaning.HELP),
        ("Ayuda", Meaning.HELP),
        ("help please", Meaning.HELP),
        ("help me my knee", Meaning.WORDS),
        ("ACK", Meaning.ACK),
        ("ack 1234", Meaning.ACK),
        ("Ack.", Meaning.ACK),
        ("got it", Meaning.ACK),
        ("I got it wet", Meaning.WORDS),
        ("yes", Meaning.YES),
        ("Sí", Meaning.YES),
        ("👍", Meaning.YES),
        ("no", Meaning.NO),
        ("nope", Meaning.NO),
        ("no thanks", Meaning.NO),
        ("thank you so much", Meaning.COURTESY),
        ("gracias", Meaning.COURTESY),
        ("", Meaning.EMPTY),
        ("  \n", Meaning.EMPTY),
        ("what time do you open", Meaning.WORDS),
        ("🙂", Meaning.WORDS),
        ("Liked “Reply STOP to end. Fever? Call us”", Meaning.EMPTY),
        ("Le encanta “¿Fiebre? Llame ya al 202-555-0100. STOP: fin”", Meaning.EMPTY),
        ("\u200b👍\u200b to “\u200aFever? Call 202-555-0100 now. STOP to end\u200a”", Meaning.EMPTY),
        ("👍 a “¿Fiebre? Llame ya al 202-555-0100. STOP: fin”", Meaning.EMPTY),
        ("Removed 👍 from “Fever? Call 202-555-0100 now. STOP to end”", Meaning.EMPTY),
        ("Loved “the visit” but chest pain now", Meaning.RED_FLAG),
        ("> Reply STOP to end", Meaning.EMPTY),
    ],
)
def test_short_replies(body: str, meaning: Meaning) -> None:
    assert read(body).meaning is meaning


def test_our_own_texts_say_stop_only_as_the_reader_knows_it() -> None:
    files = (file for folder in ("protocols", "messages") for file in (TEMPLATES / folder).glob("*.yaml"))
    shipped = (line for file in files for line in file.read_text("utf-8").splitlines())
    said = {match[0] for line in shipped for match in re.finditer(r"\bSTOP\b.*", line)}
    assert said
    assert {sentences(words)[0].words for words in said} == set(STOP_LINES)


@pytest.mark.parametrize(("body", "number"), NUMBERS)
def test_a_pain_score_is_told_from_other_numbers(body: str, number: int | None) -> None:
    assert read(body).number == number


@pytest.mark.parametrize(
    ("body", "unsure"), [("6 or 7", True), ("6-7", True), ("7.5", True), ("7", False), ("8/10", False)]
)
def test_two_scores_give_the_higher_and_say_so(body: str, unsure: bool) -> None:
    assert read(body).number_unsure is unsure


def test_words_beside_a_score_are_kept() -> None:
    assert read("it's an 8 today, worse at night").words == "it's an 8 today, worse at night"


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ("Yes, it is", True),
        ("No, not yet", False),
        ("no fever", None),
        ("si, claro", True),
        ("4", None),
        ("si duele", None),
    ],
)
def test_an_answer_at_the_front(body: str, answer: bool | None) -> None:
    assert read(body).yes_no is answer


@pytest.mark.parametrize(
    ("body", "language"),
    [
        ("my knee hurts", "en"),
        ("me duele la rodilla", "es"),
        ("7", None),
        ("🛑", None),
        ("no quiero más mensajes", "es"),
    ],
)
def test_language(body: str, language: str | None) -> None:
    assert read(body).language == language


def test_a_stop_and_a_red_flag_are_both_reported() -> None:
    reading = read("STOP. I can't breathe")
    assert reading.meaning is Meaning.RED_FLAG
    assert reading.stop
    assert reading.red_flags == (RedFlag.BREATHING,)


QUOTED = """\
{own}

On Mon, Mar 2, 2026 at 9:30 AM Hill Clinic <care@hill.example>
wrote:

> Fever, or pain that keeps growing? Call 555-0100 now. STOP to end
> Hard to breathe, faint or newly weak? Call 911 now.
"""
OUTLOOK = """\
{own}

________________________________
From: Hill Clinic <care@hill.example>
Sent: Monday, March 2, 2026
Subject: Your check-in

Fever? Call us. STOP to end
"""
SPANISH = (
    "{own}\n\nEl lun, 2 mar 2026 a las 9:30, Hill Clinic (<care@hill.example>) escribió:\n> ¿Fiebre? Llame. STOP: fin\n"
)


@pytest.mark.parametrize("wrapper", [QUOTED, OUTLOOK, SPANISH])
def test_quoted_history_and_signatures_are_not_the_patients_words(wrapper: str) -> None:
    assert (
        read(wrapper.format(own="All good, thanks")).meaning is Meaning.COURTESY
        or read(wrapper.format(own="All good, thanks")).meaning is Meaning.WORDS
    )
    assert read(wrapper.format(own="stop")).meaning is Meaning.STOP
    assert read(wrapper.format(own="I have a fever\n\n-- \nAnn Lee\nStop & Shop")).red_flags == (RedFlag.FEVER,)
    assert read(wrapper.format(own="4")).number == 4


def test_a_reply_below_the_quotation_is_read() -> None:
    assert read("On Mon, Mar 2, 2026 Hill Clinic wrote:\n> How are you? STOP to end\n\nI can't breathe").red_flags == (
        RedFlag.BREATHING,
    )


def test_a_wrapped_line_does_not_cut_off_its_no() -> None:
    assert (
        read("Hello, just to let you know that so far I have had absolutely no\nfever or any redness.").red_flags == ()
    )


keyword_bodies = st.sampled_from(
    ["stop", "unsubscribe", "alto", "basta", "opt out", "no más mensajes", "déjenme en paz", "leave me alone"]
)


@given(
    keyword_bodies,
    st.sampled_from([str.upper, str.lower, str.title, str.capitalize]),
    st.sampled_from(["", "!", "...", "!!!", ".", " 🙏", " 😡😡", "\n", " ", "\u200b", "\ufeff", '"']),
    st.sampled_from(["", " ", "\n", "“", "🛑 ", "(", "\u2063"]),
)
def test_p3_decoration_never_hides_a_stop(body: str, case: Callable[[str], str], after: str, before: str) -> None:
    assert read(before + case(body) + after).stop


@given(st.sampled_from(STOPS))
def test_p3_accents_never_matter_to_a_stop(body: str) -> None:
    assert read(body.translate(str.maketrans("áéíóúÁÉÍÓÚñ", "aeiouAEIOUn"))).stop


@given(st.text(max_size=400))
def test_any_text_can_be_read(body: str) -> None:
    read(body)


@given(
    st.lists(
        st.sampled_from(
            [
                "no",
                "not",
                "stop",
                "fever",
                ",",
                ".",
                "?",
                ":",
                ";",
                "7",
                "7/10",
                "101.5",
                "38,5",
                "can't",
                "breathe",
                "sin",
                "or",
                "and",
                "from",
                "to",
                "a",
                "\n",
                ">",
                "On",
                "wrote:",
                "1/2",
                "me",
            ]
        ),
        max_size=60,
    )
)
def test_any_mixture_of_meaningful_words_can_be_read(words: list[str]) -> None:
    read(" ".join(words))


def test_reading_is_quick_even_for_long_mail() -> None:
    """Half a millisecond of processor time a text in practice; the limits leave room for a slower machine."""
    body = "Hi, it's an 8 today and worse at night, but no fever or chills and the redness is gone. Thanks so much"
    read(body)
    assert min(_seconds(body) for _ in range(20)) < 0.004
    for long in (
        "no fever or " * 9000,
        "a" * 100_000,
        "> " * 50_000,
        "On " * 33_000,
        "stop the the the " * 6000,
        "\n" * 100_000,
    ):
        assert min(_seconds(long) for _ in range(2)) < 0.8


def _seconds(body: str) -> float:
    begun = time.process_time()
    read(body)
    return time.process_time() - begun
