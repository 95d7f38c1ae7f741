"""Conversations that people take over. All need the tenant's scope.

An open conversation always has someone: the assistant, a place in the queue, or a person. `handled_by` says which, and
changes only here, in one transaction with the Handover row it tells of.
"""

import uuid

from django.db import connection, transaction

from chat.models import OPEN_HANDOVERS, Conversation, Handler, Handover, HandoverReason
from tenants.scope import current_tenant_id


def request_handover(*, conversation_id: uuid.UUID, reason: str, summary: str = "") -> None:
    """Puts a conversation into the inbox; harmless when it is there already."""
    if reason not in HandoverReason.values:
        reason = HandoverReason.UNSUPPORTED
    with transaction.atomic():
        Conversation.objects.select_for_update().filter(pk=conversation_id).first()
        if Handover.objects.filter(conversation_id=conversation_id, state__in=OPEN_HANDOVERS).exists():
            return
        Handover.objects.create(conversation_id=conversation_id, reason=reason, summary=summary)
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE chat_conversation SET handled_by = %s WHERE id = %s AND tenant_id = %s",
                [Handler.QUEUE, conversation_id, current_tenant_id()],
            )
