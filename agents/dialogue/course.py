"""The course of a dialogue: ending, restarting, parking and taking up tasks, and answers to what was asked."""
# ruff: noqa: E501, RUF001 - patterns of four languages, one a line; customers type the typographic apostrophe

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from agents.actions import decide
from agents.dialogue import changes, goals
from agents.dialogue.orders import answer_orders
from agents.dialogue.references import picked
from agents.dialogue.requests import SHORT, intent_of
from agents.dialogue.saying import plain
from agents.dialogue.state import Option, Request, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.dialogue.state import Task
    from agents.dialogue.talk import Talk
    from agents.models import Action

AFTERTHOUGHT = 4  # words of a message that leaves out what was said before
MAX_CONTROL = 60  # characters of a message that only steers the dialogue
RESTART = re.compile(
    r"^\W*(?:(?:please|ok|okay|let'?s|let us|no),?\s*)*(?:start (?:over|again|from scratch)|restart|begin again|reset|new topic|empezar de nuevo|empecemos de nuevo|volver a empezar|reiniciar|von vorne?(?: anfangen)?|neu (?:anfangen|starten|beginnen)|noch ?mal von vorne|recommen[cç](?:er|ons)|on recommence|repartons? de z[ée]ro)(?:,?\s*(?:please|por favor|bitte|s['’]il vous pla[iî]t))?\W*$",
    re.IGNORECASE,
)
DROP = re.compile(
    r"^\W*(?:(?:no|ok|okay|oh|actually|ah|please|nein|non),?\s*)*(?:never ?mind|nevermind|forget (?:it|that|about it)|drop (?:it|that)|leave it|stop(?: it| that)?|abort|not now|i changed my mind|don'?t bother|cancel (?:that|this)"
    r"|olv[ií]dalo|olv[ií]delo|d[eé]jalo|d[eé]jelo|no importa|da igual|vergiss (?:es|das)|vergessen sie (?:es|das)|egal|lass (?:es|gut sein)|lassen wir das|schon gut|abbrechen|doch nicht|laisse(?:z)? tomber|oublie(?:z)?(?: [cç]a)?|peu importe|tant pis|laissons)(?:,?\s*(?:please|thanks?(?: you)?|por favor|gracias|bitte|danke|merci))?\W*$",
    re.IGNORECASE,
)
UNWANTED = re.compile(
    r"^(?!.*(?:\?|\b(?:but|and|instead|aber|und|sondern|pero|sino|mais)\b))\W*(?:(?:no(?:pe)?|nein|non|please|actually|sorry|oh),?\s*)*(?:(?:i )?(?:don['’]?t|do not) (?:want (?:to|you to) )?(?:cancel|change|return|exchange|refund|file|do)\b[^,;]{0,40}|(?:i(?:['’]d| would| want| will|['’]ll)?(?: like| rather)?(?: to)? )?keep (?:it|them|(?:the|my|that|this) order)(?: after all| then| please)?"
    r"|no (?:quiero|deseo) (?:cancelar|cambiar|devolver)\w*.{0,40}|no (?:lo |la )?(?:canceles?|cambies?)\b.{0,30}|(?:ich (?:möchte|will) )?.{0,30}\b(?:nicht|doch nicht) (?:stornieren|ändern|zurückgeben|umtauschen)|.{0,20}\bbehalten"
    r"|(?:je )?ne (?:veux|voudrais) (?:pas|plus) (?:(?:l['’])?annuler|changer|retourner|[ée]changer).{0,40}|n['’]annulez pas\b.{0,30})\W*$",
    re.IGNORECASE,
)
"""Says of a change that it is not wanted after all."""
CANCEL_THAT = re.compile(r"\bcancel (?:that|this)\b", re.IGNORECASE)
CLOSE = re.compile(
    r"^\W*(?:(?:ok(?:ay)?|great|no|thanks?|thank you(?: very much)?|gracias|danke|merci)[,.!\s]*)*(?:that(?:'s| is| was|’s) (?:all|it|everything)|nothing (?:else|more)|eso es todo|nada m[aá]s|das (?:ist|war|w[äa]re) alles|mehr nicht|c['’]est tout|rien d['’]autre)(?:[,.!\s]*(?:for now|thanks?|thank you|gracias|danke|merci|por ahora))*\W*$",
    re.IGNORECASE,
)
GO_ON = re.compile(
    r"^\W*(?:(?:yes|yeah|yep|sure|ok|okay|s[ií]|ja|oui|d['’]accord|vale),?\s*)*(?:please|go on|go ahead|continue|carry on|let'?s (?:go on|continue)|let us go on|adelante|sigamos|contin[uú]a(?:r|mos)?|siga|weiter(?:machen)?|mach(?:en sie)? weiter|gerne?|continue[rz]?|continuons|allez-y|poursuivons|bitte|por favor|volontiers)?(?:,?\s*(?:please|por favor|bitte))?\W*$",
    re.IGNORECASE,
)
QUESTION = re.compile(
    r"\?|^\W*(?:where|what|when|how|which|who|why|is|are|was|do|does|did|can|could|has|have|d[oó]nde|qu[eé]|cu[aá]ndo|c[oó]mo|cu[aá]l|cu[aá]nto|wo|was|wann|wie|welche\w*|wer|warum|ist|sind|kann|hat|o[uù]|quand|comment|combien|quel\w*|pourquoi|est-ce)\b",
    re.IGNORECASE,
)
FURTHER = re.compile(
    r"^\W*(?:and|what about|how about|y|qu[eé] hay de|und|wie steht|was ist mit|et|qu['’]en est-il)\b", re.IGNORECASE
)


def ends_or_restarts(talk: Talk, open_actions: Sequence[Action]) -> bool:
    """End what is under way if that is all the message says."""
    state, text = talk.state, talk.text
    if len(text) > MAX_CONTROL:
        return False
    if RESTART.match(text):
        for action in open_actions:
            decline(talk, action)
        fresh = State(language=state.language)
        for name in State.__slots__:
            setattr(state, name, getattr(fresh, name))
        talk.say("started_over")
        return True
    if CLOSE.match(text):
        talk.say("welcome")
        return True
    busy = bool(state.task or state.choosing or state.waiting or state.parked or open_actions)
    if (DROP.match(text) or UNWANTED.match(text)) and (busy or not (state.order and CANCEL_THAT.search(text))):
        state.forget_task()
        for action in open_actions:
            decline(talk, action)
        talk.say("dropped" if busy else "nothing_to_drop")
        return True
    return False


def decline(talk: Talk, action: Action) -> None:
    """Take back a change that waits for the customer's word."""
    decided = decide(
        tenant_id=talk.context.tenant_id,
        conversation=talk.context.conversation,
        action_id=action.pk,
        confirmed=False,
        actor=talk.context.actor,
    )
    talk.decided.append(decided)


def answers(talk: Talk, requests: Sequence[Request]) -> bool:
    """Take the message as an answer to what was asked, if it is one; it is dealt with then."""
    state = talk.state
    resume, state.resume = state.resume, False
    if resume and state.parked and GO_ON.match(talk.text):
        resume_task(talk)
        return True
    if state.task and state.task.asked:
        return _answers_task(talk, state.task, requests)
    if state.choosing:
        return _answers_choice(talk, requests)
    return False


def leave_task(talk: Talk, requests: Sequence[Request]) -> None:
    """Put aside the task and the choice under way, because something else is asked for."""
    state = talk.state
    state.choosing = None
    if state.task and requests:
        state.park()


def resume_task(talk: Talk) -> None:
    """Go on with the task that was put aside last."""
    state = talk.state
    state.task, state.parked = state.parked[0], state.parked[1:]
    talk.say("resumed", task=task_name(talk, state.task))
    changes.proceed(talk)


def offer_parked(talk: Talk) -> None:
    """Offer to go on with a task that was put aside."""
    state = talk.state
    if state.task or state.choosing or state.waiting or not state.parked or talk.proposed:
        return
    talk.end_paragraph()
    talk.say("parked", task=task_name(talk, state.parked[0]))
    state.resume = True
    talk.offer([Option(talk.words("go_on"), "go_on")])


def after_decision(talk: Talk, action: Action) -> None:
    """Once the customer has decided on a change, come back to what was put aside."""
    talk.intents.append(changes.intent_of_tool(action.tool))
    offer_parked(talk)


def completed(talk: Talk, request: Request) -> Request:
    """Return an afterthought such as "And ORD-1001?" or "the first one" as the question it stands for."""
    state, last = talk.state, talk.state.last
    if not request.guessed:
        return request
    if goal := _goal_of_place(state, request):
        return replace(request, goal=goal)
    if last is None or not _is_further(request):
        return request
    if request.orders and last.goal in goals.ORDER_QUESTIONS | goals.CARE_QUESTIONS:
        return replace(request, goal=last.goal)
    if request.products and last.goal in goals.PRODUCT_QUESTIONS - {goals.SEARCH, goals.COMPARE}:
        return replace(request, goal=last.goal, text=f"{request.text} {last.text}")
    return request


def _goal_of_place(state: State, request: Request) -> str:
    """What "the first one" alone asks for: the order or the product that was listed there."""
    named = request.orders or request.products or len(request.text.split()) > SHORT
    if request.place is None or named:
        return ""
    if state.listed == "orders":
        return state.last.goal if state.last and state.last.goal in goals.ORDER_QUESTIONS else goals.STATUS
    return goals.PRODUCT if state.listed == "products" and request.goal != goals.COMPARE else ""


def task_name(talk: Talk, task: Task) -> str:
    """Return what a task is about, in words."""
    code = task.slots.get("order", "")
    if task.kind == goals.COMPLAINT:
        return talk.words("task_complaint")
    if task.kind == goals.ADDRESS and task.slots.get("scope") == "account":
        return talk.words("task_account")
    return talk.words(f"task_{task.kind}", code=plain(code)) if code else talk.words("task_any")


def is_question(text: str) -> bool:
    """Return whether a text asks something."""
    return bool(QUESTION.search(text))


def _is_further(request: Request) -> bool:
    return bool(FURTHER.match(request.text)) or len(request.text.split()) <= AFTERTHOUGHT


def _answers_task(talk: Talk, task: Task, requests: Sequence[Request]) -> bool:
    state = talk.state
    asks_else = [request for request in requests if _is_something_else(task, request)]
    if asks_else:
        return False
    if changes.read_answer(talk, task):
        task.tries = 0
        talk.intents.append(intent_of(Request(task.kind, task.text)))
        changes.proceed(talk)
        return True
    several = picked(state.options, talk.text)
    if 1 < len(several) < len(state.options):
        talk.say("more_than_one")
        talk.intents.append(intent_of(Request(task.kind, task.text)))
        changes.ask_again(talk, task, several)
        return True
    if any(not request.guessed or is_question(request.text) for request in requests):
        return False
    task.tries += 1
    if not talk.has_sentences:
        talk.say("not_understood_slot")
    changes.proceed(talk)
    return True


def _is_something_else(task: Task, request: Request) -> bool:
    """Whether a request is no part of the task: another goal said in words, or a question of its own."""
    if request.goal == task.kind:
        return bool(request.orders) and task.slots.get("order") not in (None, *request.orders) and task.asked != "order"
    if task.asked in ("text", "refund_reason") and not is_question(request.text):
        return (
            request.goal in goals.CHANGES - {task.kind, goals.COMPLAINT}
            and not request.guessed
            and bool(request.orders)
        )
    if task.asked == "wanted" and request.goal in (goals.REFUND, goals.SWAP) and not request.orders:
        return is_question(request.text)
    if task.asked == "address" and not is_question(request.text):
        return False
    if request.guessed or request.goal == goals.ASK:
        return is_question(request.text) and task.asked not in ("variant", "items")
    return True


def _answers_choice(talk: Talk, requests: Sequence[Request]) -> bool:
    state = talk.state
    request = state.choosing
    if request is None or any(not other.guessed and other.goal != request.goal for other in requests):
        return False
    named = [number for other in requests for number in other.orders]
    found = [Option(number, number) for number in named[:1]] or picked(state.options, talk.text)
    if len(found) != 1:
        return False
    state.choosing, state.options = None, []
    chosen = replace(request, orders=[found[0].value], products=[], place=None, back=False)
    state.last = chosen
    if chosen.goal in goals.CHANGES:
        changes.begin(talk, chosen)
    else:
        answer_orders(talk, chosen)
    return True
