"""Turns of the past, for those who try a prompt on them."""

import uuid
from dataclasses import replace

from agents.context import Turn
from agents.prompts.past_turns import SOURCES, PastTurn
from chat.framelog import job_of
from chat.models import Message, Role, State
from tenants.models import Tenant
from tenants.scope import current_tenant_id


class ChatTurns:
    """The conversations of the tenant in scope; see `agents.prompts.past_turns`."""

    def recent(self, limit: int) -> list[PastTurn]:
        """Replies to questions, the latest first; not to pressed buttons, and none that needed no answer."""
        replies = (
            Message.objects.filter(role=Role.ASSISTANT, state=State.DONE, reply_to__action=None)
            .exclude(reply_to__text="")
            .exclude(model="none")
            .select_related("reply_to")
            .only("id", "created_at", "reply_to__text")
            .order_by("-created_at")
        )
        return [PastTurn(reply.pk, reply.reply_to.text, reply.created_at) for reply in replies[:limit]]

    def turn_of(self, reply: uuid.UUID) -> Turn | None:
        """The turn of a reply, without the summary, which tells of what came after it."""
        found = Message.objects.filter(pk=reply, role=Role.ASSISTANT, reply_to__action=None)
        message = found.select_related("conversation", "reply_to").defer("trace", "reply_to__trace").first()
        if message is None or message.reply_to is None:
            return None
        tenant = Tenant.objects.get(pk=current_tenant_id())
        turn = job_of(tenant, message.conversation, message.reply_to, message.pk).turn
        return replace(turn, summary="", failed_before=False)


SOURCES.past = ChatTurns()
