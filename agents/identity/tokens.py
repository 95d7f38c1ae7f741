"""Tokens by which a shop's own site says who its customer is: signed with one of the tenant's API keys.

A token is `<base64url of JSON>.<HMAC-SHA256 in hex>`; the JSON is {"customer": code or e-mail, "exp": Unix time}, and
the HMAC's key is the SHA-256 of the API key in hex, so that Askwell need not know the API key itself.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from typing import TYPE_CHECKING, Any

from agents.actions.queries import policy_of_tenant
from agents.models import Verification
from agents.session import bind, lock_session
from agents.tools.base import ToolError
from commerce.models import Customer
from tenants.models import ApiKey

if TYPE_CHECKING:
    import uuid

LONGEST_LIFE = 24 * 60 * 60
"""Seconds a token may be valid for."""
MAX_TOKEN = 2000
"""Characters."""


class BadToken(ToolError):  # noqa: N818 (named for what it is)
    """Forged, expired, for too long a time, or of nobody: always in the same words."""

    def __init__(self) -> None:
        """Tell nobody which of these it is."""
        super().__init__(
            "The link from the shop is not valid any more: open the chat from the shop again.", code="bad_token"
        )


def make_token(customer: str, *, key: str, expires_at: int) -> str:
    """Return a token as a shop makes it.

    Args:
        customer: the shop's own id of the customer, or their e-mail address.
        key: the text of an API key.
        expires_at: Unix time in seconds, at most a day ahead.
    """
    claims = json.dumps({"customer": customer, "exp": expires_at}).encode()
    body = base64.urlsafe_b64encode(claims).rstrip(b"=").decode()
    return f"{body}.{_mac(hashlib.sha256(key.encode()).hexdigest(), body)}"


def read_token(text: str) -> Customer:
    """Return the customer of the tenant in scope that a token names.

    Raises:
        BadToken: no living key of this tenant signed it, its time is over or too far away, or it names nobody.
    """
    body, _, mac = text.partition(".")
    if len(text) > MAX_TOKEN or not text.isascii() or not _is_signed(body, mac):
        raise BadToken
    claims = _claims(body)
    customer, expires_at = claims.get("customer"), claims.get("exp")
    now = time.time()
    if type(expires_at) is not int or not now < expires_at <= now + LONGEST_LIFE:
        raise BadToken
    if not isinstance(customer, str) or not customer.strip() or "\0" in customer:
        raise BadToken
    return _named(customer.strip())


def bind_by_token(*, conversation: uuid.UUID, token: str, actor: str, user: int | None = None) -> Customer:
    """Bind a conversation to the customer of a token, and return them.

    Raises:
        BadToken: see `read_token`; or this tenant shows orders to signed-in customers alone.
        ToolError: with code "not_found", the conversation or the signed-in user is somebody else's.
    """
    if policy_of_tenant().verification == Verification.NONE:
        raise BadToken
    customer = read_token(token)
    bind(lock_session(conversation), customer, "token", actor=actor, user=user)
    return customer


def _is_signed(body: str, mac: str) -> bool:
    """Return whether a living key signed this; every key is tried, so that the time taken tells nothing."""
    digests = ApiKey.objects.filter(revoked_at=None).values_list("digest", flat=True)
    return sum(hmac.compare_digest(_mac(digest, body), mac) for digest in digests) > 0


def _mac(key: str, body: str) -> str:
    return hmac.new(key.encode(), body.encode(), hashlib.sha256).hexdigest()


def _claims(body: str) -> dict[str, Any]:
    try:
        padded = body + "=" * (-len(body) % 4)
        claims = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        raise BadToken from None
    if not isinstance(claims, dict):
        raise BadToken
    return claims


def _named(customer: str) -> Customer:
    by_code: Customer | None = Customer.objects.filter(code=customer).first()
    if by_code is not None:
        return by_code
    by_email: list[Customer] = list(Customer.objects.filter(email__iexact=customer)[:2]) if "@" in customer else []
    if len(by_email) != 1:
        raise BadToken
    return by_email[0]
