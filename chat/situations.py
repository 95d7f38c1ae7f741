"""What a person should know of a conversation before they answer in it."""

import uuid

from agents.models import Session, ToolCall
from agents.summaries import summarise
from chat.models import Message, Role
from commerce.models import Customer
from tenants.models import Tenant
from tenants.scope import current_tenant_id

READ = 40  # latest messages of the customer, and calls of tools, that a summary is made of


def summary_of(conversation_id: uuid.UUID, told: str = "") -> str:
    """The summary of a conversation of the tenant in scope; `told` is what the assistant says of it."""
    written = Message.objects.filter(conversation_id=conversation_id, role=Role.CUSTOMER, action=None)
    calls = ToolCall.objects.filter(conversation=conversation_id).order_by("-created_at", "-position")
    customer, proof = bound_customer(conversation_id)
    known = f"{customer} ({', '.join(filter(None, (customer.email, proof)))})" if customer else ""
    return summarise(
        said=list(reversed(written.order_by("-created_at").values_list("text", flat=True)[:READ])),
        language=Tenant.objects.values_list("language", flat=True).get(pk=current_tenant_id()),
        calls=list(reversed(calls.only("name", "error", "arguments")[:READ])),
        customer=known,
        told=told,
    )


def bound_customer(conversation_id: uuid.UUID) -> tuple[Customer | None, str]:
    """Whom a conversation is bound to, and how they proved it."""
    session = Session.objects.select_related("customer").filter(conversation=conversation_id).first()
    return (session.customer, session.proof) if session and session.customer else (None, "")
