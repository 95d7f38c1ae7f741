"""A reply without a language model: what is asked for is found by rules, answered from records, or asked back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.dialogue import changes, course, goals, proof
from agents.dialogue.care import answer_complaints, answer_refunds
from agents.dialogue.languages import language_of
from agents.dialogue.orders import answer_orders
from agents.dialogue.products import answer_products
from agents.dialogue.requests import intent_of, read_requests, surely_named
from agents.dialogue.state import read_state, write_state
from agents.dialogue.talk import Part, Talk
from agents.session import session_of
from agents.tools.registry import has_shop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.actions.outcomes import Decided
    from agents.dialogue.state import Request
    from agents.models import Action
    from agents.routing.intents import Understanding
    from agents.tools.base import Card, ToolContext

__all__ = ["DialogueReply", "Part", "respond"]


MAX_WAITING = 5
"""Questions that wait for a proof."""
LONG = 280
"""Characters of a message from which rules may miss an "unless" or an "only if": no change is proposed from it."""


@dataclass(frozen=True, slots=True)
class DialogueReply:
    """What the dialogue says. `handover` is (reason, summary); `calls` names the tools that were used."""

    parts: tuple[Part, ...]
    cards: tuple[Card, ...] = ()
    proposed: tuple[Action, ...] = ()
    decided: tuple[Decided, ...] = ()
    """Changes that this message took back."""
    handover: tuple[str, str] | None = None
    intents: tuple[str, ...] = ()
    grounded: bool = False
    """Whether the shop's records were used."""
    calls: tuple[str, ...] = ()
    language: str = ""
    """That of the reply; empty where it is the question's alone to tell."""


def respond(
    context: ToolContext,
    understanding: Understanding,
    text: str,
    *,
    open_actions: Sequence[Action],
    last_action: Action | None = None,
) -> DialogueReply:
    """Return what is to be said to a message, and keep where the dialogue stands.

    Runs in the tenant's scope. Identifiers are proved, reads are answered, changes are proposed and never made.

    Args:
        context: who the tools work for.
        understanding: what the message wants and names.
        text: the message.
        open_actions: proposed changes that wait for the customer.
        last_action: the change that the customer has just decided, whose outcome is said before this reply.
    """
    if not has_shop(context.tenant_id):
        return DialogueReply((Part(question=text),), intents=_classified(understanding))
    session = session_of(context.conversation)
    state = read_state(session)
    language = language_of(text, state.language or context.language)
    talk = Talk(context, state, surely_named(understanding), text, language)
    state.language = language
    if last_action is not None:
        course.after_decision(talk, last_action)
    else:
        _serve_message(talk, open_actions)
    talk.end_paragraph()
    write_state(session, state)
    return _reply(talk)


def _serve_message(talk: Talk, open_actions: Sequence[Action]) -> None:
    state = talk.state
    if course.ends_or_restarts(talk, open_actions):
        return
    waiting = list(state.waiting)
    said = proof.try_proof(talk, asked=bool(waiting))
    if said == "proof_thanks":
        state.waiting = []
        proof.thank(talk)
    elif said:
        talk.say(said)
        if said == "proof_other":
            talk.end_paragraph()
    talked = bool(state.order or state.products or state.last or state.task)
    requests = read_requests(talk.understanding, talk.text, talked=talked, known=talk.context.customer is not None)
    requests = _within_reach(talk, requests)
    if said == "proof_thanks" and waiting:
        requests = [*waiting, *(request for request in requests if not _stands_in(request, waiting))]
    elif said and not requests:
        state.waiting = waiting
        talk.intents += dict.fromkeys(intent_of(request) for request in waiting)
        return
    elif course.answers(talk, requests):
        return
    else:
        course.leave_task(talk, requests)
    serve(talk, requests, refused=bool(said) and said != "proof_thanks")
    course.offer_parked(talk)


def _within_reach(talk: Talk, requests: list[Request]) -> list[Request]:
    """The requests but for changes that a long message asks for: those are asked for again, in a sentence."""
    if len(talk.text) <= LONG:
        return requests
    kept = [request for request in requests if request.goal not in goals.CHANGES - {goals.COMPLAINT}]
    if len(kept) < len(requests):
        talk.say("too_much")
        talk.end_paragraph()
    return kept


def serve(talk: Talk, requests: Sequence[Request], *, refused: bool = False) -> None:
    """Answer what was asked, in its order; what needs a proof waits for it, and is asked for once."""
    unproved = [request for request in requests if _needs_customer(talk, request)]
    if not requests and not talk.parts and not talk.has_sentences:
        talk.ask_documents(talk.text)
    for request in requests:
        talk.end_paragraph()
        intent = intent_of(request)
        if intent and intent not in talk.intents:
            talk.intents.append(intent)
        if request in unproved:
            if request is unproved[0]:
                kept = [earlier for earlier in talk.state.waiting if not _stands_in(earlier, unproved)]
                talk.state.waiting = [*kept, *unproved][-MAX_WAITING:]
                proof.ask_for_proof(talk) if not refused else None
            continue
        _answer(talk, course.completed(talk, request))


def _answer(talk: Talk, request: Request) -> None:
    if request.goal in goals.ORDER_QUESTIONS or request.goal == goals.LIST:
        answer_orders(talk, request)
    elif request.goal == goals.REFUND_STATUS:
        answer_refunds(talk, request)
    elif request.goal == goals.COMPLAINT_STATUS:
        answer_complaints(talk, request)
    elif request.goal == goals.COMPLAINT and _may_be_a_question(request):
        talk.ask_documents(request.text)
        talk.say("complain_offer")
    elif request.goal in goals.CHANGES:
        changes.begin(talk, request)
    elif request.goal in goals.PRODUCT_QUESTIONS:
        answer_products(talk, request)
    else:
        talk.ask_documents(request.text)
    if request.goal != goals.ASK:
        talk.state.last = request
    talk.end_paragraph()


def _needs_customer(talk: Talk, request: Request) -> bool:
    if talk.context.customer is not None:
        return False
    if request.goal == goals.COMPLAINT and _may_be_a_question(request):
        return False
    from_order = request.goal in goals.PRODUCT_QUESTIONS and bool(request.orders)
    return request.goal in goals.ABOUT_CUSTOMER or from_order


def _may_be_a_question(request: Request) -> bool:
    """Whether a clause sounds like a complaint only by and large: "my laptop gets hot" may want advice."""
    return request.guessed and not request.orders and not goals.IMPLICIT_COMPLAINT.search(request.text)


def _stands_in(request: Request, waiting: Sequence[Request]) -> bool:
    """Whether a request is the one that waited, said again with the proof."""
    return any(request.goal in (earlier.goal, goals.ASK) for earlier in waiting)


def _reply(talk: Talk) -> DialogueReply:
    return DialogueReply(
        parts=tuple(talk.parts),
        cards=tuple(talk.cards),
        proposed=tuple(talk.proposed),
        decided=tuple(talk.decided),
        handover=talk.handover,
        intents=tuple(talk.intents) or _classified(talk.understanding),
        grounded=talk.grounded,
        calls=tuple(dict.fromkeys(talk.calls)),
        language=talk.language,
    )


def _classified(understanding: Understanding) -> tuple[str, ...]:
    return tuple(intent.name for intent in understanding.intents)
