"""Complaints: what is wrong, with what, and what the customer would like to be done."""
# ruff: noqa: E501, RUF001 - patterns of four languages, one a line; customers type the typographic apostrophe

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from agents.dialogue import goals
from agents.dialogue.finding import find_orders, item_kinds_of, order_of
from agents.dialogue.orders import offer_orders
from agents.dialogue.references import content, items_named, picked
from agents.dialogue.saying import plain
from agents.dialogue.slots import ENDED, FILLED, ask, request_of
from agents.dialogue.state import Option
from commerce.models.care import ComplaintKind, Wanted

if TYPE_CHECKING:
    from agents.dialogue.state import Task
    from agents.dialogue.talk import Talk

FAULTY = (ComplaintKind.DAMAGED, ComplaintKind.DEFECTIVE)
MAX_TEXT = 5000
NO_ORDER = "none"
ENOUGH = 2  # words that say something, beside those of complaining
MAX_OFFERED = 6
NUMBERS = re.compile(r"#?\b[A-Z]{1,4}[-\s]?\d{3,}\b|#\d{3,}", re.IGNORECASE)

KINDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(rf"\b(?:{words})", re.IGNORECASE))
    for kind, words in (
        (ComplaintKind.WRONG, r"wrong (?:item|product|colou?r|size|one|thing|model)|not what i ordered|different (?:item|product)|equivocad\w*|otro (?:art[ií]culo|producto)|falsche[rsn]?|nicht (?:das )?bestellt|mauvais\w*|pas (?:le bon|la bonne)|erreur de (?:produit|couleur)"),
        (ComplaintKind.MISSING, r"missing|incomplete|only (?:got|received)|empty box|not (?:in the box|included)|falta\w*|incomplet\w*|fehlt|fehlen|unvollständig|manqu\w*"),
        (ComplaintKind.DAMAGED, r"damag\w*|scratch\w*|crack(?:s|ed)?\b|dent(?:ed|s)?\b|broken on arrival|arrived broken|shatter\w*|torn|crushed|dañad\w*|rayad\w*|roto|rota|golpead\w*|beschädig\w*|zerkratz\w*|kratzer|delle|riss|endommag\w*|ab[iî]m\w*|ray[ée]\w*|fissur\w*|cass[ée]\w*"),
        (ComplaintKind.DEFECTIVE, r"(?:does|do|did)(?:n['’]?t| not) (?:work|turn|charge|start|connect)|not working|stopped working|defect\w*|fault\w*|broken|broke\b|dead\b|won['’]?t (?:turn|start|work|charge|connect|open|close|boot|switch|hold|play|power)|crash\w*|no (?:sound|power)|no funciona|defectuos\w*|aver[ií]a\w*|estropead\w*|funktioniert nicht|geht nicht|kaputt|defekt|ne (?:marche|fonctionne) (?:pas|plus)|en panne|d[ée]fectueu\w*"),
        (ComplaintKind.LATE, r"late\b|delay\w*|not (?:yet )?arrived|hasn['’]?t arrived|still waiting|never (?:arrived|came)|too long|overdue|tarde|retras\w*|no ha llegado|versp[äa]t\w*|zu sp[äa]t|nicht angekommen|en retard|retard\b|pas (?:encore )?(?:arriv|re[cç]u)"),
        (ComplaintKind.SERVICE, r"rude|unfriendly|impolite|service|staff|support|agent|courier|driver|nobody (?:answers|helps)|no reply|servicio|atenci[oó]n|personal|repartidor|maleducad\w*|unfreundlich|mitarbeiter\w*|kundendienst|fahrer|impoli\w*|livreur|personnel|grossier\w*"),
    )
)  # fmt: skip
WANTS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (wanted, re.compile(rf"\b(?:{words})", re.IGNORECASE))
    for wanted, words in (
        (
            Wanted.REPLACEMENT,
            r"replac\w*|new one|another one|exchange|reemplaz\w*|sustitu\w*|uno nuevo|otra unidad|ersatz\w*|austausch\w*|neue[sn]?\b|rempla[cç]\w*|un (?:autre|nouveau)|une (?:autre|nouvelle)",
        ),
        (Wanted.REFUND, r"refund|money back|reembols\w*|dinero|geld zurück|erstatt\w*|rembours\w*"),
        (Wanted.ADVICE, r"advi[cs]e|help|how to fix|consejo|ayuda|rat\b|hilfe|berat\w*|conseil\w*|aide"),
    )
)
COMPLAINING = content(
    "complain complaint complaining file want make would like queja quejarme reclamación presentar poner beschwerde beschweren einreichen reklamation "
    "réclamation plainte plaindre déposer faire porter order pedido bestellung commande about sobre über please bitte please moi"
)


def order(talk: Talk, task: Task) -> str:
    """Which order it is about; a complaint may be about none."""
    if task.slots.get("order") is not None:
        return FILLED
    numbers = task.slots.get("numbers") or []
    if numbers and order_of(talk, numbers[0]) is None:
        find_orders(talk, request_of(task))
        return ENDED
    if kind_of(task.text) == ComplaintKind.SERVICE and not numbers:
        task.slots["order"] = ""
        return FILLED
    named = numbers or task.slots.get("products") or task.slots.get("back")
    found = find_orders(talk, request_of(task)) if named and talk.orders else None
    if found is not None and len(found.orders) == 1:
        _take(talk, task, found.orders[0].code)
        return FILLED
    orders = (found.orders if found else []) or talk.orders
    if len(orders) <= 1:
        _take(talk, task, orders[0].code) if orders else task.slots.update(order="")
        return FILLED
    talk.end_paragraph()
    offer_orders(talk, orders[:MAX_OFFERED], "ask_complaint_order")
    card = talk.cards.pop()
    talk.offer(
        [
            *talk.state.options,
            Option(
                talk.words("complaint_other"),
                NO_ORDER,
                "none other something else ninguno otra andere keine autre aucune",
            ),
        ],
        [o["detail"] for o in card.data["options"]],
    )
    return ask(task, "complaint_order")


def _take(talk: Talk, task: Task, code: str) -> None:
    task.slots["order"] = code
    talk.state.saw_order(code)


def read_order(talk: Talk, task: Task) -> bool:
    """Take an order, or that it is about something else."""
    named = [str(entity.value) for entity in talk.understanding.entities.orders]
    chosen = picked(talk.state.options, talk.text)
    if named and (found := order_of(talk, named[0])):
        _take(talk, task, found.code)
    elif len(chosen) == 1:
        _take(talk, task, "" if chosen[0].value == NO_ORDER else chosen[0].value)
    else:
        return False
    _note(talk, task)
    return True


def text(talk: Talk, task: Task) -> str:
    """What is wrong, in the customer's words."""
    told = [task.text] if _says_what(talk, task, task.text) else []
    task.slots["text"] = task.slots.get("text") or "\n".join([*told, *task.slots.get("notes", [])])[:MAX_TEXT]
    if task.slots["text"]:
        return FILLED
    talk.say("ask_complaint")
    return ask(task, "text")


def _says_what(talk: Talk, task: Task, said: str) -> bool:
    """Whether a text says what is wrong; "I want to complain about the hub from ORD-1012" says of what alone."""
    if goals.IMPLICIT_COMPLAINT.search(said) or kind_of(said) != ComplaintKind.OTHER:
        return True
    found = order_of(talk, task.slots["order"]) if task.slots.get("order") else None
    pieces = list(found.items.all()) if found else []
    kinds = item_kinds_of([found]) if found else {}
    names = [f"{item.name} {kinds.get(item.product_code, '')}" for item in pieces]
    names += [
        f"{product.name} {' '.join(map(str, product.aliases))}"
        for product in talk.products(task.slots.get("products") or [])
    ]
    return len(content(NUMBERS.sub(" ", said)) - COMPLAINING - content(" ".join(names))) > ENOUGH


def _note(talk: Talk, task: Task) -> None:
    """Keep what a customer says is wrong while something else was asked."""
    if _says_what(talk, task, talk.text):
        task.slots["notes"] = [*task.slots.get("notes", []), talk.text.strip()]


def read_text(talk: Talk, task: Task) -> bool:
    """Take the message as what is wrong."""
    task.slots["text"] = talk.text.strip()[:MAX_TEXT]
    return bool(task.slots["text"])


def wanted(talk: Talk, task: Task) -> str:
    """What the customer would like; nobody has to say."""
    if task.slots.get("wanted") is not None:
        return FILLED
    found = wanted_of(task.slots["text"])
    if found or kind_of(task.slots["text"]) == ComplaintKind.SERVICE:
        task.slots["wanted"] = found
        _find_items(talk, task)
        return FILLED
    _find_items(talk, task)
    code = task.slots.get("order")
    talk.say("complaint_sorry_order", code=plain(code)) if code else talk.say("complaint_sorry")
    talk.say("ask_wanted")
    options = [Option(talk.words(f"wanted_{name}"), name) for name in Wanted.values]
    talk.offer([*options, Option(talk.words("no_preference"), "", "nothing none egal nada rien")])
    return ask(task, "wanted")


def read_wanted(talk: Talk, task: Task) -> bool:
    """Take a button or words; whoever says something else has no preference, which is noted with the complaint."""
    chosen = picked(talk.state.options, talk.text)
    found = wanted_of(talk.text)
    picks = len(chosen) == 1
    tells = not (picks and chosen[0].label.casefold() == talk.text.strip().casefold())
    if tells and _says_what(talk, task, talk.text):
        task.slots["text"] = f"{task.slots['text']}\n{talk.text.strip()}"[:MAX_TEXT]
    elif not found and not picks:
        return False
    task.slots["wanted"] = found or (chosen[0].value if picks else "")
    return True


def kind_of(text: str) -> str:
    """Return what is wrong, one of ComplaintKind."""
    return next((str(kind) for kind, pattern in KINDS if pattern.search(text)), str(ComplaintKind.OTHER))


def is_faulty(text: str) -> bool:
    """Return whether a text says of a thing that it is broken or does not work."""
    return kind_of(text) in FAULTY


def arguments(slots: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of the tool that files a complaint, without the order."""
    made: dict[str, Any] = {"kind": kind_of(slots.get("text") or ""), "text": slots.get("text")}
    if slots.get("wanted"):
        made["wanted"] = slots["wanted"]
    if slots.get("items"):
        made["items"] = slots["items"]
    return made


def wanted_of(text: str) -> str:
    """Return what a customer would like to be done, one of Wanted; "" where the text does not say."""
    return next((str(wanted) for wanted, pattern in WANTS if pattern.search(text)), "")


def _find_items(talk: Talk, task: Task) -> None:
    """Which pieces of the order the text names."""
    found = order_of(talk, task.slots["order"]) if task.slots.get("order") else None
    if found is None:
        return
    pieces = list(found.items.all())
    products = task.slots.get("products") or []
    chosen = items_named(pieces, f"{task.text} {task.slots['text']}", item_kinds_of([found]), products)
    task.slots["items"] = [item.variant_code for item in chosen] if len(chosen) < len(pieces) else []
