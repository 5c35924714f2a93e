"""The words in which people ask for messages to stop, in the phrase language of `phrases.py`."""

from __future__ import annotations

SETS = {
    "msg": "text texts message messages messaging texting texted sms email emails mail mails notification "
    "notifications reminder "
    "reminders survey surveys update updates alerts alert contact contacts spam communication communications "
    "subscription "
    "checkins mailings mailing list",
    "send": "text texting message messaging messages contact contacting email emailing e-mailing bother "
    "bothering spam spamming harass "
    "harassing bugging pestering sending send texts msging writing write sms",
    "those": "sending send with all the these those your you me my getting receiving receive to any more this of "
    "stupid annoying "
    "damn fucking dang bloody constant daily automated automatic further future spam survey unwanted endless so "
    "many it from "
    "health care clinic reminder text me",
    "mensaje": "mensaje mensajes mensajito mensajitos texto textos correo correos aviso avisos notificacion "
    "notificaciones encuesta "
    "encuestas recordatorio recordatorios sms email emails textitos comunicacion comunicaciones spam mails "
    "suscripcion",
    "mandar": "mandar mandarme mandando mandandome enviar enviarme enviando enviandome escribir escribirme "
    "escribiendo molestar "
    "molestarme molestando textear textearme contactar contactarme fastidiar fastidiarme mensajear mensajearme "
    "escribiendome "
    "molestandome chingar joder llenarme",
    "manden": "manden mande mandes manda mandar envien envie envies enviar escriban escriba escribas escribir "
    "contacten contacte contactar "
    "molesten moleste molestes molestar texteen textee textees textear manda mandas enviarnos texteenme "
    "contactan contactes mensajee molestan fastidies llenen sigan mensajeen fastidien fastidie jodan mandenme "
    "enviarme mandarme "
    "envienme escribirme mandeis hablen hable hables busquen busque marquen notifiquen avisen recuerden "
    "pregunten spameen molestarme contactarme",
    "me": "me us",
}

PHRASES: dict[str, tuple[str, ...]] = {
    "certain": (
        "dont|not|never give|have|gave ~2 permission|consent",
        "consent|permission ~1 withdrawn|revoked|rescinded",
        "had it|enough with|of ~3 {msg}|check|checkins",
        "enough with|of ~2 check|checkins",
        "not participating",
        "dont|not|never|stop|quit reach|reaching out",
        "email|mail|call|phone ~1 me ~2 instead|not ~1 of|text ~1 texting|texts|text|messaging?",
        "how ~3 make ~2 stop",
        # Asked before, and reported.
        "i|we|ive already|twice|repeatedly ~1 said|texted|wrote|replied|typed|sent|put ~2 stop|unsubscribe",
        "i|we|ive said|told|asked|texted|wrote|replied|typed|sent|saying ~2 stop|"
        "unsubscribe ~2 times|twice|already|before",
        "dije|dicho|pedi|pedido|avise|digo|repito|repeti|exijo ~4 pararan|paren|pare|parara|dejaran|dejen|deje|"
        "detengan|detuvieran|cancelen|cancelaran|quiten|quitaran|borren|borraran|alto|stop",
        "i|we|ive ~1 said|texted|replied|typed|wrote|sent stop ~2 last|yesterday|days|weeks|week|month|earlier|before",
        # Not needed any more.
        "no ~1 me|nos lleguen|llegue|lleguen ~2 {mensaje}|mas",
        "no ~1 hace|haga falta|hace ~2 {manden}|{mandar}|mensajes|mensaje|textos",
        "no ~1 necesario|necesito|ocupo|requiero ~3 {manden}|{mandar}|mensajes|mensaje|textos",
        "no ~1 need|reason|point ~4 text|texting|message|messaging|messages|texts|contact|contacting|email|emails",
        # What they will do about it.
        "voy|vamos|tendre|tengo|puedo a|que? bloquear|bloquearlos|denunciar|denunciarlos|reportar|reportarlos",
        "bloqueare|bloqueo|denunciare|reportare ~3 numero|los|este|esto|ustedes",
        "dont|not|never|no|longer want|wish|wanna|like|need|care to? ~1 get|receive|getting|receiving ~1 these|this|"
        "them|those|anything|any",
        "knock|cut it off|out ~2 {msg}|texting",
        "rather|prefer ~5 call|phone|mail ~4 than|not text|texts|email|{msg}",
        "asked|told|telling|said|asking|beg|begging you|u|yall|them|everyone ~5 stop|quit|unsubscribe|remove|cancel|"
        "cease|unsub",
        "stop|quit|stoop|stopp|sto|stp|sotp|stpo {send}",
        "not|dont|wont|never|done|finished|through doing|do|taking|answering|filling|completing|responding|reading|"
        "answer|with ~3 survey|surveys|texts|questionnaires ~1 anymore|ever|again",
        "spare me ~3 {msg}",
        "save your|the {msg}",
        "take|remove|get|keep|leave|drop|pull|cut ~1 me|us|my ~1 off|from|out ~5 {msg}|list|lists|thread|rotation",
        "want|wanna|like|need ~1 off|out ~1 of? ~1 list|program|{msg}|study",
        "want|like|wish|love|need|trying to? stop|quit|cease ~1 getting|receiving|being|hearing|all",
        "dont|not|no ~2 do texts|texting|emails|surveys",
        "unenrol|unenrolling|unenrolled|desuscribo|unlist|unsubcribe",
        "prefer|rather|wish ~3 {send} me|us",
        "no ~1 autorizo|consiento",
        "no ~1 vuelvan|vuelva|vuelvas ~2 {manden}|{mandar}",
        "didnt|never|dont authorize|authorise",
        "stop|quit ~2 me|us",
        "dont|never ~2 this number",
        "no quiero ~1 nada de ustedes",
        "no ~1 deseo participar",
        "dejar de recibir",
        "desactivar|desactiven|desactiva ~2 {mensaje}",
        "no ~1 quiero ~2 recibir",
        "removed|deleted|dropped|taken|unlisted ~1 from|off ~3 list|service|program|system|database|{msg}|this|"
        "your|here",
        "like|want|wish|need|please|ask|asking|request|demand ~3 removed|deleted|unlisted",
        "take|get|keep|remove ~1 my|this|our name|number|phone|cell|info ~1 off|out|from",
        "discontinue|cease|halt|suspend|terminate ~1 sending|all|these|this|texting|contact|messaging",
        "{msg} ~1 need|needs|must|have|has|should|gotta to? stop|end|cease",
        "refrain from",
        "prefer|rather ~1 not ~3 {msg}|receive|get|be|texted|contacted",
        "not ~1 to? receive|get ~3 {msg}",
        "not ~1 to? be contacted|texted|messaged",
        "want|need no more? ~1 {msg}",
        "no need ~2 {msg}",
        "stop|quit ~1 blowing|filling|clogging ~1 up? my|phone|inbox",
        "out of my phone|inbox",
        "hear from you anymore|again",
        "dont|not|never|no ~3 hear|hearing from",
        "withdraw|unenroll|discontinue|disenroll me|us|my",
        "dont ~1 need ~2 text|texts|messages|reminders|msgs|these",
        "should not|never ~3 list",
        "que paren|dejen|cancelen|detengan|cesen",
        "no ~1 necesito ~2 {mensaje}",
        "no ~2 seguir|sigan|siga ~1 recibiendo|enviando|mandando|recibirlos",
        "retirenme|remuevanme|desactivenme|desinscribanme|desactivame|retireme",
        "retiren|retire|desactiven|bloqueen|anulen|anular|anule ~2 numero|suscripcion|{mensaje}|mi",
        "dejen|deja|deje|dejenme ~1 de ~1 chingar|joder|fregar|fastidiar|mandar|escribir|enviar|llamar|molestar|"
        "mandando",
        "no ~2 estoy ~1 interesado|interesada",
        "stop|cease|discontinue|halt|quit|end|block {those}? {those}? {those}? {those}? {msg}",
        "stop|quit|cease|stopp ~1 {send}|asking|contacting|calling",
        "stop|quit please|now|already|immediately|thanks",
        "how ~4 stop|end|cancel|turn|disable|quit ~1 {those}? {those}? {msg}",
        "how ~4 unsubscribe|unsub|optout",
        "how ~4 remove|delete me|myself|number|my",
        "how ~4 get|opt off|out ~2 {msg}|this|these|list",
        "cease and desist",
        "cease all?",
        "no more {those}? {those}? {msg}|{mensaje}|please|pls|of|this|these",
        "no further|additional {msg}",
        "no {msg} please|anymore",
        "nomore|nomas ~2 {msg}|{mensaje}",
        "enough with|of|already ~2 {msg}|this|these",
        "dont|never|not|no|stop|quit ever|please|you|wish|want|like|need|care|to|be|you? ~3 {send}|contacted|"
        "texted|messaged|emailed ~1 me|us|"
        "anymore|again|more|this|here|number",
        "dont|never|not {send}",
        "dont|never ever|you {send}",
        "please|do not|never {send}|disturb",
        "dont disturb",
        "dont|never send|sending ~3 {msg}|anything|me|more|any|these|this|anymore|stuff",
        "dont|not|no|never ~1 want|wish|wanna|need|like|care|interested ~3 {those}? ~2 {msg}",
        "dont|not|never|longer want|wish|wanna|care to? receive|participate|subscribe",
        "dont|not|never|longer want|wish|wanna to? get|be|hear|keep|continue ~3 {msg}|contacted|texted|messaged|"
        "texting|messaging|receiving|from|bothered",
        "stop|quit|cease messages",
        "no longer want|wish|need|like|interested|consent|participate|participating|desire|require|care ~6 {msg}|"
        "these|this|them|receive|participate|"
        "in|participating|from|consent",
        "no longer consent|participate|participating|interested",
        "dont|not|do|never consent|consented|agree|agreed|authorize|authorized|sign|signed|subscribe|subscribed "
        "~2 to|for|receive",
        "not interested",
        "didnt|never ~1 sign|signed|ask|asked|agree|agreed|consent|subscribe|subscribed ~3 this|these|{msg}|for|to",
        "unsubscribe|unsubscribed|unsub|optout|unsubscribing|unsubscribes|desubscribe|deregister|unenroll|"
        "disenroll|unregister|unfollow",
        "opt|opted|opting|opts ~2 out",
        "take|remove|delete|drop|get|pull|cut|strike|scratch|erase|scrub|cross|kick ~1 me|us|my|this|our ~5 off|"
        "from|out ~3 list|lists|"
        "system|database|{msg}|this|these|your|group|program|here|it|thread|records|number|phone",
        "remove|delete|erase|lose|forget|drop|scrub ~1 my|this|our|the ~2 number|phone|contact|info|cell|name|"
        "email|address|information|data|digits",
        "remove|delete|unlist ~1 me|us",
        "off your|the|this|ur list|database|{msg}",
        "from your|the|this|ur list|lists|database",
        "leave|let me|us ~3 alone",
        "enough ~1 {msg}",
        "get lost",
        "fuck|f|piss|buzz|bug|screw|sod off",
        "lose my number",
        "turn|shut|switch ~1 off ~3 {msg}|these|notifications",
        "turn|shut ~3 {msg}|these|this|notifications|them off",
        "withdraw|withdrawing|revoke|revoking|rescind|retract|withdrawn|revoked ~3 consent|permission|"
        "authorization|agreement|subscription|"
        "enrollment|from|participation",
        "cancel|cancell|cancelling|canceling|end|terminate|discontinue|deactivate|disable {those}? {those}? "
        "{those}? {msg}|subscription|enrollment|program|service|"
        "services|membership|account|participation|registration|signup",
        "done with ~2 text|texts|messages|emails|reminders|notifications|you|program",
        "quit|leave|exit|leaving|quitting ~1 program|list|group|study",
        "no|nunca quiero|quisiera|deseo que ~2 {manden}",
        "no|nunca|ni|jamas ~1 me|nos|lo|le {manden}",
        "no|nunca mas? {manden}",
        "no|nunca ~1 mas {mensaje}",
        "no mas {mensaje}|{msg}|porfavor|sms|textos",
        "no ~1 quiero|deseo|quisiera|necesito|quieren|autorizo|acepto ~4 {mensaje}|recibir|recibirlos|recibirlas|"
        "recibiendo|reciba|suscripcion|"
        "participar|seguir",
        "no quiero que me {manden}|esten",
        "no quiero ~1 nada|saber|ser|estar|seguir|esto ~1 de|mas|ustedes|aqui|contactado|contactada",
        "dejen|deje|deja|dejenme|dejeme|dejame|dejad|paren|pare|para|parar|basta|dejar ~2 de ~2 {mandar}|"
        "{mensaje}|llamar|llamarme",
        "dejen|deje|deja|dejenme|dejeme|dejame|dejarme ~1 en paz",
        "dejenme|dejeme|dejame tranquilo|tranquila|solo|sola",
        "en paz porfavor?",
        "paren|pare|parar|parad|detener|detenga|detengan|detengase|suspender|suspenda|suspendan|cesen|terminen|"
        "eliminen|parenle|parale|suspendan|"
        "desactiven|desactivar|finalizar|bloquear|detienen|detente|alto|quiten|cancelen|anular ~1 con|los|estos|"
        "sus|las|esos|esas|de|el|a? "
        "~1 {mensaje}|eso|esto",
        "alto|basta|suficiente|stop ~2 {mensaje}",
        "ya basta",
        "basta ya|porfavor|de",
        "alto ya|porfavor",
        "cancelar|cancele|cancela|cancelen|cancelo|cancelarme|cancelame|cancelacion ~4 {mensaje}|suscripcion|"
        "inscripcion|servicio|programa",
        "darme|denme|deme|dame|darnos|dar|denos|dese|damos|dadme|daros|dandome de baja",
        "dar|den|doy|pido|quiero|solicito|deseo|solicitar|favor ~2 baja",
        "baja porfavor",
        "baja de|del ~2 lista|{mensaje}|servicio|programa",
        "quite|quiten|quiteme|quitenme|quitame|saque|saquen|saqueme|sacame|saquenme|borre|borren|borreme|"
        "borrenme|borrame|elimine|eliminen|"
        "elimineme|eliminenme|eliminame|eliminar|borrar|quitar|quitarme|sacarme|borrarme|eliminarme|remover|"
        "removerme|remueva|remuevan|"
        "remuevame ~4 numero|lista|telefono|contacto|datos|nombre|celular|registro|sistema|correo|base|aqui",
        "no ~2 interesa|interesado|interesada",
        "no molestar|molesten|moleste|molestes",
        "desuscribir|desuscribirme|desuscriban|desuscribe|desinscribir|desinscribirme|desapuntarme|desuscribanme|"
        "desuscribeme|desuscripcion|"
        "desafiliar|desafiliarme",
        "revoco|retiro|revocar|retirar ~2 consentimiento|autorizacion|permiso|participacion",
        "salir|salirme|salgo de ~2 lista|grupo|programa|{mensaje}|esto",
        "no ~1 doy|di ~2 permiso|consentimiento|autorizacion",
        "como ~4 cancelo|cancelar|detengo|detener|paro|quito|salgo|desuscribo|parar ~3 {mensaje}|esto|"
        "suscripcion|lista",
        "cansado|cansada|harto|harta ~2 {mensaje}",
        "demasiados {mensaje}",
        "no ~1 sigan|siga|sigas ~1 {mandar}",
        "arret|arretez|stopall|stahp|stopit",
    ),
    "certain_at_end": (
        "how ~4 stop|end|cancel|turn|disable|quit ~1 these|this|them|it off?",
        "want|wanna|like|need ~1 off|out ~1 of? this|these|here",
        "quiero salir|salirme",
        "no please? {msg}",
        "no {msg} or|and|nor {msg}",
        "text|texts|texting|messages off",
        "no texting|messaging|mensajes|textos",
        "you|u can|may ~1 stop|quit|end",
        "knock|cut it off|out",
        "lay off",
        "give it a rest",
        "cut ~1 it ~1 out",
        "lay off ~2 {msg}",
        "ya no porfavor",
        "cancelen|cancele|cancela|paren|alto esto|eso|todo|ya",
        "ya estuvo|basta",
        "drop|discharge me",
        "stop|quit ~1 please|porfavor|thanks",
        "can|could|would|will|wont|cant you ~2 stop|quit",
        "you|guys need|have|must|should to? stop",
        "said|say|saying|told|asked|asking|typed|texted|replied|wrote|sent|tell|replying ~4 stop|unsubscribe",
        "want|wish|like|need|demand|asking|ask you|these|them|texts|everything|messages to? stop|stopped|end",
        "dont|not|no|never ~1 want|wish|wanna|need these|this|them|anymore|more|any|those",
        "take|get me off",
        "let me be|out|off",
        "i want|wanna out",
        "count me out",
        "please|just|already|now|porfavor|hey|ok stop|quit|unsub|cease|desist|end|alto|basta|parar|paren",
        "make ~1 texts|messages|them|these stop",
        "ya no quiero mas|esto|eso|nada",
        "no quiero mas|esto|nada mas?",
        "no quiero ~1 saber ~1 de ustedes",
        "quiteme|quitenme|saqueme|saquenme|sacame|borreme|borrenme|borrame|eliminame|eliminenme|elimineme",
        "bye forever",
        "stop|quit this|these|them|those|everything|all",
    ),
    "unsure_at_end": (
        "better|fine|good|healed|moved|done|well ~3 , no more",
        "bien|mejor|curado|curada ~3 , ya|no no|mas",
        "make these|them|texts|messages ~1 go away",
        # A person must see to the other way, and may have asked "shall we call?".
        "contact|email|call|phone me ~2 only|instead",
        "prefer|rather|prefiero|mejor ~1 by|via|por? email|emails|mail|correo|correos ~1 only?",
        "want by? email|emails|mail ~1 only?",
        "email|emails|correo|correos only|solamente|nomas",
        "only|just|solo|solamente by|via|por|use|el? email|emails|correo|correos me?",
        "so i|we dont ~1 get|receive ~1 these|this|them|{msg}",
        "want|like|wish|ask|need ~1 be ~1 off|out",
        "shut up",
        "i|we want|wanna|like to? stop|quit",
        "make it stop",
        "want it|this|that to? stop|end",
        "cancel|end|quit|stop this|it|that|everything|them|me",
        "done with this|it|these|you",
        "im out",
        "dont ~1 like this|these",
        "not for me",
        "ya no quiero",
        "no quiero",
    ),
    "unsure": (
        "you|youre|u|are bugging|bothering|annoying|pestering|harassing me|us",
        "cancel|end|stop all of? these|those|them",
        "dont|not|no know|have ~1 any|anybody|anyone by",
        "number ~2 disconnected",
        "no ~4 longer ~3 number",
        "not|isnt the? right|same|correct person|number|patient",
        "never ~2 been|gone|visited ~1 your|this ~1 clinic|office",
        "never been|gone|visited there",
        "no ~1 soy la|el|su",
        "aqui no ~1 esta|existe",
        "no ~1 conozco ~1 a",
        "nobody|no|noone ~1 called ~2 here",
        "nobody|no|noone ~1 at|with|has this|that number",
        "nobody|no|noone ~1 with this|that name",
        "dont need|want ~3 checking on|in|up",
        "instead of ~1 text|texts|texting|messaging|messages|email|emails|emailing",
        "en vez|lugar de ~1 {mensaje}",
        "not|never ~1 patient ~1 remove|delete|stop|anymore",
        "how many times ~6 stop|unsubscribe|quit",
        "dont|not|no know ~1 any|a|this|who",
        "unwanted|unsolicited ~1 {msg}",
        "{msg} ~2 unwanted|unsolicited|annoying",
        "no longer|not ~2 patient|client ~1 anymore|there|here|of|with",
        "dont go there|here",
        "not me",
        "beat it",
        "go to hell",
        "fuck|screw you|u|this",
        "remove|delete|take ~3 from|off ~2 {msg}",
        "passed away",
        "too many {msg}",
        "tired|sick ~2 of ~3 {msg}",
        "dont know who ~1 this|you|u",
        "deceased|fallecio|murio|fallecido|fallecida",
        "nostop",
        "report|reporting|reported|reportar|reportare you|spam|fcc|this|los|as",
        "spam|harassment|harassing|acoso",
        "blocked|blocking|block ~2 you|number|los",
        "lawyer|sue|suing|attorney|fcc|tcpa|demanda|demandar",
        "too much texting|messages",
        "no longer|longer a patient",
        "no thank you to",
        "mute|snooze|pause ~2 {msg}|these|this|me",
        "pausar|pausa|pausen ~2 {mensaje}",
        "fewer|less {msg}",
        "menos {mensaje}",
        "why ~3 you ~2 texting|messaging|sending|contacting|bothering",
    ),
    "calls": (
        "dont|never|not call|calling me",
        "no me llamen|llame",
    ),
    "calls_at_end": ("dont call me?",),
    "guard_at_end": (
        "nurse|doctor|pt|therapist|surgeon|physio|provider ~2 told|said|says|asked|wants|wanted|advised ~2 stop|quit",
        "told|asked|advised me|us ~1 stop|quit",
    ),
    "guard": (
        "no|nope|nah ~1 just|only text|message|texto|mensaje",
        "no|nope ~1 you can text|message me",
        "i|we called|dialed|texted ~3 wrong|incorrect ~1 {person}",
        "i|we had ~1 wrong number",
        "gave|give|given me|us ~2 wrong|incorrect ~1 {person}",
        "dieron|dio|llame|marque|puse ~2 numero|telefono ~1 {erroneo}",
        "wrong number for my",
        "wrong|right person to ask|see|talk",
        "wrong|right patient label|chart|name|info|information|record|records",
        "number one|two",
        "patient person|type|kind|enough",
        "no|nobody|noone ~3 at|with this|that number ~1 answers|answered|answering|answer|picks|picked|pick|responds",
        "i|ill|we|to just|only email|mail",
        "you|u prefer|want email|emails",
        "told|asked ~2 boss|doctor|husband|wife|son|daughter|mom|kids|work ~2 stop|quit",
        "dont disturb ~1 while|is|mode|on|turned|was|setting|driving|feature|enabled",
        "end|ending it all",
        "end|ending|finish ~1 life",
        "new phone ~1 number|is|and|today|so|works",
        "de baja en|del|por ~1 trabajo|incapacidad|medica",
        "no ~1 me deja|dejan ~1 en paz",
        "delete ~1 that|last|my last|message|text|previous",
        "dont know any|a|who ~3 exercises|exercise|other|good|reason|better|to|doctor",
        "can|could i|we|they stop|quit|end|cancel|remove",
        "stop and go",
        "stop|stopped|stopping by|at|over",
        "bus|train|truck|rest|pit|full|metro|subway|next|one stop",
        "wear|wears|wearing|worn ~1 off ~2 end|stop|quit",
        "off|out ~1 work|pain|bed",
        "no contact sports|sport|lens|information|info",
        "remove|take|put|get me ~1 off|from ~3 waitlist|schedule|calendar|appointment|waiting|medication|"
        "medicine|opioids|prednisone",
        "dont|didnt|not|never|wont|cant|doesnt|havent|isnt|wasnt|nopuedo want|mean|need|wish|plan|intend|trying|"
        "going|ever|you|please|like|even|be|"
        "been|think|wanna|meant|have|try? to? to? stop|stopped|stopping|unsubscribe|unsubscribed|opt|opted|"
        "optout|quit|cancel|remove|unsub|end|"
        "removed|discontinue|cease|block|delete|taken",
        "did|does|do|has|have|had|why|when|will|if|until|till|before|after|once|whether|should|must "
        "they|the|my|i|we|it|your|this "
        "stop|stopped|unsubscribe|unsubscribed|quit|cancel|optout",
        "when|if|until|once|before ~1 i|we can|could|should|may|will stop|quit|end|cancel",
        "did|does|do|has|have|had|why|when|if|until|should ~1 the|my|your|these|those ~1 {msg} stop|stopped|end|ended",
        "did|have|had you ~1 stop|stopped|cancel|quit|end|remove",
        "why ~2 stop|cancel|quit|end",
        "need|have|had|told|said|advised|able|want|ok|okay|safe to? to stop|quit taking|using|wearing|doing|"
        "exercising|working|running|my|the",
        "if i ~2 stop|unsubscribe|cancel|quit|opt|reply|text|remove|leave ~2 out|stop?",
        "accidentally|mistakenly|mistake|accident ~4 stop|unsubscribed|unsubscribe|stopped|opted|cancelled|optout",
        "before|until|unless|when i|you stop|unsubscribe",
        "no ~1 quiero|quise|deseo ~2 cancelar|parar|detener|salir|darme|dejar|desuscribirme|eliminar",
        "no dejen|paren|deje|pare|cancelen|eliminen",
        "dont worry|hesitate ~3 text|contact|message",
        "feel free ~1 text|contact",
    ),
    "partial": (
        "before|after|while|during|until|till|between|antes|despues|durante|mientras",
        "at night|work|lunch|dinner|bedtime|weekends|school|midnight",
        "on weekends|sunday|sundays|saturdays|weekdays",
        "so late|early|often|much",
        "de|por|en la? noche|madrugada|manana|trabajo",
    ),
}
