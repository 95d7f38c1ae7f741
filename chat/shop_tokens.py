"""Links from a shop's own site that say who its customer is: `/<slug>/?customer=<token>`, see `agents.identity.tokens`.

The token is kept in a cookie that lasts as long as the browser is open, out of reach of scripts; conversations that
begin meanwhile belong to its customer.
"""

import logging
import uuid
from collections.abc import Mapping

from django.conf import settings
from django.http import HttpResponseBase

from agents.identity import bind_by_token, read_token
from agents.tools.base import ToolError

log = logging.getLogger(__name__)
COOKIE = "askwell_customer_"  # and the tenant's slug


def is_valid(token: str) -> bool:
    """Whether a token names a customer of the tenant in scope."""
    try:
        read_token(token)
    except ToolError:
        return False
    return True


def keep(response: HttpResponseBase, slug: str, token: str) -> None:
    """Gives the browser a token for its visit."""
    response.set_cookie(COOKIE + slug, token, httponly=True, samesite="Lax", secure=settings.HTTPS)


def token_of(cookies: Mapping[str, str], slug: str) -> str:
    """The token among a request's cookies; empty when there is none."""
    return cookies.get(COOKIE + slug, "")


def bind_conversation(*, conversation: uuid.UUID, token: str, actor: str, user: int | None) -> None:
    """Lets a new conversation belong to the customer of a token; one that no longer holds changes nothing.

    In the tenant's scope, in the transaction that makes the conversation.
    """
    try:
        bind_by_token(conversation=conversation, token=token, actor=actor, user=user)
    except ToolError as error:
        log.info("A shop's token was not taken: %s", error.code)
