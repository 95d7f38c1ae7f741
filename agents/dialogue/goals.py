"""What a clause asks for, finer than an intent: which record, which question about it, which change.

Patterns of English, Spanish, German and French stand together: their words hardly overlap, and customers mix them. They
see the clause with its order numbers written "§o", its products "§p" and its refund and complaint numbers "§r", "§c".
"""
# ruff: noqa: E501, RUF001 - patterns of four languages, one a line; customers type the typographic apostrophe

from __future__ import annotations

import re

STATUS, LIST, CONTENTS, TOTAL, ETA, TRACKING = "status", "list", "contents", "total", "eta", "tracking"
REFUND_STATUS, COMPLAINT_STATUS = "refund_status", "complaint_status"
CANCEL, ADDRESS, SWAP, PAYMENT, RETURN = "cancel", "address", "swap", "payment", "return"
REFUND, COMPLAINT = "refund", "complaint"
PRODUCT, FITS, SIMILAR, UPGRADE, SEARCH, COMPARE = "product", "fits", "similar", "upgrade", "search", "compare"
BOUGHT, RELATED = "bought", "related"
ASK = "ask"

ORDER_QUESTIONS = frozenset({STATUS, CONTENTS, TOTAL, ETA, TRACKING})
CARE_QUESTIONS = frozenset({REFUND_STATUS, COMPLAINT_STATUS})
CHANGES = frozenset({CANCEL, ADDRESS, SWAP, PAYMENT, RETURN, REFUND, COMPLAINT})
PRODUCT_QUESTIONS = frozenset({PRODUCT, FITS, SIMILAR, UPGRADE, SEARCH, COMPARE, BOUGHT, RELATED})
ABOUT_CUSTOMER = ORDER_QUESTIONS | CARE_QUESTIONS | CHANGES | {LIST}


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)


OWN = _any(
    r"§[orc]",
    r"\bmy\b(?! (?:name|e-?mail)\b)",
    r"\bi (?:just |recently |have )?(?:bought|ordered|got|received|purchased|paid)\b",
    r"\b(?:it|them|that order|this order|these|those|both|the order|the parcel|the package|the delivery)\b",
    r"\bmis?\b|\bel pedido\b|\bcompré\b|\bpedí\b|\beste pedido\b|\bese pedido\b|\bel paquete\b|\blo\b",
    r"\bmeine?[mnrs]?\b|\bdie bestellung\b|\bdas paket\b|\bdiese bestellung\b|\bes\b|\bich (?:gekauft|bestellt)\b|\bbestellt habe\b",
    r"\b(?:mon|ma|mes)\b|\bla commande\b|\ble colis\b|\bcette commande\b|\bj['’]ai (?:command|achet)",
)
"""Something of the customer's own, in this clause or before."""
ABOUT_ME = _any(
    r"\b(?:do|will|am|would|did) i\b",
    r"\b(?:habe|verliere|bekomme) ich\b",
    r"\b(?:pierdo|tengo)\b",
    r"\b(?:perds-je|ai-je)\b",
)
"""Asks what becomes of the customer, not what a product is: "do I lose the warranty?"."""
OWN_THING = _any(r"\bmy\b", r"\bmis?\b", r"\bmeine?[mnrs]?\b", r"\b(?:mon|ma|mes)\b")
OWN_ORDER = _any(
    r"§o|\b(?:order|parcel|package|delivery|shipment|pedido|paquete|env[ií]o|compra|bestellung|paket|lieferung|lieferadresse|sendung|commande|colis|livraison)\b",
    r"\b(?:ship|send|deliver|sent|it)\b",
)
"""Is about an order, not about the account."""
GENERAL = _any(
    r"^\W*(?:if|si|wenn|falls)\b|\bif (?:i|my|the|it|you)\b|\bdo i (?:have|need) to\b|\bmust i\b|\bam i\b|\bafter (?:a|an|the) (?:return|refund|exchange|cancellation)\b|\bmuss ich\b|\btengo que\b|\bdois-je\b",
    r"\bpolic(?:y|ies)\b|\bhow (?:long|many days|much time)\b.*\b(?:return|refund|exchange|send back|cancel|warranty claim)",
    r"\bhow (?:do|can|would|should|does|are|is|to)\b(?! (?:my|the) (?:order|parcel))(?!.*\b(?:compare|differ)).*\b(?:return|refund|cancel|exchange|complain|work|pay|ship|deliver)",
    r"\bwhat happens\b|\bwhat if\b|\bwho pays\b|\bdeadline\b|\bterms\b|\bfree (?:shipping|delivery|returns?)\b|\breturn (?:label|window|period|shipping)\b",
    r"\bdo (?:you|u)\b.*\b(?:ship|deliver|charge|accept|offer|refund|exchange|take)\b(?!.*§o)",
    r"\b(?:shipping|delivery) (?:cost|costs|time|times|fee|fees|options?)\b|\b(?:shipping|delivery)\b.*\b(?:cost|take|free|to)\b(?! me\b)",
    r"\bcan (?:i|we|you|one)\b.*\b(?:return|cancel|exchange|refund|send)\b.*\b(?:an?|any|something|items?|products?|gifts?|opened|used|after|without|if)\b",
    r"\b(?:plazos?|pol[ií]tica|condiciones|gastos de env[ií]o|env[ií]o gratis)\b|\bcu[aá]nto tiempo\b.*\b(?:devol|cambi|tengo)|\bc[oó]mo (?:puedo|se|hago|funciona)\b|\b(?:env[ií]an|hacen env[ií]os) a\b",
    r"\b(?:frist|bedingungen|richtlinien?|versandkosten|lieferzeit(?:en)?|rückgaberecht|widerrufsrecht)\b|\bwie (?:lange|viele tage)\b.*\b(?:zurück|umtausch|rückgabe|retour)|\bwie (?:kann|funktioniert|geht|läuft)\b|\b(?:liefern|versenden) sie\b(?! mein)",
    r"\b(?:d[eé]lais?|politique|conditions|frais de (?:port|livraison|retour))\b|\bcombien de temps\b.*\b(?:retour|renvoy|rendre|[eé]chang)|\bcomment (?:puis-je|faire|fonctionne|retourner|annuler)\b|\blivrez-vous\b",
)
"""Asks how things are done, not to do them."""

_STATUS_WORDS = (
    r"\b(?:where|when|status|state|was|were|has|have|had|did|is|got|received|yet|what about|became|become|accepted|paid|approved|refused|processed|settled|looked|progress|anything|update|news|answer(?:ed)?|open)\b"
    r"|\b(?:d[oó]nde|cu[aá]ndo|estado|ha|han|fue|recibido|lleg[oó]|pas[oó]|resuelt[ao])\b"
    r"|\b(?:wo|wann|status|stand|wurde|ist|hat|haben|habe|schon|bereits|wie weit)\b|\bo[uù]\b|\b(?:quand|statut|[ée]tat|a-t-il|a-t-on|est-il|re[cç]u|avez-vous|en est|trait[ée]e?)\b"
)
_WISH = (
    r"\b(?:want|wants?|like|request|need|please|give|get me|demand|claim|file|make|submit|apply|wish|ask for|issue|can i|could i|can you|could you|i'?d)\b"
    r"|\b(?:quiero|quisiera|necesito|solicit\w+|pido|por favor|deseo|exijo|presentar|poner|hacer|reclamar)\b"
    r"|\b(?:will|möchte|hätte gern\w*|brauche|bitte|verlange|fordere|beantrag\w+|einreichen|beschweren)\b"
    r"|\b(?:veux|voudrais|souhaite|demande|svp|exige|aimerais|d[ée]poser|faire)\b|s['’]il vous pla"
)
_REFUND = r"refund\w*|money back|reimburs\w*|reembols\w*|dinero de vuelta|devoluci[oó]n del dinero|mi dinero|\w*erstatt\w*|geld zurück|rembours\w*"
_COMPLAIN = r"complain\w*|queja\w*|quejarme|reclamaci[oó]n\w*|beschwer\w*|reklam\w*|r[ée]clamation\w*|plainte|plaindre"

COMPLAINING = _any(rf"\b(?:{_COMPLAIN})")
"""Speaks of a complaint by that word."""
PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (COMPLAINT_STATUS, _any(r"§c", rf"(?:{_STATUS_WORDS}).*\b(?:{_COMPLAIN})", rf"\b(?:{_COMPLAIN}).*(?:{_STATUS_WORDS})(?<!is)(?<!was)(?<!has)(?<!have)(?<!ist)(?<!hat)(?<!habe)(?<!ha)")),
    (COMPLAINT, COMPLAINING),
    (REFUND_STATUS, _any(r"§r", rf"(?:{_STATUS_WORDS}).*\b(?:{_REFUND})", rf"\b(?:{_REFUND}|return|devoluci[oó]n|rückgabe|retour)\b.*\b(?:status|state|yet|paid|approved|accepted|arrived|processed|estado|stand|statut)\b", r"\b(?:status|state|estado|stand|statut|[ée]tat)\b.*\b(?:return|devoluci[oó]n|rückgabe|retour)\b", r"\b(?:refunded|reembolsad[ao]|erstattet|rembours[ée]e?s?)\b.*\?")),
    (REFUND, _any(rf"\b(?:{_REFUND})")),
    (CANCEL, _any(r"\bcancel(?:ling|ing|ation)?\b", r"\bcall off\b", r"\b(?:cancel(?:a|ar|en|e|arlo|arla|aci[oó]n)|anul(?:a|ar|en|e|arlo))\b", r"\bstornier\w*|\bstorno\b|\babbestell\w*|\bwiderrufen\b", r"\bannul(?:er|ez|e|ation)\b")),
    (ADDRESS, _any(
        r"\b(?:change|update|modify|wrong|different|new|another|other|correct|edit|fix|incorrect)\b.{0,40}(?<!mail )\baddress\b", r"(?<!mail )\baddress\b.{0,40}\b(?:wrong|change|changed|incorrect|update|to)\b",
        r"\b(?:ship|send|deliver)\b.{0,30}\b(?:to (?:another|a different|a new|my (?:office|work|parents))|somewhere else|elsewhere)\b", r"\bi(?:'ve| have)? moved\b",
        r"\b(?:cambi\w+|modific\w+|otra|nueva|actualiz\w+|corregir)\b.{0,40}\bdirecci[oó]n\b", r"\bdirecci[oó]n\b.{0,30}\b(?:cambi\w+|incorrecta|equivocada|mal)\b",
        r"\b(?:\w*adresse|anschrift)\b.{0,40}\b(?:änder\w*|falsch|ander\w+|neu\w*|korrigier\w*)\b", r"\b(?:andere|neue|falsche)[nr]?\b.{0,20}\b(?:\w*adresse|anschrift)\b|\b(?:änder\w+|korrigier\w+)\b.{0,40}(?:adresse|anschrift)",
        r"\b(?:chang\w+|modifi\w+|autre|nouvelle|corrig\w+)\b.{0,40}\badresse\b(?! (?:e-?mail|est))", r"\badresse\b.{0,30}\b(?:fausse|erron[ée]e|chang\w+|incorrecte)\b")),
    (PAYMENT, _any(
        r"\b(?:change|switch|use|different|another|update|modify)\b.{0,40}\b(?:payment|pay(?:ing)?|credit card|gift card|paypal|card)\b", r"\bpay\b.{0,40}\bwith (?:another|my|a different|the|pay ?pal)\b(?!.*\?)",
        r"\b(?:cambi\w+|modific\w+)\b.{0,40}\b(?:pago|tarjeta|paypal)\b|\bpagar\b.{0,30}\bcon (?:otra|mi)\b",
        r"\b(?:zahlung\w*|bezahl\w*|karte)\b.{0,40}\b(?:änder\w*|wechsel\w*|ander\w+)\b|\b(?:änder\w+|wechseln)\b.{0,30}\bzahlung\w*",
        r"\b(?:chang\w+|modifi\w+)\b.{0,40}\b(?:paiement|carte|paypal)\b|\bpayer\b.{0,30}\bavec (?:une autre|ma)\b")),
    (RETURN, _any(
        r"\breturn(?:ing)?\b(?! (?:label|policy|address))", r"\bsend(?:ing)?\b.{0,40}\bback\b|\bgive\b.{0,30}\bback\b",
        r"\b(?:devolver\w*|devoluci[oó]n|devuelvo|retornar)\b", r"\bzurück(?:geben|schicken|senden|zugeben|zuschicken|zusenden)\b|\b(?:gebe|schicke|sende)\b.{0,40}\bzurück\b|\bretour\w*|\brücksend\w*|\brückgabe\b",
        r"\b(?:retourner|renvoyer|rendre|retour)\b")),
    (SWAP, _any(
        r"\b(?:exchang\w+|swap\w*)\b|\b(?:another|different) (?:variant|colou?r|size|version|model)\b", r"\b(?:change|modify|switch|replace)\b.{0,60}(?:\b(?:colou?r|size|variant|storage|items?|products?|version|model|black|white|blue|red|green|silver|pink)\b|§p)", r"\b(?:change|modify)\b.{0,20}(?:§o|\b(?:my|the|that|this) order\b)",
        r"\binstead\b.{0,40}§o|§o.{0,60}\binstead\b",
        r"\b(?:intercambi\w+|canjear)\b|\b(?:cambi\w+)\b.{0,60}(?:\b(?:color|talla|art[ií]culo|producto|modelo|tamaño|negro|blanco|azul)\b|§p|§o|\bpedido\b)",
        r"\b(?:um|ein|aus)?tausch\w*\b|\b(?:änder\w*|wechsel\w*)\b.{0,60}(?:\b(?:farbe|größe|artikel|produkt|variante)\b|§p|§o|\bbestellung\b)|\b(?:andere|anderer|anderen)\b.{0,15}\b(?:farbe|größe|variante|version)\b",
        r"\b[ée]chang\w*\b|\b(?:chang\w+|modifi\w+)\b.{0,60}(?:\b(?:couleur|taille|article|produit|mod[èe]le)\b|§p|§o|\bcommande\b)")),
    (COMPARE, _any(
        r"\bcompar\w*\b(?!t?ible)", r"\b(?:versus|vs\.?)(?!\w)", r"\bdiffer\w*\b", r"\b(?:better|best|lighter|heavier|cheaper|faster|bigger|smaller|longer|newer)\b.*(?:§p.*§p|\bof (?:the )?(?:two|three|them|these|both)\b)", r"§p.*\bor\b.*§p", r"§p.*§p.*\b(?:which|better|lighter|heavier|cheaper|longer|bigger)\b",
        r"\bdiferencia\w*\b|§p.*\bo\b.*§p|\bmejor\b.*§p.*§p", r"\bvergleich\w*\b|\bunterschied\w*\b|§p.*\boder\b.*§p", r"\bdiff[ée]ren\w*\b|§p.*\bou\b.*§p|\bmieux\b.*§p.*§p")),
    (RELATED, _any(r"\bhow (?:is|are|do)\b.*\b(?:related|connected|relate)\b.*", r"\bwhat (?:has|have|do)\b.*\bto do with\b.*§p")),
    (BOUGHT, _any(r"\b(?:often|usually|frequently) (?:bought|ordered|purchased)\b", r"\bbuy (?:together )?with\b|\bbought together\b", r"\bse suelen? comprar\b", r"\bzusammen gekauft\b|\boft gekauft\b", r"\bsouvent achet\w+\b")),
    (UPGRADE, _any(r"\bupgrades? (?:for|of|to|from) (?:the |my |a )?§p|\bwhat\b.*\bupgrade\b.*§p|\bsuccessor\b|\bstep up\b|\bnewer (?:model|version)\b", r"\bsucesor\b|\bmodelo (?:m[aá]s nuevo|superior)\b", r"\bnachfolger\b|\bneuere[sr]? modell\b", r"\bsuccesseur\b|\bmod[èe]le (?:plus r[ée]cent|sup[ée]rieur)\b")),
    (SIMILAR, _any(r"\bsimilar\b|\balternatives?\b|\b(?:something|anything|products?) like\b", r"\b(?:similares?|parecid[oa]s?|alternativas?)\b", r"\bähnlich\w*|\balternativen?\b", r"\b(?:similaires?|semblables?)\b|\bressembl\w+")),
    (FITS, _any(
        r"\bfits?\b|\bcompatib\w+|\baccessor(?:y|ies)\b|\b(?:goes|go|works?) (?:together )?with\b|\b(?:which|what)\b.*\bcan i (?:put|use)\b|\bcan i (?:put|use)\b.*§p.*\b(?:into|in|with)\b.*§p|\b(?:which|what) (?:case|sleeve|charger|cable|memory|ssd|dock|keyboard|mouse|cover|adapter)s?\b.*\b(?:for|with|into|to)\b",
        r"\bcompatibles?\b|\baccesorios?\b|\bsirven?\b.*\bpara\b|\bvan? con\b", r"\bpass(?:t|en)\b|\bkompatib\w+|\bzubehör\b", r"\baccessoires?\b|\bconvien\w+|\bvont? avec\b")),
    (TRACKING, _any(
        r"\btrack(?:ing)?\b|\bcarrier\b|\bcourier\b|\bwho (?:brings|delivers)\b", r"\bwhere\b.{0,20}\b(?:parcel|package|delivery|shipment)\b|\b(?:parcel|package)\b.{0,20}\b(?:last|now)\b",
        r"\b(?:seguimiento|rastre\w+|transportista|mensajer[ií]a)\b|\bd[oó]nde\b.{0,20}\bpaquete\b", r"\bsendungs\w+|\bverfolgen\b|\bpaketdienst\b|\bzusteller\b|\bwo\b.{0,20}\b(?:paket|sendung)\b", r"\b(?:suivi|suivre|transporteur)\b|\bo[uù]\b.{0,20}\bcolis\b")),
    (ETA, _any(
        r"\bwhen\b(?!.*\bback in stock).{0,60}\b(?:arriv\w*|come|comes|coming|get|deliver\w*|expect\w*|here|receive|reach\w*|due|ship\w*)\b", r"\b(?:arrival|delivery|expected) date\b|\bhow (?:long|soon)\b.{0,30}\b(?:until|till|before|arriv\w*|my (?:order|parcel|package))", r"\bwill\b.{0,40}\b(?:arrive|be here|get here|come)\b",
        r"\bcu[aá]ndo\b.{0,40}\b(?:lleg\w*|recib\w*|entreg\w*|viene)", r"\bwann\b.{0,60}\b(?:komm\w*|an|da|gelief\w*|zugestellt|bekomme|erhalte|eintr\w+)\b", r"\bquand\b.{0,50}(?:arriv|re[cç]oi|recevr|livr|vien)")),
    (CONTENTS, _any(
        r"\bwhat(?:'s| is| was| are)?\b.{0,20}\bin\b.{0,15}(?:§o|order|it\b|parcel|package)", r"\b(?:which|what) (?:items?|products?|things?)\b.{0,30}(?:§o|\bin\b|\border)", r"\bwhat (?:did|have) i (?:buy|bought|order|ordered|get)\b|\b(?:items|contents) (?:in|of)\b",
        r"\bqu[eé] (?:hay|compr[eé]|contiene|ped[ií]|lleva|tiene)\b", r"\bwas (?:ist|war|habe ich|enthält|steckt)\b.{0,40}(?:\b(?:in|bestellt|gekauft|drin)\b|§o)", r"\bque contient\b|\bqu['’]y a-t-il\b|\bqu['’]est-ce que j['’]ai\b|\bqu['’]ai-je\b")),
    (TOTAL, _any(
        r"\bhow much\b.{0,40}(?:§o|\b(?:my|that|this|the) order\b|\bdid i pay\b|\bdid i spend\b|\bin total\b)", r"\bwhat did i (?:pay|spend)\b|\b(?:total|sum|amount|price)\b.{0,20}(?:§o|\border\b)|(?:§o|\border\b).{0,20}\btotal\b",
        r"\bcu[aá]nto (?:pagu[eé]|cost[oó] (?:mi|el) pedido|fue)\b|\btotal\b.{0,20}(?:pedido|§o)", r"\bwie ?viel\b.{0,40}\b(?:bezahlt|gekostet|insgesamt)\b|\bgesamt\w*\b.{0,20}(?:bestellung|§o)", r"\bcombien\b.{0,20}\b(?:pay[ée]|co[uû]t[ée])\b|\btotal\b.{0,20}(?:commande|§o)")),
    (LIST, _any(
        r"\b(?:show|list|see|view|what are|give|check)\b.{0,20}\b(?:my|all|recent|past|previous)\b.{0,10}\borders\b|^\W*(?:my|all my) orders\W*$|\border history\b|\bmy (?:recent|past|last|previous|latest) orders\b", r"\bmis (?:pedidos|compras)\b", r"\bmeine bestellungen\b|\balle bestellungen\b", r"\bmes (?:commandes|achats)\b")),
    (STATUS, _any(
        r"\bwhere\b.{0,30}(?:§o|\border\b|\bpurchase\b|\bit\b|§p)", r"\b(?:status|state)\b(?!.*\bunited)", r"\b(?:shipped|dispatched|sent|delivered|arrived|packed|out for delivery|on (?:its|the) way|in transit|left the warehouse)\b", r"\b(?:any )?(?:news|update)\b.{0,20}(?:§o|\border\b)", r"\b(?:look up|check|show me|find|track|about)\b.{0,30}(?:§o|\bmy order\b)",
        r"\bd[oó]nde\b.{0,30}(?:§o|\bpedido\b|\bcompra\b)|\bestado\b|\benviad[oa]\b|\bha llegado\b|\bentregad[oa]\b", r"\bwo (?:ist|bleibt|steckt|sind)\b|\b(?:status|stand)\b|\b(?:verschickt|versandt|versendet|abgeschickt|unterwegs|zugestellt|geliefert|angekommen)\b", r"\bo[uù] (?:est|en est|se trouve)\b|\bstatut\b|\b[ée]tat\b|\bexp[ée]di[ée]\w*|\benvoy[ée]\w*|\blivr[ée]e\b|\barriv[ée]e\b")),
)  # fmt: skip
SEARCHING = _any(
    r"\b(?:show|list|looking for|look for|search for|recommend|suggest|do you (?:have|sell|carry)|cheapest|best|which|what)\b", r"\b(?:busco|muestr\w+|ens[eé]ñ\w+|recomi\w+|tien\w+|m[aá]s barat\w+|qu[eé])\b",
    r"\b(?:suche|zeig\w*|empfehl\w*|haben sie|habt ihr|günstigste\w*|welche)\b", r"\b(?:cherche|montr\w+|recommand\w+|avez-vous|moins ch[eè]re?|quels?|quelles?)\b",
)  # fmt: skip
LIMITED = _any(
    r"\b(?:under|below|less than|cheaper than|up to|at most|over|above|more than|between|menos de|hasta|m[aá]s de|unter|bis|weniger als|moins de|jusqu['’][àa]|plus de)\b.{0,12}\d"
)
"""Names a price limit."""
EXPLICIT_COMPARISON = _any(
    r"\bcompar\w*\b",
    r"\b(?:versus|vs\.?)(?!\w)",
    r"\bdiffer\w*\b|\bdiferenci\w*|\bvergleich\w*|\bunterschied\w*|\bdiff[ée]ren\w*",
)
MODAL = _any(
    r"^\W*(?:can|could|may|do|does|should|would|will|is it|are|puedo|se puede|podr[ií]a|kann|k[oö]nnte|darf|soll|puis-je|peut-on|est-ce que)\b"
)
"""Asks whether something can be done."""
IMPLICIT_COMPLAINT = _any(
    r"\b(?:arrived|came|received|delivered|got|was|is|are|were)\b.{0,40}\b(?:broken|damaged|scratch\w*|crack\w*|dented|defective|faulty|wrong|incomplete|empty|shattered|bent)\b", r"\bwrong (?:item|product|colou?r|size|one)\b|\bmissing from\b|\bis missing\b|\bnever (?:arrived|came)\b|\bstill (?:not|hasn['’]t) arrived\b",
    r"\b(?:roto|rota|dañad[oa]|rayad[oa]|defectuos[oa]|equivocad[oa])\b|\bfalta\b", r"\b(?:kaputt|beschädigt|defekt|zerkratzt|falsche[rsn]? (?:artikel|ware|produkt))\b|\bfehlt\b", r"\b(?:cass[ée]e?|ab[iî]m[ée]e?|endommag[ée]e?|d[ée]fectueux|d[ée]fectueuse|ray[ée]e?)\b|\bmanque\b",
)  # fmt: skip


def find_goal(masked: str, *, numbered: bool, about_past: bool) -> str:
    """Return the goal of a clause, "" when its words alone do not tell.

    Args:
        masked: the clause with numbers and products masked.
        numbered: whether it names an order, refund or complaint.
        about_past: whether the customer refers to something that was said before.
    """
    own = numbered or about_past or bool(OWN.search(masked))
    if not numbered and GENERAL.search(masked) and not re.search(r"§[rc]", masked):
        return ASK
    for goal, pattern in PATTERNS:
        if pattern.search(masked) and (own or goal not in ABOUT_CUSTOMER or _demands(goal, masked)):
            return goal
    return ""


def _demands(goal: str, masked: str) -> bool:
    """Whether a clause that names nothing of the customer's own asks for it all the same: "I want to cancel"."""
    if goal in CHANGES:
        return bool(re.search(_WISH, masked, re.IGNORECASE)) or len(masked.split()) <= 3  # noqa: PLR2004 (words)
    return len(masked.split()) <= 3  # noqa: PLR2004 (words: "order status", "tracking number")
