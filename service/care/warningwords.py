"""Classes of words that the phrases of warning signs are made of, English and Spanish together.

A patient mixes both in one sentence, so a class holds both.
"""

from __future__ import annotations

SETS: dict[str, str] = {
    "cant": "nopuedo cant couldnt",
    "hard": (
        "hard harder difficult difficulty difficulties trouble troubles troubled problem problems struggling "
        "struggle struggles tough labored laboured issues issue strain"
    ),
    "breath": "respirar respiro respiracion breath breathe breathing breaths breathes breathin inhale inhaling",
    "hurt": (
        "stab stabs knife doler duele duelen dolor hurt hurts hurting pain pains painful ache aches aching sharp "
        "stabbing burning burns stings"
    ),
    "swell": (
        "swole hinchado hinchada hinchados hinchadas hincha hinchan hincho inflamado inflamada inflamados inflamadas "
        "inflamo swollen swelling swelled swells swell puffy puffed puffing ballooned"
    ),
    "face": (
        "jaw cara rostro labio labios lengua garganta parpado parpados boca ojo ojos cachete cachetes mejilla face "
        "facial lip lips tongue throat eyelid eyelids eye eyes mouth cheek cheeks airway"
    ),
    "hincha": (
        "hinchado hinchada hinchados hinchadas hincha hinchan hincho hinchando hinchazon inflamado inflamada "
        "inflamados inflamadas inflama inflamo inflamando inflamacion inchado inchada inchados inchadas inchazon "
        "incha incho inchando inflamandose hinchandose"
    ),
    "cara": "cara rostro labio labios lengua garganta parpado parpados boca ojo ojos cachete cachetes mejilla mejillas",
    "urine": "pee peeing pees urinate urinating urine poop pooping piss pissing wee bladder bowel bowels stool stools",
    "limb": (
        "brazo brazos pierna piernas mano manos pie pies dedo dedos pinky thumb wrist ankle hombro shoulder arm arms "
        "leg legs hand hands foot feet side finger fingers toe toes thigh thighs knee face"
    ),
    "brazo": "brazo brazos pierna piernas mano manos pie pies dedo dedos muslo muslos rodilla lado cara cuerpo",
    "place": (
        "rodilla codo hombro piel sitio inyeccion tobillo muneca espalda pierna brazo piquete shin calf thigh "
        "forearm heel knee knees elbow shoulder skin area site spot spots injection joint hip ankle wrist back leg "
        "arm foot puncture wound neck it hand thumb sites"
    ),
    "lugar": (
        "rodilla codo hombro piel area zona sitio inyeccion articulacion cadera tobillo muneca espalda pierna brazo "
        "pie lugar herida cuello mano parte inyecciones"
    ),
    "red": "pink pinkish blotch blotchy blotches rojo roja rojos rojas colorado colorada red redder reddish reddened",
    "rojo": "rojo roja rojos rojas rojizo rojiza colorado colorada enrojecido enrojecida enrojecidos enrojecidas",
    "dolor": "dolor dolores duele duelen dolia doliendo punzada punzadas ardor molestia",
    "calf": "pantorrilla pantorrillas chamorro batata batatas gemelo calf calves calfs",
    "pantorrilla": "pantorrilla pantorrillas chamorro gemelo gemelos",
    "move": (
        "mover moverme caminar pisar doblar levantar apoyar pararme move bend straighten walk stand step flex rotate"
    ),
    "mover": (
        "mover moverme moverlo moverla moverse caminar andar apoyar apoyarme apoyarlo doblar doblarla doblarlo "
        "estirar estirarla levantarme pararme pisar girar flexionar ponerme levantar alzar"
    ),
    "worse": "worse worsening stronger unbearable",
    "big": (
        "huge bigger big fat fatter thick enormous giant giants massive gorda gordo gordos gordas grande grandes "
        "enorme enormes doubled ballooned balloon balloons globo shiny"
    ),
    "grow": (
        "spread spreads spreading creep creeps creeping crept grow grows growing grew bigger larger wider crawling "
        "extending expanding expands moving climbing traveling doubled twice extiende extendiendo extendio creciendo "
        "crece crecio subiendo sube avanza avanzando corre corriendo increasing"
    ),
    "dark": "dark black blurry fuzzy gray grey negro nublo oscuro oscurecio",
    "ground": "floor ground pavement tile tiles carpet sidewalk piso suelo",
    "dressing": (
        "bandage bandages bandaid bandaids dressing dressings gauze shirt sock sheets sheet pillowcase pants venda "
        "vendaje gasa curita ropa camisa sabana pantalon"
    ),
    "stuff": (
        "fluid liquid stuff goo goop gunk pus yellow yellowish green greenish brown brownish cloudy gooey slime "
        "slimy crust crusty ooze oozing liquido liquidito materia aguita amarillo amarilla verde verdoso"
    ),
    "itch": "itchy itching itch itches pica pican picazon comezon picor rasquera splotchy scratching",
    "bumps": "bumps bumpy patches spots blotches blotchy dots welts granitos granos puntitos puntos manchas bolitas",
    "everywhere": "everywhere body arms legs cuerpo todos todas todo toda barriga panza brazos piernas",
    "meds": (
        "meds medicine medication medicines pills pill tylenol advil ibuprofen tramadol norco percocet medicina "
        "medicinas pastillas"
    ),
    "upset": "splits split splitting explode explodes exploding pounds pounding throbs throbbing revienta explota late",
    "life": "life living vida vivir",
}
