"""Warning signs and opt-outs said indirectly: by consequence, misspelt, in two languages, compared (P9, P3).

Three batches, each written before the rules had seen it. The rules have learned from them since, so this holds ground
and measures nothing: for wording unseen, see the held part of the corpus.
"""

from __future__ import annotations

import pytest

from service.care.redflags import RedFlag
from service.care.replies import read

SIGNS = {
    RedFlag("breathing"): """
had to sit on the stairs to get my breath back
I run out of breath just walking to the mailbox
cant finish a sentence without stopping to breathe
feel like theres a weight on me and no air is coming in
every time I take a deep breath it stabs me in the ribs
i'm huffing and puffing from tying my shoes
my breathing is off since the rib shots
cant seem to fill my lungs all the way
lungs feel like theyre only half working
woke up gulping for air
my wife says im breathing really fast even sitting still
short of breth since yesterday
I get winded going up two steps, thats new
O2 on my oximeter says 86
sats dropped to 88
me quedo sin aire al subir las escaleras
siento que no me entra el aire
no puedo tomar aire hondo
respiro con dificultad desde la inyeccion
me canso y me ahogo al hablar
tengo que sentarme para recuperar el aliento
se me corta la respiracion cuando camino
no puedo breathe bien desde ayer
feels like someone is sitting on me and i cant get air
it catches when i breathe in, like a knife in my side
panting after just brushing my teeth
its hard to get a full breath
i feel like im suffocating when i lie flat
I have to stop halfway across the room to catch my breath
each breath is a chore
chest wont expand when i inhale
breathing through a straw is what it feels like
my breath is real short today
cant get enough air no matter what
I sound like a freight train wheezing
hurts under my ribs when I take a breath
pulse ox says 89
me falta el aliento
respirar me cuesta un monton
no me alcanza el aire ni para hablar
siento que me ahogo acostado
estoy jadeando
i cant respirar
me duele al tomar aire
I cant walk to the car without gasping
im so out of breath today
it hurts to take in air
se me dificulta respirar
my inhaler isnt helping, still wheezy
""",
    RedFlag("chest_pain"): """
feels like an elephant sitting on my chest
my chest has been squeezing all morning
theres a heavy weight on my chest
got a pain behind my breastbone that wont quit
sharp twinge in my chest every time I cough
chest feels funny and tight
pain shooting from my chest to my left arm
my heart is beating out of my chest
heart wont slow down, going like 150
it feels like a band around my chest
pecho apretado desde anoche
me aprieta el pecho
siento una presion fuerte en el pecho
tengo un dolor aqui en el pecho que se va al brazo
me duele el pecho al respirar
siento como una piedra en el pecho
punzadas en el corazon
se me acelera mucho el corazon
my chest esta muy tight y me duele
chest pians since last nite
burning right in the middle of my chest
left side of my chest is killing me
I think im having a heart attack
like somebody is standing on my chest
my ribs and chest hurt so bad when i lay down
my chest is pounding
i have a squeezing feeling in the middle of my chest
heart is skipping beats
pressure on my chest like a truck parked there
chest hurts when i breath
sharp pains in chest and down my arm
tightness across my chest
el corazon me late muy fuerte
siento opresion en el pecho
me arde el pecho
tengo el pecho cerrado
like someone is squeezing my heart
cheast pain
me dan piquetes en el pecho
my chest hurts a lot
a crushing feeling in my chest
feels like someones hugging my chest too hard
dolor en el pecho
""",
    RedFlag("face_or_throat_swelling"): """
my lips look like i got filler
tongue feels too big for my mouth
my eyes are swollen shut
face blew up like a balloon
my throat feels like its closing
cant swallow my own spit
lump in my throat and its getting harder to swallow
one side of my face is puffed out
lips tingling and getting fat
my face is so swollen my glasses dont fit
throat is swelling up
eyelids puffy like I got punched
my cheeks are huge since the shot
se me hincho la cara
tengo los labios bien hinchados
la lengua se me puso gorda
siento la garganta cerrada
se me esta cerrando la garganta
amaneci con los ojos hinchados
no puedo ni pasar saliva
traigo la boca toda inflamada
my cara esta super swollen, los ojos tambien
woke up with a swollen lip
troat is swollen and itchy
my tounge is swelling
my face is the size of a basketball
lips are so fat i cant talk
my throat feels tight and scratchy like its shutting
tongue is thick and i sound funny
eyes swelled up so i can barely see
my jaw and cheek are swollen
having a hard time swallowing since the shot
se me inflamaron los labios
tengo la cara como globo
la garganta se me cierra
no me pasa la comida, siento la garganta hinchada
ojos hinchados que no los puedo abrir
my lengua feels swollen
mouth is puffing up
my face swelled overnight
i look like a chipmunk, cheeks swollen
siento un nudo en la garganta y me cuesta tragar
""",
    RedFlag("fainting"): """
I went down in the shower, everything went dark
next thing I knew I was on the bathroom floor
I blacked out for a few seconds
came to on the kitchen floor and dont remember falling
everything went black when I got up
nearly passed out at the store
almost fainted getting out of bed
I keep getting lightheaded and had to grab the wall, then I dropped
my husband found me out cold on the floor
felt woozy and then just collapsed
I keeled over at church
lost consciousness for like a minute
i passd out this morning
hit the floor, dont remember it
fainted twice today
me desmaye en la cocina
casi me desmayo en el trabajo
perdi el conocimiento un momento
todo se me puso negro y me cai
se me fue el avion y cai al piso
me dio un soponcio en el super
se me nublo la vista y me desvaneci
mi esposa me encontro tirado en el piso inconsciente
I pass out every time me levanto
saw stars and went down like a sack of potatoes
I was out for about a minute
I got up and woke up on the floor
felt myself going out
blacked out driving
my knees went and then lights out
found myself on the ground
the room went black
i feel like im about to pass out
dizzy and fell down in the hall
me fui al suelo, no me acuerdo de nada
me desvaneci en el baño
perdi el sentido
casi pierdo el conocimiento
me desmalle
i passed out getting the mail
collapsed in the hallway
woke up on the bathroom tiles
me cai desmayada
""",
    RedFlag("new_weakness"): """
cant grip my cup
I keep dropping my phone out of that hand
my leg buckles when i try to stairs
foot slaps the floor when I walk
my foot drags now
cant lift my foot off the gas
arm just hangs there
my legs feel like jelly and wont hold me
no power in my right hand
my grip is gone on that side
one side of my face is droopy
words are coming out slurred
my hand wont do what I tell it
cant make a fist anymore
cant button my shirt, fingers wont work
leg gave out on me twice today
arm is so weak i cant brush my teeth
se me caen las cosas de la mano
no tengo fuerza en la pierna
la pierna no me responde
se me dobla la rodilla sola
arrastro el pie al caminar
no puedo cerrar el puño
siento el brazo sin fuerza, como de trapo
mi mano se siente weak y no puedo agarrar nada
cant hold a fork
my arm feels dead weight
foot wont come up when i walk, i trip
my leg went out from under me
can't open a jar with that hand any more
half my face isnt moving
mouth is drooping on one side
hand keeps letting go of stuff
my arm has no strength
i trip on my own toes since the injection
no puedo sostener el vaso
la mano no me agarra
tengo las piernas de trapo
se me cae la cara de un lado
cant raise my foot
talking like im drunk but i havent had a drop
left leg keeps giving out
i cant hold my coffee mug
cant lift my arm or squeeze my hand
one arm is way weaker than the other
""",
    RedFlag("bladder_or_bowel"): """
wet myself at the grocery store
I pooped my pants and didnt even feel it
havent been able to pee since last night
i cant tell when i need to go anymore
have to push to get any urine out
peeing on myself without knowing
lost control of my bowels
my privates are numb when I wipe
numb where i sit
accident in bed last night, never happens to me
no feeling down there when I wipe
leaking pee all day since the shot
cant hold my urine
only dribbles come out when I try to pee
had to wear a diaper because i cant control it
bowel accident this morning
no puedo hacer pipi desde ayer
me hice del baño encima sin sentir
me oriné en la cama
se me sale la orina sola
no siento cuando tengo que ir al baño
tengo dormida la entrepierna
no puedo aguantar la orina
me ando orinando sin darme cuenta
cant feel it when i pee
i peed the bed
cant start my stream
soiled myself twice
no urine since yesterday morning
I go and i dont even know it
numb between the legs
dont have control over my bladder
need to pee but nothing comes out
my bottom is numb
bathroom accidents all day
no puedo mear
se me salio la popo sin sentir
no controlo esfinteres
no he orinado desde anoche
siento dormidas las partes intimas
i leak when i walk now
cant pee at all
pooped myself in the car
no puedo aguantarme del baño
""",
    RedFlag("fever_with_stiff_neck"): """
fever of 102 and my neck is so stiff I cant look down
neck is rigid and I have chills
burning up and cant touch my chin to my chest
high fever, cant turn my head at all
101.5 and my neck hurts to bend
I have a temp and stiff neck and light hurts my eyes
fever plus neck so stiff
cant bend my neck and shaking with chills
my neck feels locked and im feverish
stiff neck, fever 103, headache
fiebre y el cuello tieso
tengo calentura y no puedo doblar el cuello
39 de fiebre con rigidez de nuca
el cuello duro y con escalofrios
fiebre alta y no puedo mover el cuello
me duele mucho el cuello, esta rigido y tengo 38.7
temperature 102.4, neck wont move
running a fever and my neck is stif as a board
i feel hot, temp 101, neck wont bend forward
tengo fever y stiff neck
calentura y me cuesta doblar el cuello
neck stiffness with a fever since yesterday
cant move my neck and i have a fever
got the chills and a stiff neck
cuello trabado con fiebre
fever and i cannot bend my neck
102 temp and super stiff neck
my neck is stiff like a board and im running a fever
cuello rigido y fiebre de 39
no puedo bajar la cabeza y tengo fiebre
shivering with a fever and neck is locked up
neck hurts to move, temp 101.8
nuca dura con calentura
""",
    RedFlag("self_harm"): """
I dont want to be here anymore
everyone would be better off without me
thinking about taking all my pills at once
i just want it all to be over, no reason to keep living
been hurting myself again
I cut myself last night and I want to do it again
im thinking of ending things
whats the point of living like this
i wish i wouldnt wake up
I have a plan to kill myself
cant do this life anymore
I'm done with life
dont see a reason to go on
ready to give up on life
i just want to end it all
feel like jumping off a bridge
ya no quiero vivir
me quiero morir
quiero quitarme la vida
no le veo sentido a la vida
mejor estaría muerto
pienso en matarme
he pensado en acabar con todo
quisiera dormir y no despertar
I took a bunch of pills
i dont want to live
I keep thinking about dying
nobody would miss me if i was gone
i cant keep living like this
sometimes i think about not being around
I want to sleep and never wake up
i have been cutting
life isnt worth it
my family would be better off if i was dead
no quiero seguir viviendo
ya me quiero morir
tengo ganas de desaparecer
estoy pensando en tomarme todas las pastillas
ya me canse de vivir
no vale la pena vivir
thinking about ending my life
i want to hurt myself
i dont see the point anymore
no quiero estar viva
""",
    RedFlag("fever"): """
thermometer says 101
I'm burning up and my teeth are chattering
been sweating through my sheets and shaking
cant get warm, shivering under 3 blankets
temp of 38.6
running hot since last night with the chills
feel feverish and achy
102.3 this morning
woke up drenched in sweat and shaking
my temp keeps climbing
i have a low grade fever
fever wont break
got a fevor
tengo calentura desde anoche
me dio fiebre
amaneci con 38.9
tengo mucho frio y estoy temblando
ando con temperatura
cuerpo cortado y con escalofrios
sudando frio toda la noche
estoy hirviendo
me marco 39 el termometro
tengo fever y chills
skin hot all over and im freezing
im boiling hot, 39.2
my forehead is on fire and i have chills
103
took my temp it was 101.2
cant stop shivering
sweating buckets and freezing
feel like i have the flu, hot and shaky
im burning with fever
temperature wont come down, 38.9
fiebre de 39
tengo escalofrios
sudo y tiemblo de frio
temperatura de 38.5
me siento afiebrada
teniendo fevr toda la noche
feverish today
got a temp of 100.9
hot and cold all night with the shakes
me siento con calentura
""",
    RedFlag("spreading_redness_or_heat"): """
knee is hot as a stove
red line going up my arm from the shot
the red part is twice as big as yesterday
its beet red and hot around the needle marks
my skin feels like its on fire to touch
red blotch is creeping up my thigh
you could fry an egg on my elbow
the area turned bright red
redness has passed the line I drew with a pen
hot red and angry looking
warm to the touch and swollen
pink area getting bigger every day
the spot is glowing red
shoulder feels really warm compared to the other one
its all red around where they poked me
lo rojo se me esta extendiendo por la pierna
la rodilla esta caliente y colorada
tengo la piel roja alrededor del piquete
se me puso rojo y caliente
la mancha roja esta creciendo
me arde y esta bien rojo donde me inyectaron
unas rayas rojas que suben por el brazo
my knee esta roja y hot
the site is realy red n warm
the ankle is radiating heat
the skin is bright red and tight
redness moving down my shin
red all the way to my elbow now
the joint is throwing off heat
its hot to touch
big red circle around the shot
skin around it is getting redder
hot spot on my hip that glows
it looks angry and red
pink streaks running up my leg
esta muy rojo alrededor
el enrojecimiento va creciendo
siento mucho calor en la rodilla
la zona esta colorada y ardiendo
se me puso como tomate
its red and puffy and hot
redness is getting wider
esta caliente y rojo
""",
    RedFlag("pus"): """
shirt sticks to the stuff coming out
its weeping yellow fluid
gross stuff is coming out of the hole
theres goo on my bandage
needle hole is oozing green
it smells bad where they stuck me
wet spot on the bandage keeps coming back, yellowish
white stuff comes out when I press
the injection spot is leaking
crusty yellow scab with liquid underneath
it popped and a bunch of gunk came out
think its infected
the dressing is soaked with something cloudy
sticky discharge from the site
pus coming out
le sale agua amarilla a la herida
me esta saliendo materia
tiene pus
huele feo donde me picaron
supura un liquido verde
creo que se me infecto
mancha la gasa de amarillo
se me pega la ropa de lo que sale
the piquete is supurando
pusss is draining out
green gunk on the gauze
it is draining
woke up with the sheet stuck to my hip from the ooze
it looks infected to me
pimple looking thing full of white stuff
has a funky smell and its wet
yellowish fluid
brownish stuff leaking onto my pants
my bandaid was full of yellow stuff
le sale un liquido
la gasa amanecio llena de pus
me esta goteando algo amarillo
apesta la herida
esta infectado
me sale un liquidito
yellow pus
something is leaking from the needle site
""",
    RedFlag("cannot_move_or_bear_weight"): """
cant put any weight on it
had to crawl to the bathroom
knee wont bend
I need crutches just to get to the toilet
cant get my arm above my waist
shoulder is frozen solid
i cant walk on this leg
cant even stand on it
knee is stuck straight
my husband has to carry me to the bathroom
hopping on one foot because the other wont hold me
cant get out of bed
cant turn my head at all
cant lift my arm to comb my hair
elbow locked and wont straighten
no puedo apoyar el pie
no puedo caminar
no puedo levantar el brazo
la rodilla no me dobla
me tienen que cargar para ir al baño
ando arrastrandome porque no puedo pisar
no puedo ni pararme de la cama
tengo el hombro trabado, no lo muevo
cant pisar con ese pie
i havent been able to walk since tuesday
cant step on it at all
I fall if I put weight on it
using a walker because my leg wont take my weight
cant bend my elbow
arm is stuck at my side
couldnt get off the couch without my son lifting me
cant make it to the bathroom without crawling
knee gave up and wont straighten
cant raise my arm
cant move it
no aguanto el peso en esa pierna
no me puedo levantar de la cama
no puedo doblar la rodilla
no puedo mover el hombro para nada
el brazo no me sube
tengo que andar en muletas porque no apoyo
cant walk without holding onto the furniture
my knee wont hold me up
no puedo estirar la pierna
""",
    RedFlag("headache_worse_upright"): """
my head splits when I get up
headache goes away when I lie down
i have to lay down all day or my head splits open
head pounds every time I sit up
only ok flat on my back, otherwise my head is killing me
as soon as im vertical my head explodes
cant be upright because of the headache
splitting headache when standing, gone when flat
the minute I stand my head throbs
headache is way worse sitting than lying
standing up makes my head hurt like crazy
terrible headache unless im lying down
if I stay in bed my head is fine, if I get up its awful
head feels better once I lay flat
the headache comes right back when I get vertical
me duele la cabeza al pararme
dolor de cabeza que se quita cuando me acuesto
cuando me levanto me revienta la cabeza
acostada estoy bien pero parada me explota la cabeza
me duele la cabeza si me siento
solo acostado se me quita el dolor de cabeza
headache cuando me paro
hedache gets worse when i sit up
my head hurts whenever im on my feet and eases in bed
migraine when upright
fine lying down but sitting up my head is exploding
headache only when im upright
head hurts so bad when i stand that i have to lie back down
the headache is gone in bed and comes back when i get up
pounding head if i sit up for more than 5 min
I cant stand up without my head throbbing
my head is okay when flat
dolor de cabeza al sentarme
me late la cabeza cuando estoy parado, acostado no
al levantarme me duele la cabeza horrible
se me quita el dolor de cabeza acostada
bad headache that goes away lying flat
standing makes my headache unbearable
""",
    RedFlag("calf_pain_or_swelling"): """
my sock leaves a deep mark and the leg is huge
calf is tight and sore and swollen
one leg is way bigger than the other
lower leg got really big and tight behind, muscle back there is sore
the back of my leg below the knee is really sore
cramp in my calf that wont go away
charley horse that never lets up
my whole leg swelled up
leg ballooned overnight
cant get my boot on because my leg is so swollen
my ankle and leg are swollen up to the knee
calf hurts when I walk
calf is hot and hard
shin and calf are puffy
I think I have a blood clot in my leg
me duele la pantorrilla
tengo la pierna bien hinchada
una pierna mas gorda que la otra
se me hincho la pierna
el chamorro me duele y esta duro
calambre en la pantorrilla que no se quita
la batata me duele mucho
el gemelo esta inflamado
my calf esta hinchada
caff is swollen
calf feels like a rock
my leg is twice the size of the other one
lower leg is puffy and shiny
pain behind my knee down into the calf
leg swelled so bad my pants dont fit
calf is sore to the touch
my leg looks like a tree trunk
pantorrilla dura y caliente
pierna hinchada desde ayer
me dan calambres en la pantorrilla
tengo hinchadas las piernas
is this a clot? calf is throbbing
calf pain since sunday
my left leg is swollen compared to my right
""",
    RedFlag("numbness"): """
cant feel my toes
my fingers have gone to sleep and wont wake up
feels like im wearing a glove
half my hand is dead
pins n needles down my arm
no feeling in my foot
tingling in my fingers
my leg has been asleep for two days
thumb feels like its been novocained
the skin on my knee feels like its not mine
numb from the knee down
lost sensation in my pinky
buzzing electric feeling in my hand all day
its still numb 2 days later
my foot feels like a block of wood
se me duermen los dedos
tengo la mano dormida
siento hormigas en la pierna
no siento el pie
hormigueo en los dedos
tengo el brazo entumido
perdi la sensibilidad en el pulgar
como si trajera un guante en la mano
my mano esta numb
nummness in my foot
hand keeps going to sleep
no feeling in two fingers
my arm is tingly
feel like ants crawling on my leg
cant tell if my foot is touching the floor
like my foot is wrapped in cotton
lips and hand feel numb
leg feels dead
my toes feel like theyre asleep
se me adormece la mano
siento la pierna dormida
tengo entumecido el brazo
cosquilleo en la mano
no siento los dedos
foot is numb
my hand is all pins and needles
""",
    RedFlag("hives"): """
itchy red bumps all over my belly
broke out in hives
welts on my arms and back
I'm itching like crazy all over
covered in a rash
big itchy bumps everywhere
skin broke out in blotches
raised bumps all over me
think im having an allergic reaction
rash spreading on my chest
my whole body itches
splotchy itchy patches on my stomach
got hive on my neck
me salieron ronchas
tengo ronchas por todo el cuerpo
me pica todo el cuerpo
me brotó la piel
tengo salpullido en los brazos
me llene de granitos que pican
una reaccion alergica
me salio una erupcion
toda brotada y con picazon
comezon por todos lados
broke out en ronchas
hivs all over
hives on my neck and chest
itching all over
red itchy spots popping up everywhere
my skin is covered in bumps
scratching my arms raw, theyre covered in welts
i have a rash all over
broke out after the shot
nettle rash
me salio alergia en la piel
ronchas en la panza
estoy lleno de ronchas
me pican los brazos y tengo ronchas
puntos rojos que pican por todo el cuerpo
hives everywhere
itchy welts
""",
    RedFlag("severe_or_growing_pain"): """
hurts way more than yesterday
worse every hour
pain is through the roof
crying it hurts so bad
I cant take this pain
pain keeps building
this is the worst pain I've ever felt
pain meds arent touching it
nothing helps the pain
I'd rather give birth again
worse than childbirth
on a scale of 1 to 10 its an 11
i cant sleep from the pain
its getting worse not better
every day hurts more than the last
agony
ya no aguanto el dolor
me duele cada vez mas
el dolor va en aumento
me duele muchisimo
un dolor insoportable
el dolor esta peor que ayer
hurting alot worse today than yesterday
pain is unbearable
way worse today
its killing me
pain went up a lot since last night
I'm in agony
hurts so bad im crying
it hurts more and more every day
pain off the charts
pain woke me up and i couldnt go back to sleep it was so bad
cant stand the pain anymore
throbbing is getting stronger
me mata el dolor
cada dia peor
ayer dolia menos que hoy
no soporto este dolor
me duele horrible
pain getting worse by the day
its excruciating
cant stand it any longer
""",
}
NO_SIGNS = """
World Series fever at our house
I about fainted when I saw the bill
What would an infection look like?
much better now, the pain was awful on day 1
No fever no redness all good
what should I do if I get a fever
breathing fine, no chest pain
Red Hot Realty, ask for Anita
Burning Man is next month can I go
I have a stiff knee but it loosens up
a little sore but ok
my swelling is gone
no numbness or tingling
how long does numbness last?
numbness wore off after an hour
dying to get back to golf
this headache of an insurance company
my heart is full, thank you
my heart goes out to your team
breathtaking views on my walk today
I can breathe easy now, thanks
no puedo esperar para volver a correr
no tengo fiebre
sin dolor hoy
me duele poquito
ya se me quito la fiebre
la fiebre ya paso
la rodilla ya no esta hinchada
que hago si me da fiebre
can I use a heating pad
can I take a hot shower
took a warm bath
my dog has a fever
my son had hives last week
walking 2 miles a day
back pain is down to a 3
was a 9 before, now a 2
pain went from 8 to 3
it was red the first day but fine now
bruise is black and blue
cold weather makes my knee stiff
I sat on the stairs to put my shoes on
can I walk on it?
I can bend it more each day
when can I put weight on it
slept like a baby
killing it at the gym
that survey was a pain
Paining Plumbing Co, we do drains
call me back please
headache from staring at the screen all day
I have a cold, runny nose
no worse no better
about the same
feeling stronger every day
weaker coffee would help lol
my leg day was great
I'm numb to all the news
son las 4 y sigo esperando su llamada
waiting since 9
how do I know if its infected
is swelling of the leg normal?
I passed out flyers for the church
tingling went away
throat is fine
got the rash cream for my kid
my grip on golf club is better
my calves look great from cycling
wish I could live in Hawaii
I'd kill for a beer
Super Bowl fever here lol
nearly died laughing at your hold music
I almost had a heart attack when I saw the price
is redness normal?
what does pus look like
should I worry about a fever?
do I call you if I get numbness?
swelling went down a lot
fever broke two days ago
pain was terrible the first night, now its barely there
it hurt like crazy monday but today im fine
no trouble breathing
not having any chest pain
I have no numbness
nothing is red or hot
no swelling, no pus, no fever
neg for fever
my neck is a little stiff from sleeping wrong
slight headache from no coffee
hot coffee and a good book
warm weather helps my knee
heated blanket helps
slept with my leg up
leg feels great
breathing exercises help me relax
took deep breaths and it helped
weak signal here cant open link
my phone died
dead battery
I'm red green colorblind
tingle all gone
itchy bandage
a bit itchy at the site
walked without the cane today
could not be happier
cant wait to golf
cant complain
cant believe how good it feels
no puedo creer lo bien que me siento
ya camino sin dolor
menos dolor que ayer
el dolor bajo
la hinchazon bajo
ya no tengo fiebre
no hay pus ni calor
que hago si se pone rojo
mi hijo tiene fiebre, puedo ir igual
hace mucho calor aca
me bañe con agua caliente
todo rojo en la tele jaja
stood up for 2 hours at church no problem
headed to the store
I'll head up there when I get up
can I lie flat
I get up at 5 every morning
my sock has a hole
boots on and hiking
drove to my moms
dropped my phone in the toilet so missed your text
dropped off the form
my cat threw up on the bandage box
cup of tea and bed
floor exercises were fine
a 2 today, was a 4 yesterday
more steps than yesterday
better than yesterday
worse than expected? no, easier
getting stronger
the cold pack is too cold
climbing stairs is easier
pain when I climb stairs
pain when standing up from a chair
went to sleep with my arm up
my back and leg pain is better
itchy where the bandage tape was
bruise is turning yellow and green
I came to the clinic yesterday
the swelling went down in two days
I dont have to go back do I
every day I walk a bit more
tengo que cargar a mi nieto?
voy a terminar todo el tratamiento
took all my antibiotic pills
went for a run today
more tired than usual
sweat from the gym
my yellow shirt is missing, did I leave it there
no air conditioning in the waiting room
I dont know when I go back to work
lights out early last night, feeling good
strength is coming back
big leg day at the gym
baby needs a diaper change, back in a bit
lost power in the storm, missed your text
"""
STOPS = """
I already told you to stop
how many times do I have to say stop
period. stop.
take me off of this thing
please unenroll me
unsuscribe
stop plz
STOP!!!!!
s t o p
Enough. Stop.
i said stop
for the last time stop texting me
quit blowing up my phone
please remove my number from your system
lose my number
not interested anymore
i dont want these
i dont wanna get these any more
no more surveys
please no more surveys thank you
knock it off with the texts
leave me alone
can you please stop messaging me
I would like to opt out
opt me out
kindly discontinue these messages
discontinue
i no longer wish to participate
drop me from the program
take my name off your list
get me off this list
wrong number
you have the wrong person
who is this? dont text this number
this isnt maria
I'm not a patient there
Delete my number
End this
cancel texts
how do i get out of this
how do I turn these off
make it stop, too many texts
these texts are annoying please stop
please dont contact me again
never text me again
do not message me
I revoke my consent
stop sending me this crap
stop spamming me
alto por favor
ya no me manden mensajes
dejen de molestar
no quiero mas mensajes
quitenme de la lista
ya no quiero recibir nada
deme de baja
borren mi numero
numero equivocado
parenle con los mensajes
stop por favor ya no quiero textos
I would rather you call me than text
I wish to be removed
I asked you to stop a week ago
tell your computer to quit it
no thanks, dont send any more
pls take me off ur list
I dont consent to texts
basta ya
we're done here. do not text.
sto p
stoop texting
sorry not doing these surveys anymore
I'm opting out
spare me the texts
enough already with the messages
Stop now!
please stop texting my phone
I have told you three times to stop
STOP ALREADY
take me off of your texting list
please remove this phone from your list
unsubscribe me from everything
unenrol
I dont want texts from you
no more of these please
cease and desist all messages
go away
get lost
I want off this list
I want out of the program
withdraw me please
I never signed up for this
never agreed to these texts
you got the wrong guy
this is not Robert's phone
I dont know any Linda
he doesnt live here
Please stop. I moved.
stop it
stop these
quit it already
quit texting
end texts
no texts please
dont send me anything else
please do not send any more emails
stop emailing me
stop the surveys
I'm tired of these messages
tired of all the texts, remove me
would you stop
can u quit texting
please cancel my subscription to this
cancel all messages
turn off notifications
how can I unsubscribe
how to opt out?
where do i go to stop these messages
i'd like to stop getting these
prefer not to get texts
i dont do texts, call me instead
please no texting
block me
ya paren de mandar mensajes
no me escriban mas
basta de mensajes
quiero cancelar los mensajes
no deseo recibir mas
ya no me envien nada
favor de quitarme de su lista
se equivocaron de numero
no soy esa persona
como cancelo esto
stop mandando textos
PARA YA
eliminar
I changed my mind, no more texts
enough texts already
please take my cell off
you can stop now, I'm all better
I think I'm good, no need to keep texting
I'm fine so you can quit checking on me
please end the program for me
I want these to end
do not ever contact me at this number
how to make this stop
make these stop
who gave you this number? stop
lady you have the wrong phone
my husband passed away please stop sending these
email only please no texts
just email me instead of texting
I prefer email
remove me!
not a patient remove
unsubscribe me pls
Unsubscribe - wrong person
opt-out
OPT OUT NOW
stop2end
no mas textos por favor
ya dejenme en paz
no me interesa, gracias
saquenme de esta lista
ya no quiero participar
no quiero que me escriban
favor de no enviar mas mensajes
numero incorrecto
aqui no vive ninguna maria
please no more reminders, I remember fine
too many texts!! stop it
turn this off
I never gave permission to text me
stop pestering me
I'm blocking this number
quit it with the surveys
"""
NO_STOPS = """
I'm driving with Do Not Disturb While Driving turned on. I'll see your message when I get where I'm going.
I can stop by tomorrow to pick up my papers
it hurts non-stop
the pain doesnt stop
should I stop the ibuprofen?
when can I stop wearing the brace
I stopped taking tylenol
pain stopped yesterday
stop and go traffic made my knee sore
bus stop is far, walking hurts
cant stop thinking about it
i just want to end it all
please dont stop the texts, they help
when do these texts end?
can I cancel my appointment on friday
need to cancel my visit
end of the day it aches
I want to quit smoking
I quit my job
remove the bandage when?
can I take off the bandage
do I remove the tape
I dont want to exercise yet
I dont want more shots
leave the brace on at night?
no more pain
no more swelling
no longer hurts
done with the survey
finished the survey, all done
the survey link doesnt work
wrong link
I got the wrong brace
is this the right number for dr lee
my number changed to 555-1234
new phone number is 555-222-1111
Sorry I can't talk right now. What's up?
I'm in a meeting, call you later
Auto reply: I am out of office until Monday
I am currently unavailable and will respond as soon as I can
Can't talk now. Text me?
puedo parar de tomar la medicina
cuando puedo dejar de usar la rodillera
no para de doler
ya no me duele
quiero cancelar mi cita
no quiero mas inyecciones
estoy en la parada del bus
baja la hinchazon
me doy de baja en el trabajo por unos dias
el dolor no me deja en paz
will it ever stop hurting
the swelling is going down, thanks for checking
it never ends lol
stopped by the pharmacy
it stops hurting when I rest
dont leave me hanging, call me
I want out of this brace
keep texting me please
sleep mode: notifications silenced
Do not disturb is on
can you remove the stitches monday
I had to stop halfway up the stairs
my phone was off
I never got the text
please text me instead of calling
I am driving right now - I'll get back to you later. Sent from My Car
Driving mode auto reply: I'm on the road
I'll stop in on Tuesday
nonstop pain since monday
can I stop icing it
when will the soreness end
do I need to stop my blood thinner
the bleeding stopped
rain delay, cant make the appointment, please cancel it
need to reschedule
my other appointment got canceled
the pain is on and off
turn it off and on again lol, the link worked
take the wrap off at night?
off work until monday
I opted for the knee shot
i dont want surgery
no more questions from me
no more crutches!
I no longer need the cane
out of pain meds
I ended up at my moms
weekend was fine
how do I stop the swelling
how do I get rid of the bruise
remove stitches?
what list of foods should i avoid
I dont have any messages from the doctor
you can text me anytime
leave a voicemail
lost my phone for two days sorry
is this number monitored
who do I call at night
wrong knee hurts now
not my usual pain
I'm not sure
I'm not sleeping well
I am not taking the pills
no quiero operarme
no quiero tomar pastillas
quiero parar el dolor
cuando termina el tratamiento
puedo quitarme la venda
la baja presion me preocupa
alto dolor de rodilla no, poquito
para el dolor que tomo
cuanto tiempo para mejorar
me cancelaron la cita
stop sign accident last year hurt this knee
full stop lol feeling great
I was told to stop running
my wife stopped by your office
shut off the alarm
the brace keeps falling off
delete that last message, typo
ignore my last text
sorry wrong button
I want to end up pain free
can't quit smiling
quitting time at work is 5
the swelling won't go away
the pain will not go away
can I stop by for a new brace
I had to stop walking because it hurts
no more than a 3
dont know if it is normal
I don't know who to call
who is my nurse
I dont have any questions
can you remove my stitches
the clinic moved? new address?
he lives here with me and helps
I told my boss to stop scheduling me
doctor told me to stop aspirin
how many times a day do I ice
how many exercises should I do
I'm done with the exercises
not doing the exercises today
please call, I prefer calls
I need to take my brace off at night
want off the crutches
is it ok to stop the antibiotic
my knee gave out getting off the bus
my wife said stop being a baby
I dont get any relief
"""


def lines(block: str) -> list[str]:
    """One reply a line."""
    return [line for line in block.splitlines() if line]


@pytest.mark.parametrize("flag", SIGNS, ids=str)
def test_a_sign_told_indirectly_raises_an_alarm(flag: RedFlag) -> None:
    silent = [body for body in lines(SIGNS[flag]) if not read(body).red_flags]
    assert len(silent) <= 0.05 * len(lines(SIGNS[flag])), silent


@pytest.mark.parametrize("flag", SIGNS, ids=str)
def test_the_sign_is_named_for_what_it_is(flag: RedFlag) -> None:
    other = [body for body in lines(SIGNS[flag]) if flag not in read(body).red_flags]
    assert len(other) <= 0.1 * len(lines(SIGNS[flag])), other


def test_talk_that_only_sounds_like_a_sign_raises_none() -> None:
    alarms = [body for body in lines(NO_SIGNS) if read(body).red_flags]
    assert len(alarms) <= 0.02 * len(lines(NO_SIGNS)), alarms


def test_requests_to_stop_in_any_wording_are_heard() -> None:
    missed = [body for body in lines(STOPS) if not read(body).stop]
    assert len(missed) <= 0.01 * len(lines(STOPS)), missed


def test_other_uses_of_the_words_stop_nothing() -> None:
    stopped = [body for body in lines(NO_STOPS) if read(body).stop]
    assert len(stopped) <= 0.02 * len(lines(NO_STOPS)), stopped
