"""The words that a misspelt one may be meant for: those on which a warning sign or an opt-out hangs."""

from __future__ import annotations

from service.care.phrases import word_set

TARGETS: frozenset[str] = word_set(
    "breath breathe breathing breaths respirar respiracion respiro chest pecho tight tightness pressure heart "
    "attack swollen swelling swelled throat tongue lips hinchado hinchada hinchazon inflamado inflamada garganta "
    "lengua swallow swallowing tragar fainted fainting faint passed blacked unconscious consciousness collapsed "
    "desmaye desmayo desmayar desmayado conocimiento weakness paralyzed slurred debilidad debil fuerza urinate "
    "urinating urine orinar bladder bowel bowels incontinence vejiga control suicide suicidal suicidarme suicidio "
    "matarme myself morirme ambulance hospital emergency ambulancia emergencia fever feverish chills shivering "
    "temperature fiebre calentura escalofrios temperatura redness streaks spreading warmth enrojecido enrojecida "
    "caliente drainage draining discharge oozing infected infection yellow infeccion infectado infectada "
    "supurando liquido amarillo straighten walking weight caminar mover moverme apoyar levantar levantarme "
    "headache headaches migraine standing upright cabeza calves pantorrilla clot numbness tingling hormigueo "
    "adormecido adormecida entumecido entumecida dormida hives rash allergic reaction ronchas sarpullido alergica "
    "bleeding sangrando excruciating unbearable severe terrible horrible worse worst getting insoportable dolor "
    "empeorando empeora duele pain difficulty difficult trouble problems dificultad cuesta cant couldnt dont "
    "doesnt without breathless gasping choking wheezing numb shortness stiff rodilla injection swell pierna "
    "vomiting suffocating ahogando asfixiando fuerte muchisimo unsubscribe optout messages message texts texting "
    "sending contact remove number please cancel cancelar mensajes mensaje enviar envien manden recibir "
    "suscripcion quiero dejen anymore receive wrong equivocado numero leave alone stop subscription consent "
    "interested basta unsubscribed contacting bothering messaging"
)

ORDINARY: frozenset[str] = word_set("esperando paining")
"""Words in their own right that lie one slip from a target, besides those that frequency lists showed."""
