"""More words of refusal: reported earlier requests, threats, "no longer needed", and what only looks like one.

In the phrase language of `phrases.py`; they join the phrases of `optoutwords.py`.
"""

from __future__ import annotations

REFUSAL_SETS = {
    "said": "said say told tell asked ask texted typed replied responded sent wrote put answered requested",
    "dije": "dije pedi digo pido decia pedia dicho pedido avise exigi solicite decir pedir repetir repeti",
    "puse": "puse mande escribi conteste respondi envie dije",
    "pararan": "pararan parara pararas dejaran dejara dejaras detuvieran detuviera cancelaran quitaran quitara "
    "borraran borrara eliminaran eliminara sacaran sacara desuscribieran terminaran cesaran quitaras borraras paren "
    "pare pares dejen deje dejes quiten quite borren borre saquen saque eliminen elimine cancelen detengan stop alto",
    "mandaran": "mandaran mandara mandaras enviaran enviara enviaras escribieran escribiera escribieras contactaran "
    "contactara molestaran molestara molestaras textearan texteara buscaran hablaran hablara fastidiaran siguieran "
    "siguiera",
    "mandando": "mandando mandandome enviando enviandome escribiendo escribiendome texteando texteandome llegando "
    "llegandome molestando molestandome contactando contactandome fastidiando chingando jodiendo fregando recibiendo",
    "symptom": "pain pains numbing numbness swelling bleeding itching ache aches hurting burning throbbing cramps "
    "cramping soreness stiffness tingling bruising dizziness nausea fever drainage knee back shoulder hip neck elbow "
    "ankle wrist medicine medication anesthesia block dolor dolores hinchazon sangrado",
    "treatment": "surgery therapy pt injection injections shot shots medication medications medicine pills operation "
    "physical brace cirugia operacion operarme terapia medicina inyeccion inyecciones pastillas",
    "survey_words": "questions questionnaire questionnaires surveys texts messages msgs emails reminders notifications "
    "checkins preguntas encuestas mensajes",
}

REFUSALS: dict[str, tuple[str, ...]] = {
    "certain": (
        # asked before
        "already|have|ive|weve|had|must ~1 {said} ~2 stop|unsubscribe|unsub|quit|cancel|stopall|optout",
        "{said}|saying|asking|telling ~2 stop|unsubscribe|quit|no|enough ~3 times",
        "asked|asking|ask|want|wanted|like|wish|demand|demanded|request|requested ~2 be removed|deleted|unsubscribed|"
        "unenrolled|dropped|disenrolled",
        "asked|asking|told|wanted|requested ~3 taken|take ~1 off",
        "{dije} ~4 que ~3 {pararan}",
        "{dije} ~4 que ~1 no ~3 {mandaran}|manden|escriban|envien|contacten|molesten|texteen|mensajes",
        "{puse} ~2 stop|alto|basta|parar|baja|unsubscribe",
        "dejaran|pararan|dejara|parara de ~1 {mandar}",
        "que ~1 no ~2 {mandaran}",
        "por|porque|todavia|aun ~3 siguen|sigues ~2 {mandando}",
        # no longer needed
        "no need to? ~2 check|checking ~2 on|in|up",
        "dont|neednt|not ~1 need|have to ~2 check|checking ~2 on|in|up",
        "stop|quit checking ~1 in|on|up",
        "no ~2 falta|necesario|necesidad|necesita|necesitan|tienen|ocupan ~2 que|seguir ~2 {manden}|{mandando}|sigan|"
        "siga|sigas|esten",
        "no ~2 necesario|falta ~1 seguir ~1 {mandando}",
        "no ~2 necesidad|necesario|falta ~1 de ~2 {mensaje}",
        # unwilling
        "stop|quit|end|done|cease participating|participation",
        "no|zero|any interest ~1 in|for {msg}|this|these|participating|your",
        "dont|not|no|never|longer want|wish|wanna|care|like to? be ~1 part|included|enrolled|involved|member",
        "never|didnt|dont ~1 sign|signed ~1 up",
        "sign|log|count|leave me off|out",
        "drop|exclude|excuse|omit|strike|scratch|release me|us from|off|out",
        "exclude|excuse|omit|unenroll|disenroll me",
        "leave me|us be",
        "take|remove|get|drop|keep me|us of|off|from|out ur|your|the|this|ya ~2 list|program|study|thing|system",
        "let me|us out of ~2 program|list|this|these|study|{msg}",
        "enough with|of ~2 {survey_words}",
        "cero mensajes|textos|sms|correos",
        "no ~1 interesan",
        "no ~1 tengo|tenemos ~1 interes",
        "no recibir|recibirlos|recibirlas ~2 esto|mas|{mensaje}|nada",
        "prefiero|preferiria|quisiera|desearia|agradeceria ~1 no ~1 recibir|recibirlos|participar",
        "no ~2 esten|este|estes ~1 {mandando}",
        "ya no participo|participare|participamos",
        "por|porque ~2 no ~2 dejan|paran ~1 de ~1 {mandar}",
    ),
    "wrong": (
        "no es ~1 mi nombre",
        "not|isnt my name",
        "aqui|ahi no ~1 vive",
    ),
    "certain_at_end": (
        "dont|no|not|longer wish|want|care to? continue|participate",
        "no|zero interest",
        "asked|told|wanted ~2 taken off",
        "me|nos pueden|podrian|puede|podria|puedes quitar|sacar|borrar|eliminar|desuscribir",
        "pueden|podrian|puede|podria|puedes|quieren ya? parar|dejarme|quitarme|sacarme|borrarme|eliminarme",
        "and stop|quit|unsub|cease|desist|alto|basta|parar|paren",
        "ya no hace|es falta|necesario",
        "dejen|deje|paren|pare de? una? vez",
    ),
    "unsure_at_end": (
        "dont know you|u",
        "ya no los necesito|quiero|ocupo",
        "ya no me hace falta esto?",
        "ya estuvo bueno|suave",
        "no|not more {survey_words}|preguntas please|porfavor",
        "veces ~3 que no",
        "times ~4 no",
    ),
    "unsure": (
        "how many times ~4 tell|say|ask|repeat",
        "cuantas veces ~5 {dije}",
        "third|second|fourth|last|final|3rd|2nd|4th time|warning ~3 asking|telling|saying|ask|tell|say",
        "you|u|yall|yous keep|still text|texting|send|sending|message|messaging|contact|contacting|bother|bothering|"
        "email|emailing",
        "siguen|sigues ~2 {mandando}",
        "siguen|sigues con ~2 {mensaje}",
        "{msg}|these|this|they ~2 not|arent|isnt ~1 necessary|needed|wanted|welcome",
        "fed up ~2 {survey_words}|you",
        "sick|tired ~2 {survey_words}",
        "done|finished|through|over with ~2 {survey_words}",
        "done|finished|through answering|responding|replying",
        "wont|not|refuse|never|dont ~1 going|be|want|wish|care|like|to? to? answer|answering|respond|responding|reply|"
        "replying ~1 any|more|these|your|anymore|again|questions|to",
        "no ~1 voy|vamos|pienso|quiero|deseo ~1 seguir|continuar|contestar|responder ~1 esto|participando|contestando|"
        "respondiendo|{survey_words}|mas|nada",
        "harto|harta|cansado|cansada|hartos ~3 {survey_words}|ustedes",
        # threats
        "voy|vamos ~1 bloquear|reportar|denunciar|demandar ~2 numero|esto|ustedes|los|telefono",
        "los|las|lo|la|te|les voy|vamos a bloquear|reportar|denunciar|demandar",
        "los|las|te|les bloqueo|bloqueare|reporto|reportare|denuncio|denunciare|demando|demandare|bloqueado|bloqueada",
        "bloquearlos|bloquearlas|bloquearte|bloquearles|reportarlos|reportarlas|reportarte|denunciarlos|denunciarlas|"
        "denunciarte|demandarlos|denunciar|denuncia|bloquearemos|reportados|bloqueados",
        "numero|telefono bloqueado",
        "bloqueo|bloquee|bloqueare ~1 numero",
        "abogado|abogada|abogados|policia ~4 esto|mensajes|siguen|ustedes",
        "hablar|hablare|llamar|llamo|llamare ~2 mi abogado|abogada",
        "legal action|steps",
        "accion|acciones|medidas legal|legales",
        "file|filing|filed ~1 complaint",
        "report|reporting|reported ~3 number|police|authorities|ftc|carrier|spam|harassment",
        "mark|marked|marking|flag|flagged|flagging ~3 spam|junk",
    ),
    "guard": (
        "bus|train|truck|pit|rest|trolley|tram|metro|taxi|subway|rail stop|stops",
        "to|at|from|near the|my|a stop",
        "when|does|did|do|will|wont|can ~2 {symptom} ~6 stop|end|quit|cease",
        "wear|wears|wore|worn|wearing off ~3 stop|end|quit",
        "enough|sick|tired|done|fed ~3 {symptom}",
        "enough already ~4 {symptom}",
        "out of ~2 {symptom}",
        "basta ~2 {symptom}",
        "interested|interest in ~2 {treatment}",
        "interesa|interesan|interes ~3 {treatment}",
        "{dije}|pedi a mi|su|mis",
        "can|could|will|would|hope|glad|happy|like|love|if|appreciate ~1 you|u keep|still",
        "lawyer|attorney|abogado|abogada ~1 needs|wants|asked|needed|necesita|quiere|pide|pidio",
        "report ~3 to my|the insurance|doctor|boss|employer|work|nurse",
        "should|must|do|can|who i ~2 report",
        "no ~2 falta|necesario|necesito ~3 {treatment}|hielo|baston|venda",
    ),
}
