"""Who a conversation is with: bound to one customer once they have proved who they are, and to nobody else after that.

Everything here runs in the tenant's scope.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from django.contrib.auth.models import User
from django.utils import timezone

from agents.models import Session
from agents.tools.base import ToolContext, ToolError
from commerce.queries import customer_of
from tenants.services import record_audit

if TYPE_CHECKING:
    from agents.context import Turn
    from commerce.models import Customer

NOT_FOUND = "No such customer was found. Ask the customer to check what they wrote, or for other details."
"""Said of a customer who does not exist, of one whom the details do not fit, and of anybody but the bound one."""
SIGN_IN = "sign-in"


class NotThisCustomer(ToolError):  # noqa: N818 (named for what it says)
    """Nobody of that name that this conversation may know of."""

    def __init__(self) -> None:
        """Use the words of a missing record."""
        super().__init__(NOT_FOUND, code="not_found")


def open_context(turn: Turn, typed: tuple[str, ...]) -> ToolContext:
    """Return what the tools of this turn are told, and bind the conversation of a signed-in customer.

    `typed` is everything the customer wrote in the conversation, oldest first, this turn's message included.
    """
    conversation = uuid.UUID(turn.conversation)
    context = ToolContext(
        tenant_id=turn.tenant_id,
        tenant_name=turn.tenant_name,
        language=turn.language,
        conversation=conversation,
        reply=uuid.UUID(turn.reply) if turn.reply else uuid.uuid4(),
        actor=turn.actor,
        user=turn.user,
        typed=typed,
    )
    session = session_of(conversation)
    if turn.user is None:
        return replace(context, customer=session.customer)
    own = _signed_in(turn.user)
    if own is not None and session.customer_id is None:
        bind(lock_session(conversation), own, SIGN_IN, actor=turn.actor, user=turn.user)
        return replace(context, customer=own)
    # Bound to somebody else, before the sign-in: this user is not shown what is theirs.
    return replace(context, customer=own if own and own.pk == session.customer_id else None)


def refresh(context: ToolContext) -> ToolContext:
    """Return the context with whom the conversation is bound to by now: a proof earlier in the turn counts at once."""
    if context.customer is not None:
        return context
    session = Session.objects.select_related("customer").filter(conversation=context.conversation).first()
    bound = session.customer if session else None
    if bound is None or not may_be(bound, context.user):
        return context
    return replace(context, customer=bound)


def session_of(conversation: uuid.UUID) -> Session:
    """The session of a conversation, made where there is none."""
    session: Session
    session, _ = Session.objects.select_related("customer").get_or_create(conversation=conversation)
    return session


def lock_session(conversation: uuid.UUID) -> Session:
    """The session of a conversation, kept from others until the transaction ends."""
    session_of(conversation)
    session: Session = Session.objects.select_for_update().get(conversation=conversation)
    return session


def bind(session: Session, customer: Customer, proof: str, *, actor: str, user: int | None = None) -> None:
    """Bind the conversation of a locked session to a customer, for good; harmless when it is bound to them.

    Args:
        session: of `lock_session`.
        customer: who has proved who they are.
        proof: "sign-in", "email", "name_zip", "order", "code" or "token".
        actor: for the audit trail.
        user: who is signed in, if anybody.

    Raises:
        NotThisCustomer: it is bound to somebody else, or the signed-in user is somebody else.
    """
    if session.customer_id == customer.pk:
        return
    if session.customer_id is not None or not may_be(customer, user):
        raise NotThisCustomer
    session.customer, session.proof, session.proved_at = customer, proof, timezone.now()
    session.code_digest, session.code_customer, session.code_expires_at = "", None, None
    session.save()
    record_audit(
        actor=actor,
        action="identity.proved",
        target=f"conversation {session.conversation}",
        detail={"customer": customer.code, "proof": proof},
    )


def may_be(customer: Customer, user: int | None) -> bool:
    """Whether whoever is signed in can be this customer: nobody is, or it is theirs."""
    if user is None:
        return True
    own = _signed_in(user)
    return own is not None and own.pk == customer.pk


def _signed_in(user: int) -> Customer | None:
    row = User.objects.filter(pk=user, is_active=True).first()
    return customer_of(row) if row else None
