"""Words in their own right that lie one slip away from a warning word: "never" is no misspelt "fever".

Found by running the speller over the 30 000 commonest English and 25 000 commonest Spanish words of subtitles.
"""

from __future__ import annotations

from service.care.phrases import word_set

REAL_WORDS: frozenset[str] = word_set(
    "abanillo abogado aborrecida aborrecido aboyar adormecedor ahogada ahogado airtight alegria allergies allergy "
    "aloe along ambulances ambulante america anden armadillo asfixiante asta atone attach backed badder basa "
    "bastar baste basto bata bathing battering beating bedding beefing beeping blacken blacker blanked blathering "
    "bleaching bleating bleedings blending blessing blinding blithering bordering bosta bowed bower bowl bowls "
    "breach breaching breadth breaking breathable breathed breather breathings breathtaking breeding butchering "
    "buttering cabezal calcular calendula calentar calentita calmante camelar cana cancelaria cancels cancer "
    "candela candente cane canela canjear cano cans canst canta cante canto carcel carente cart carves cast "
    "cautelar caves cent cesta chant cheat chess childs chill chilla chilli chillo chilly chist cincel cliente "
    "clients clog cloth clout cociente collared colt concocting conducting congelar conmover connecting "
    "containing content contesting contract contracting controls convent convicting cooking coot crest cresta "
    "cuenta cuestas cuesto cutthroat damning dawning debilitar debit defining dele dent desatar descarado "
    "desmadrado destacar destapar detaining dificultar dining dint discharges docilidad dolar doler dolo dona "
    "dong donor dons donut dost drafting dragging drawing drinking droning drowning duel duela duelo duels echo "
    "eight emergence emergencies emergent emergente empedrado empeorar envejecida envejecido envied envion "
    "equivoca equivocar espirar failing fain fanning farting fasting fawning finding fitting fiver flaunting "
    "flinging flint flirting flitting forgetting fronting fuente fuera gaping garante garantia gargantuan gassing "
    "grasping gutting haves hears heartache heartaches heartbroken heartburn heartfelt hearth heartless hearts "
    "hearty heavyweight hides hills hinchar hires hormiguero hospitable hostal inaccion inception indebted "
    "indicted induccion inducted induction infecciosa infeccioso infecta infecting infectious infects inferred "
    "infested inflacion inflamar inflated inflation inflicted infraccion infraction ingested ingestion injected "
    "injecting injections injector injunction insercion inserted insertion inspeccion inspected inspection "
    "intencion intention interacted intercepted interese interest interests invencion invented invention inverted "
    "invested ives lacked ladder laps lave lease leaves legua levantada levantado levantador levante leve lids "
    "lies lightweight liquida liquids llave lone longstanding maiden mandon martillo massage massaged massages "
    "massaging menaje mensajera mensajero mesdames messes messing migrant migrate migrating moler moved movers "
    "moves mower opinar orinal outnumber outstanding overweight paid pail painless paint pair pais paralyze "
    "paralyzes pasted patin paused pawn pecio plain pleas pleased pleases pleasure pressured presume probes pucho "
    "quiebro quier quieto racion raining rasa raso ration reacio reacting reactiva reactivo reactor received "
    "receiver redaccion redress reduction refaccion rejection relacion relation remote removes reparacion reparar "
    "repicar resfriar respetar respirador respiration respirator retraction rodillo rush sagrado scalding "
    "scanning sealing seeding sell selling sensing sever severa severed severing shading shell shelled shelling "
    "shilling shimmering shirtless shop shortest shortstop shoveling showering shredding sinnumero skiff "
    "sleepwalking slop smelled smelling smelting sniff sniveling softness sounding spanking spanning speaking "
    "speeding spell spelled spelling spending spilling spraying spurred stacking staff staffing staging staining "
    "staking stalking stalling stamping staring starling starring starting starving stashing stating staying "
    "steaks stealing sterling stiffs stinging stinking stomp stoning stoop stopover stow straightened straighter "
    "streaming streams striding stunning subscripcion subsidio suffocation suicidarse suicides supurante swallows "
    "swanning swearing sweeping swerving swill swirling tangling temible temperate tents testing texas threat "
    "tickling tiff tightens tightest tights tinkling trabar tramar tratar trazar twinkling unbeatable unbreakable "
    "unconsciously understanding uptight urination voicing vomitiva vomitivo vomitona voting waking wallow "
    "wallowing watertight weakens weakest weaknesses weariness weeding weigh weighs weightless weights weighty "
    "welling wellness wheeling whizzing wong wore worsen wring wrongdoing wrongs wrung"
)
