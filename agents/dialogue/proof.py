"""Who the customer is: proofs in what they just wrote, and what to ask for where one is missing."""
# ruff: noqa: E501, RUF001 - patterns of four languages, one a line; names have typographic apostrophes

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from agents.actions.queries import policy_of_tenant
from agents.dialogue.saying import plain
from agents.identity import prove_by_email, prove_by_name_zip
from agents.identity.proofs import LOCKED
from agents.models import Session, Verification
from agents.tools.base import ToolError

if TYPE_CHECKING:
    from agents.dialogue.talk import Talk
    from commerce.models import Customer

_NAME = r"(\p{}[\w'’.-]*)".replace(r"\p{}", "[A-ZÀ-ÖØ-ÞŁŚŻČŠŽ]")
INTRODUCED = re.compile(
    rf"(?i:\b(?:i am|i'm|i’m|this is|my name is|name is|name:|me llamo|mi nombre es|soy|ich heiße|ich heisse|mein name ist|ich bin|je m['’]appelle|mon nom est|je suis|c['’]est)\b\s*:?\s*){_NAME}\s+((?:(?:van|von|de|der|den|la|le|el|al|bin|da|dos|di)\s+)*{_NAME})"
)
PAIR = re.compile(rf"\b{_NAME}\s+((?:(?:van|von|de|der|den|la|le|el|al|bin|da|dos|di)\s+)*{_NAME})")
CODE = re.compile(r"(?<!\d)(\d{3}\s?\d{3})(?!\d)")
SAID = {
    "not_found": "proof_failed",
    "not_typed": "proof_failed",
    "invalid": "proof_failed",
    "too_many": "proof_locked",
    "sign_in": "proof_sign_in",
    "token": "proof_sign_in",
    "code_sent": "proof_code_sent",
    "wrong_code": "proof_wrong_code",
    "order_needed": "proof_match_order",
}
ASKED = {
    Verification.NONE: "proof_sign_in",
    Verification.TOKEN: "proof_sign_in",
    Verification.CODE: "proof_code",
    Verification.MATCH: "proof_match",
}


def try_proof(talk: Talk, *, asked: bool) -> str:
    """Prove who the customer is by what this message says.

    Args:
        talk: of this turn; its context knows the customer afterwards.
        asked: whether identifiers were asked for, so that bare names and codes count as well.

    Returns:
        The key of what is to be said: "" when nothing was tried, "proof_thanks" when it worked.
    """
    bound = talk.context.customer
    try:
        customer = _prove(talk, asked=asked)
    except ToolError as error:
        if bound is not None:
            return "proof_other" if error.code == "not_found" else ""
        if error.code == "too_many":
            talk.handover = ("policy_restriction", LOCKED)
        return SAID.get(error.code, "proof_failed")
    if customer is None or bound is not None:
        return ""
    talk.context = replace(talk.context, customer=customer)
    return "proof_thanks"


def ask_for_proof(talk: Talk) -> None:
    """Say what the tenant's policy demands."""
    policy = policy_of_tenant()
    key = ASKED[Verification(policy.verification)]
    talk.say("proof_match_order" if key == "proof_match" and policy.order_needed else key)


def thank(talk: Talk) -> None:
    """Greet a customer who has just proved who they are."""
    customer = talk.context.customer
    if customer is not None and customer.first_name:
        talk.say("proof_thanks", name=plain(customer.first_name))


def _prove(talk: Talk, *, asked: bool) -> Customer | None:
    """Return the customer proved, None where the message holds no proof; raises ToolError."""
    entities = talk.understanding.entities
    for email in entities.emails[:1]:
        if "find_user_id_by_email" in talk.tools:
            talk.calls.append("find_user_id_by_email")
            return prove_by_email(talk.context, str(email.value))
    if entities.postcodes and (name := _name(talk.text, asked=asked)) and "find_user_id_by_name_zip" in talk.tools:
        talk.calls.append("find_user_id_by_name_zip")
        return prove_by_name_zip(talk.context, *name, str(entities.postcodes[0].value))
    if asked and CODE.search(talk.text) and (email_before := _email_before(talk)):
        return prove_by_email(talk.context, email_before)
    return None


def _name(text: str, *, asked: bool) -> tuple[str, str] | None:
    """Return the first and last name that a message introduces, or simply begins with when it was asked for."""
    match = INTRODUCED.search(text) or (PAIR.search(text) if asked else None)
    return (match[1], match[2].rstrip(".")) if match else None


def _email_before(talk: Talk) -> str:
    """Return the address a code is under way to: the last one the customer typed."""
    from agents.routing.identifiers import EMAIL

    session = Session.objects.filter(conversation=talk.context.conversation).first()
    if session is None or not session.code_digest:
        return ""
    for typed in reversed(talk.context.typed):
        found = list(EMAIL.finditer(typed, timeout=1.0))
        if found:
            return str(found[-1][0])
    return ""
