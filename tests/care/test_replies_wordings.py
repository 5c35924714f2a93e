"""P3 and P9 on wordings first used to measure the rules, then used to mend them; kept so that none is lost again."""

from __future__ import annotations

import pytest

from service.care.redflags import RedFlag
from service.care.replies import read

STOPS = """\
Stop these messages immediately
I would like to be removed from this service
Kindly discontinue sending these
enough already
Quit it
This is the wrong person, my name is Dave
Please take my name off
I do not wish to get these texts
no longer interested
I am done with your texts
plz stop txtin
Stopppp
UNSUB
I'm opting out
how can I get off this list
don't bother me
Will you please quit sending me messages
no more surveys
Stop asking me questions
stop all messages to this phone
take me out of the system
please cancel messages
I want off this list
You're texting the wrong guy
I don't know who this is, stop texting
unsubscribe from all
please delete my info
STOP thank u
Please stop, I got a new doctor
sick of these texts, stop
would like to cancel text messages
end it
don't send anything else
not my phone
please no more msgs
ya dejen de molestar
Favor de cancelar
no quiero que me escriban
quítenme de su lista por favor
Ya párenle con los mensajes
me quiero dar de baja
no me textees
alto ya
ya no me envien textos
dejeme en paz
no gracias, no me manden nada
este numero no es de Maria
salir de la lista
Deseo cancelar la suscripcion
no quiero estos mensajes
cancelar por favor
Ya no me interesa recibir esto
por favor ya no
stop porfa
stop mandando mensajes
STOPP sending
remove this number from your database
block
I don't consent to this
dnt txt me
dont msg me agn
do not send me texts
Stop, stop, stop!!
stop; thanks
can u stop
i am asking you to stop
I didn't ask for these messages
Who is this? Wrong #
Wrong num
discontinue texts
Please unenroll me
get me off this
Texts need to stop
stop the texts
no msgs
opt me out plz
please opt-out
Please remove us
Not interested anymore
quit
FIN
cancela
Get my number out of your system
I keep getting these. Please end them.
Do not send me anymore of these
Enough!
i wish to stop getting msgs
Remove 555-0100 from texts
Tell them to stop texting me
Stop sending me these stupid surveys
I dont need to be texted every day, stop
no need to text me
Please dont contact me any longer
I'd rather not get these messages
Quit sending this crap
These are annoying please stop
My treatment is over you can stop texting
Unsubscirbe
unsubscrbe plz
stop bothering me!!!
Dont write me again
stp txting me
Please discontinue my text alerts
Stop all communications
delete me from your contacts
i didnt authorize this
How can I make these texts stop?
im good, no more messages
Stop. Wrong number.
You have reached the wrong person
there is no Linda here
nobody by that name
this phone doesnt belong to Robert
I'm not Robert
new phone who dis
opt out of texts
Opting out now
turn off notifications please
No contact
please leave me alone
Knock it off
lay off the texts
bye, unsubscribe
ya no me escriba por favor
no quiero que me manden mensajes
quiero dejar de recibir mensajes
me pueden dar de baja?
ya no necesito los mensajes
cancelar mensajes por favor
no manden más encuestas
por favor quíteme de la lista
no autorizo que me contacten
número incorrecto
aquí no vive esa persona
yo no soy Pedro
deje de mandar mensajes
déjeme tranquilo
no me hablen
basta de mensajes
ALTO!!
stop los mensajes
no more mensajes please
Detener
suspender mensajes
no me vuelvan a escribir
eliminen mi contacto
parar de enviar
remover
bórrenme
ya no gracias
Stop sending me stuff
STOP STOP
Please halt all texts
I don't want these text messages anymore, thanks
Can you take me off this
I wanna opt out
optout pls
please end texts
quit it with the messages
stop w the texts
I want these to end
remove from list
Not interested in these
do not message
Unsuscribe
un subscribe
un-subscribe me
cancel text alerts
Don't text this number
No more! Please
I'd like you to stop contacting me
ok thats enough texts
stop this nonsense
Leave me the hell alone
take my cell off your list
Wrong # sorry
wrong phone number
not the right person
U have the wrong person
Stop Stop!! 😡
sTOp
s t o p please
End messages
i am opting-out of this program
I revoke permission to text me
please do not email me again
Stop it now
Don't ever text me again
stop. i'm feeling better
i'm all better so you can stop
NO MORE
cease
dar de baja
Baja por favor
Alto, ya no mensajes
No me mandes nada mas
ya no manden mensajes porfa
No deseo más mensajes
Quiero que me quiten de la lista
por favor dejen de escribirme
paren ya
cancele los textos
no mas textos x favor
NO QUIERO MAS
por favor no me envie mas
no me interesa, gracias
Equivocado
numero equivocado amigo
Stop mensajes
deténganse
Terminar
no quiero recibir nada
borre mi numero de su sistema
que ya no me escriban
I'm asking nicely, no more of these messages
Please cease all communication
stop all of this texting
quit bugging me
I do not give permission to contact me
Take me off of this texting thing
STOP SENDING ME MESSAGES
You texted the wrong person
remove this phone number please
Do not text this number again!
don't need these texts
I want to be taken off
stop notifications
no texting please
i never agreed to get texts
no thanks, unsubscribe
please stop these annoying texts
Opt - out
unsubscribe!!!!
StOp
end please
cancel my texts
not interested stop
wrong number bro
Please stop texting my phone
You can stop sending these now
Thanks but no more texts
I'd prefer you didn't text me
texts off
stop reminders
ya no quiero mensajes
por favor no más mensajes
deje de mandarme textos
Quiero cancelar
alto a los textos
no me envíe más
Me equivoqué de numero, no soy paciente
no quiero recibir mas encuestas
dame de baja por favor
Paren
no me manden
cancela todo
me quiero salir
elimíname de la lista
please stop contacting me I already recovered
make it so I don't get these
Would you quit it with these texts
i need you to stop
unsubscribe my number
do not contact me again please
no longer wish to receive these
Stop plz 🙏🙏
I don't wanna get texts
opt me out of everything
these messages are unwanted
why do you keep texting me? stop
stop, wrong number
I asked you to stop yesterday
remove me pls
cancel texting
ENOUGH WITH THE MESSAGES
Block this number
not my number anymore
I'm not the patient
dont send
I am revoking consent
can I unsubscribe?
please take me off texts
ya no me mandes mensajes
no me escriba
quiero que dejen de mandarme mensajes
cancelar todo
baja de mensajes
Basta por favor
quiten mi telefono
no deseo seguir recibiendo mensajes
persona equivocada
paren los textos
no mas
"""
NO_STOPS = """\
Does the pain ever stop?
I had to stop at the store
Can I quit wearing the brace now?
when can I end the icing
I canceled my gym membership
I'd like to cancel my visit on Friday
how do I remove the bandage
Non-stop aching
my pain won't quit
should I stop my blood thinner
Will it stop hurting soon
I couldn't stop shaking
no more pain thank you
don't know
not really
I'm done with the survey
what happens if I stop moving it
la molestia no para
quiero cancelar mi cita de mañana
dónde hago la cita
terminé la encuesta
no para de doler
fin de semana libre?
ya no me duele
baja un poco el dolor
puedo parar los ejercicios?
Left knee is better, right is not
please send me the survey again
text me when my appointment is ready
link doesn't open
can you call me
I don't want surgery
I don't need a refill
no need to call
remove the tape?
end of week ok?
the number is wrong on my bill
thanks for checking on me
I am not stopping my walks
is it ok to quit physical therapy
the doctor removed the bandage
can you remove me from the waitlist for Tuesday?
No more tylenol left
I want to end this pain
please send more info
how do I cancel my next visit
I'd like to stop the brace
pain is not stopping me
I no longer have pain
I dont want to do the exercises
not now
don't know what you mean
never better!
no problem
no entiendo
no quiero operarme
cuando termino el tratamiento?
me quité la venda
dejé de tomar ibuprofeno
quiero cambiar mi cita
puedo quitarme la faja?
ya no tengo dolor
Baja la hinchazón con hielo?
ok, will stop by tomorrow
wrong leg? no it's the left one
I have no number to call
you can text me anytime
I got your message thanks
finished the survey
can't find the survey
please text me the address
my back won't stop aching
stopped bleeding
stop light near the clinic
Can we cancel Thursday?
please remove my stitches soon
no contact sports right?
how do I end up with bruises
is it bad if I quit icing
what number do I call
I don't want to take pills
no me pare bien de la silla
me quiero quitar el yeso
me paré muy rápido y me dolió
no quiero pastillas
gracias por el mensaje
el mensaje no abre
baja la fiebre?
this message is for Dr Kim
done!
I am not able to make it
I'm not Sure
sorry, wrong answer, I meant 6
leave it wrapped?
can I opt for the other knee
list of exercises please
who is this
can I get off the couch
Do I stop the aspirin before?
last text was cut off
text didn't come through
when will the pain stop
it stops hurting when I rest
stop and go traffic made it sore
can you cancel and rebook me
I'll end therapy next week
I'm quitting coffee
remove the splint at night?
can't get comfortable
no change
no sé
no mucho
baja de peso ayuda?
paré de correr
terminé mis ejercicios
cancelé la cita de ayer
numb? no
text back please
did you get my message
I sent a message yesterday
want to take off the sling
no texts came yesterday
when do I stop the meds
ice doesn't stop the swelling
I ended up walking a mile
off work today
can you send me another text later
want to go out
lost the message
is the text about ice or heat
need to get out more
no medicine
ya no camino mal
quiero salir a caminar
cancelo mi cita mañana
la baja es por enfermedad
"""
WARNING_SIGNS = """\
breathing|I feel like I can't get a breath in
breathing|it's getting hard to breath
breathing|im wheezing
breathing|out of breath just sitting here
breathing|hard time catching breath
breathing|sharp pain every time I inhale
breathing|struggling for air
breathing|I cant brethe
breathing|no alcanzo a respirar
breathing|siento falta de aire
breathing|batallo para respirar
breathing|me duele al respirar
breathing|respiro con dificultad
breathing|me quedo sin aliento
breathing|no me entra el aire
chest_pain|chest is killing me
chest_pain|tightness across my chest
chest_pain|my chest hurt when I cough
chest_pain|think im having a heart attack
chest_pain|siento opresión en el pecho
chest_pain|punzadas en el pecho
chest_pain|me aprieta el pecho
chest_pain|ches pain
face_or_throat_swelling|my face is swelling up
face_or_throat_swelling|throat feels like its closing
face_or_throat_swelling|eyelids swollen shut
face_or_throat_swelling|lips are huge and tingly
face_or_throat_swelling|tengo los labios hinchados
face_or_throat_swelling|la cara hinchada y ojos también
face_or_throat_swelling|se me cierra la garganta
fainting|almost passed out getting up
fainting|lost consciousness for a minute
fainting|I'm about to faint
fainting|me sentí que me desmayaba
fainting|perdí la conciencia
new_weakness|my arm has gone limp
new_weakness|can barely hold a cup, my hand is so weak
new_weakness|legs keep giving out
new_weakness|I have no strength in my right leg
new_weakness|se me doblan las piernas
new_weakness|perdí fuerza en el brazo
bladder_or_bowel|having trouble peeing
bladder_or_bowel|I peed myself
bladder_or_bowel|havent been able to urinate
bladder_or_bowel|can't hold my urine
bladder_or_bowel|no bowel control
bladder_or_bowel|me hago pipí encima sin querer
bladder_or_bowel|no he podido orinar en todo el día
bladder_or_bowel|se me sale la orina
fever_with_stiff_neck|high fever & stiff neck
fever_with_stiff_neck|fiebre con rigidez de cuello
self_harm|I'm feeling suicidal
self_harm|I just want to end it all
self_harm|I don't want to be here anymore
self_harm|no quiero seguir viviendo
self_harm|me quiero matar
self_harm|thinking of hurting myself
fever|temperature of 101.2
fever|my temp's 102
fever|feverish and achy
fever|shivering and can't get warm
fever|I think I have a temp
fever|running 101 fever
fever|fever's back
fever|fever came back last night
fever|me dio fiebre
fever|amanecí con calentura
fever|39 grados
fever|tengo escalofrios y sudor
fever|no fever yesterday but 102 today
fever|la fiebre sigue
fever|I can't get my fever to go down
fever|tylenol isn't helping the fever
spreading_redness_or_heat|area is really red and feels hot
spreading_redness_or_heat|the red area is getting bigger
spreading_redness_or_heat|it's red and warm around the shot
spreading_redness_or_heat|hot to touch and swollen
spreading_redness_or_heat|se puso rojo alrededor de la inyección
spreading_redness_or_heat|la piel está caliente y colorada
spreading_redness_or_heat|bright red skin
pus|green stuff coming out of the needle hole
pus|it's draining something yellowish
pus|wound smells bad
pus|está supurando
pus|me sale materia
pus|looks infected to me
cannot_move_or_bear_weight|can't bear weight on my ankle
cannot_move_or_bear_weight|I am unable to walk at all
cannot_move_or_bear_weight|can't stand on that leg
cannot_move_or_bear_weight|my knee won't bend
cannot_move_or_bear_weight|shoulder is frozen
cannot_move_or_bear_weight|can't get out of bed
cannot_move_or_bear_weight|no puedo doblar la rodilla
cannot_move_or_bear_weight|no puedo pararme
cannot_move_or_bear_weight|no puedo ni caminar
headache_worse_upright|terrible headache when sitting up, gone lying flat
headache_worse_upright|headache that gets bad upright
headache_worse_upright|el dolor de cabeza empeora de pie
calf_pain_or_swelling|calf is swollen and sore
calf_pain_or_swelling|cramping pain in my left calf
calf_pain_or_swelling|my lower leg is swollen
calf_pain_or_swelling|pantorrilla inflamada
numbness|fingers went numb
numbness|no feeling in my foot
numbness|tingling down my leg
numbness|lost sensation in my hand
numbness|tengo adormecida la pierna
numbness|se me duerme la mano
hives|hives on my arms
hives|itchy bumps all over
hives|me salieron ronchas en los brazos
hives|sarpullido
severe_or_growing_pain|I'm in so much pain
severe_or_growing_pain|pain is through the roof
severe_or_growing_pain|worst headache I've ever had
severe_or_growing_pain|pain keeps increasing
severe_or_growing_pain|hurting worse every day
severe_or_growing_pain|its getting worse and worse
severe_or_growing_pain|I can't stand the pain
severe_or_growing_pain|I am in agony
severe_or_growing_pain|me duele muchísimo
severe_or_growing_pain|dolor insoportable
severe_or_growing_pain|cada día peor
severe_or_growing_pain|ya no aguanto
severe_or_growing_pain|sigue empeorando
breathing|each breath hurts
breathing|I get winded just talking
breathing|I'm having trouble getting air
breathing|cannot take a full breath
breathing|i cant breath good
breathing|breathing is difficult today
breathing|I feel breathless
breathing|tengo falta de aire
breathing|siento que me falta el aire al caminar
breathing|no puedo tomar aire
breathing|respirar me duele
breathing|me estoy ahogando
breathing|shortnes of breth
breathing|feels like my lung collapsed
chest_pain|pain in chest
chest_pain|sharp chest pains on left side
chest_pain|my chest is heavy
chest_pain|chest tightness
chest_pain|some pressure in my chest since this am
chest_pain|dolor fuerte en el pecho
chest_pain|el pecho me aprieta
chest_pain|chest discomfort
face_or_throat_swelling|face is swollen
face_or_throat_swelling|lip swelling
face_or_throat_swelling|my throat is getting tight
face_or_throat_swelling|throat swelled
face_or_throat_swelling|hinchazón de cara
face_or_throat_swelling|la lengua inflamada
face_or_throat_swelling|mis ojos están hinchados
fainting|i fell unconscious
fainting|my wife says I passed out
fainting|nearly blacked out in the car
fainting|siento que me voy a desmayar
fainting|se desmayó mi mamá
new_weakness|sudden weakness in both legs
new_weakness|can't grip anything with my right hand
new_weakness|legs too weak to stand
new_weakness|me siento débil de las piernas
new_weakness|my hand keeps dropping stuff
bladder_or_bowel|unable to urinate
bladder_or_bowel|can't control my pee
bladder_or_bowel|lost bowel control this morning
bladder_or_bowel|it's hard to pee
bladder_or_bowel|no puedo controlar la orina
bladder_or_bowel|perdí el control de esfínteres
fever_with_stiff_neck|102 fever and can't bend my neck
fever_with_stiff_neck|calentura y cuello rígido
self_harm|I can't go on like this, want to die
self_harm|thoughts of suicide
self_harm|going to kill my self
self_harm|pienso en quitarme la vida
fever|woke up with a fever
fever|I've got a fever of 100.9
fever|101.3 temp
fever|temperature 38.2
fever|Temp: 102.1
fever|Fever since yesterday
fever|feaver
fever|low grade fever
fever|have chills
fever|tuve fiebre anoche
fever|traigo temperatura
fever|tengo 39 de temperatura
fever|mucha fiebre
fever|siento escalofrio
fever|no pain but fever
fever|I took tylenol for fever, no help
fever|I don't know why but I have a fever
fever|not better, fever 102
spreading_redness_or_heat|red line moving up my leg
spreading_redness_or_heat|skin is red
spreading_redness_or_heat|the injection site feels hot
spreading_redness_or_heat|redness and swelling getting bigger
spreading_redness_or_heat|very red around the needle spot
spreading_redness_or_heat|está muy rojo donde me inyectaron
spreading_redness_or_heat|siento caliente la rodilla
spreading_redness_or_heat|rojez
pus|pus
pus|fluid coming from injection site
pus|smelly discharge
pus|is it infected? looks gross
pus|tengo una infección
pus|le está saliendo pus
pus|sale agua amarilla de la herida
cannot_move_or_bear_weight|can't move my arm
cannot_move_or_bear_weight|I can't bend it
cannot_move_or_bear_weight|cant put weight on my leg
cannot_move_or_bear_weight|couldn't get up this morning
cannot_move_or_bear_weight|can not walk
cannot_move_or_bear_weight|no puedo levantarme de la cama
cannot_move_or_bear_weight|no puedo estirar la pierna
cannot_move_or_bear_weight|no aguanta mi peso
headache_worse_upright|headache only when I'm upright
headache_worse_upright|my head hurts when i stand but better laying down
headache_worse_upright|dolor de cabeza cuando me siento
calf_pain_or_swelling|calf pain
calf_pain_or_swelling|left calf swollen and warm
calf_pain_or_swelling|dolor en la pantorrilla
calf_pain_or_swelling|hinchazón en la pierna
numbness|numb toes
numbness|my arm fell asleep and won't wake up
numbness|my leg has gone numb
numbness|numness in foot
numbness|tengo el pie dormido
numbness|no siento los dedos
hives|rash on my chest
hives|hives everywhere
hives|tengo urticaria
hives|alergic reaction
severe_or_growing_pain|severe pain
severe_or_growing_pain|pain has gotten a lot worse
severe_or_growing_pain|the worst pain ever
severe_or_growing_pain|it hurts so bad
severe_or_growing_pain|I'm crying in pain
severe_or_growing_pain|it's worse than yesterday
severe_or_growing_pain|dolor muy fuerte
severe_or_growing_pain|no soporto el dolor
severe_or_growing_pain|el dolor va en aumento
severe_or_growing_pain|me duele demasiado
breathing|I'm panting and can't breathe right
breathing|my breath is short
breathing|breathing hurts
breathing|I wake up gasping for air
breathing|cannot breath
breathing|se me dificulta respirar
breathing|no puedo respirar hondo
breathing|ando sin aire
chest_pain|chest hurts bad
chest_pain|Hurting in my chest
chest_pain|stabbing pain in the chest
chest_pain|mucha presión en el pecho
chest_pain|dolor en mi pecho
face_or_throat_swelling|swollen lips
face_or_throat_swelling|face swelling
face_or_throat_swelling|throat closing
face_or_throat_swelling|cara hinchada
face_or_throat_swelling|se me inflamó la boca
fainting|Fainted
fainting|passing out when I stand
fainting|desmayo
fainting|I lost conciousness
new_weakness|weakness in leg
new_weakness|my right leg keeps buckling
new_weakness|muscle weakness
new_weakness|pierna sin fuerza
bladder_or_bowel|can't urinate
bladder_or_bowel|pooped myself
bladder_or_bowel|leaking urine
bladder_or_bowel|no puedo hacer del baño
fever_with_stiff_neck|Neck is stiff and I have a fever
self_harm|suicidal thoughts
self_harm|I want to hurt myself
fever|temp of 39.1 C
fever|my fever is 103
fever|feverish
fever|having chills and sweating
fever|fiebre alta
fever|con fiebre y dolor
fever|escalofrios
fever|I feel feverish tonight
fever|fever wont break
fever|the fever came back
spreading_redness_or_heat|getting redder
spreading_redness_or_heat|red and swollen and hot
spreading_redness_or_heat|red streak
spreading_redness_or_heat|rojo e hinchado
spreading_redness_or_heat|está caliente la rodilla
pus|pus from site
pus|looks like an infection
pus|drainage
pus|sale pus
cannot_move_or_bear_weight|can't bend my elbow
cannot_move_or_bear_weight|unable to bear weight
cannot_move_or_bear_weight|I can barely walk
cannot_move_or_bear_weight|no puedo mover la pierna
headache_worse_upright|headache worse standing up
headache_worse_upright|when I sit up my head hurts a lot
calf_pain_or_swelling|calf is tender and swollen
calf_pain_or_swelling|pantorrilla hinchada
numbness|numb hand
numbness|I have numbness
numbness|se me duerme el brazo
hives|itchy hives
hives|ronchas por todo el cuerpo
severe_or_growing_pain|pain is worse than ever
severe_or_growing_pain|intense pain
severe_or_growing_pain|can't stand this pain
severe_or_growing_pain|el dolor aumenta
severe_or_growing_pain|cada vez peor
severe_or_growing_pain|dolor terrible
fever|fevers at night
breathing|breathng problems
breathing|me siento sin aire
chest_pain|chest really hurts
fainting|fainted at work
numbness|feet tingling
face_or_throat_swelling|my eye is swollen shut
cannot_move_or_bear_weight|can't walk on it
new_weakness|left hand is weak
spreading_redness_or_heat|red and warm
pus|it is leaking pus
bladder_or_bowel|cant pee at all
calf_pain_or_swelling|sore swollen calf
severe_or_growing_pain|extreme pain
hives|welts on my back
self_harm|i might hurt myself
fever|I feel hot, thermometer says 101
fever|temp was 99 now 102
breathing|difficult to breathe when lying down
spreading_redness_or_heat|skin hot around injection
cannot_move_or_bear_weight|can't straighten my leg
fever|fiebre desde ayer
severe_or_growing_pain|me está matando el dolor
numbness|pierna adormecida
fainting|me mareé y me desmayé
"""
NOTHING_WRONG = """\
No fever or anything like that
I have no chest pain or shortness of breath
negative for fever
Didn't have chills
there is no redness around it
not having any numbness
my fever is gone now
the swelling went down
I had chest pain years ago, not now
no, no fever
no tengo calentura
no hay pus
ni fiebre ni escalofríos
sin dolor de pecho ni falta de aire
el enrojecimiento ya desapareció
la hinchazón bajó mucho
se me quitó el hormigueo
sore but manageable
pain is mild
I'm ok
slight bruise
can I go swimming?
how long will I be sore
is swelling normal
should I call if I get a fever?
when should I worry about redness
could this cause numbness later?
I'm worried about getting an infection
what are the signs of infection
I can move it fine
I can walk without pain
walking better every day
my knee feels stronger
pain dropped to a 2
a little stiff in the morning
tired today
have a great weekend
I live on 101 Main St
see you on 10/12
the pain isn't bad
doesn't hurt much
it's not getting worse
no problems at all
breathing easy, feeling great
no issues walking
not swollen, not red, not hot
todo normal
me siento bien, sin problemas
puedo caminar bien
duele poquito
un poco de dolor nada más
cuándo puedo hacer ejercicio
puedo tomar ibuprofeno?
está mejor que ayer
no me duele nada
weather is hot today
I'm allergic to penicillin
my hands are cold
I was weak in math lol
the hot tub ok?
Can I get the shot in my calf next time
I drove past the hospital
is it ok to lift my arm
my back feels better
used a heating pad
I haven't noticed any redness
no redness no swelling no fever
zero fever
fever is down to normal
chills are gone
No more numbness
haven't had chest pain
denies fever
never had a rash
not feverish
temp normal, 98.2
Temperature 97.9 this morning
temp 36.8
no siento hormigueo
no estoy hinchado
no presento fiebre
ya no me duele el pecho
sin escalofríos
nada de fiebre
afortunadamente sin fiebre
I could breathe fine
no shortness of breath at all
everything is fine, no concerns
swelling is normal right?
What would a fever mean?
If I develop numbness who do I call?
worried about infection risk
are there any side effects
bruised but fine
knee feels loose
I have a cold
my stomach hurts a little
pain comes and goes
hurts a little when I walk
its sore to touch
just stiffness
feels tight in the knee
slightly swollen knee
iced it last night
can I drive
todo va bien
solo un poco adolorido
un poco inflamado
me ayuda el hielo
gracias doctora
no tengo dolor
I had a stroke in 2010
I was in the hospital last year for my heart
my dog passed out on the couch lol
I need a nap
went to the gym
4 weeks no pain
red shoes
hot weather makes it ache
I will call tomorrow
how are you
it's getting better
pain isn't worse
me desperté bien
ya camino sin dolor
no fever here
no hives no rash
not numb
never had any chest pain
I have not had a fever
I am not having trouble breathing
no weakness or numbness in the legs
sin hormigueo ni debilidad
no he tenido calentura
nada de pus
no me he desmayado
numbness went away yesterday
the rash cleared up
if I get a fever what do I do
what temperature is a fever
do I call you or 911 if something happens
pain about the same
bruise is yellow now
a bit achy
moving well
walk fine
sleeping good
me duele un poco
ligero dolor
puedo bañarme?
mi cita es mañana?
hola doctor
happy with results
2/10
knee clicks
can I have wine
took aspirin for a headache, fine now
no worse than before
weather is cold
wife is fine too
no fever, no redness, just sore
none of those
all clear
fever? nope
nothing unusual
I don't have any of those symptoms
feels warm when I use the heating pad
can I shower
no problem breathing
I never had numbness
ok will do
redness is fading
"""


def lines(table: str) -> list[str]:
    return table.strip().split("\n")


@pytest.mark.parametrize("body", lines(STOPS))
def test_p3_a_wish_to_stop_is_seen(body: str) -> None:
    assert read(body).stop


@pytest.mark.parametrize("body", lines(NO_STOPS))
def test_other_words_stop_nothing(body: str) -> None:
    assert not read(body).stop


@pytest.mark.parametrize("line", lines(WARNING_SIGNS))
def test_p9_a_warning_sign_is_seen(line: str) -> None:
    flag, body = line.split("|")
    assert RedFlag(flag) in read(body).red_flags


def test_calm_replies_hardly_ever_raise_an_alarm() -> None:
    """A question that names 911 still does, on purpose: better asked about than missed."""
    alarms = [body for body in lines(NOTHING_WRONG) if read(body).red_flags]
    assert len(alarms) <= 0.02 * len(lines(NOTHING_WRONG)), alarms
