"""One-time codes: six digits by e-mail, of which only a keyed digest is kept."""

from __future__ import annotations

import datetime as dt
import logging
import secrets
from functools import partial
from typing import TYPE_CHECKING

from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from agents.models import Session
from agents.phrases import known_language

if TYPE_CHECKING:
    from agents.tools.base import ToolContext
    from commerce.models import Customer

DIGITS = 6
LIFETIME = dt.timedelta(minutes=10)
OPEN_CODES = 3
"""Codes for one customer that may be under way at once, whoever asks: nobody's mailbox is to be flooded."""
TAG_LENGTH = 16
"""Hexadecimal digits that say which details a code was asked for with; 48 are left for the code itself."""
SALT = "askwell.one-time-code"
log = logging.getLogger(__name__)

MAIL = {
    "en": (
        "Your code for {tenant}",
        """Your code is {code}.

Type it in the chat within ten minutes. If you did not ask for it, ignore this message: nothing happens without the
code. Nobody from {tenant} will ever ask you for it anywhere else.""",
    ),
    "es": (
        "Su código para {tenant}",
        """Su código es {code}.

Escríbalo en el chat antes de diez minutos. Si no lo ha pedido, no haga caso de este mensaje: sin el código no ocurre
nada. Nadie de {tenant} se lo pedirá en ningún otro sitio.""",
    ),
    "de": (
        "Ihr Code für {tenant}",
        """Ihr Code ist {code}.

Geben Sie ihn innerhalb von zehn Minuten im Chat ein. Haben Sie ihn nicht angefordert, so beachten Sie diese Nachricht
nicht: Ohne den Code geschieht nichts. Niemand von {tenant} fragt anderswo danach.""",
    ),
    "fr": (
        "Votre code pour {tenant}",
        """Votre code est {code}.

Écrivez-le dans la discussion dans les dix minutes. Si vous n'avez rien demandé, ignorez ce message : sans le code,
rien ne se passe. Personne de {tenant} ne vous le demandera ailleurs.""",
    ),
}


def is_under_way(session: Session) -> bool:
    """Return whether a code was sent, or seemed to be, that can still be typed."""
    expires_at = session.code_expires_at
    return bool(session.code_digest) and expires_at is not None and expires_at > timezone.now()


def is_about(session: Session, claim: str) -> bool:
    """Return whether the code under way was asked for with these details."""
    return constant_time_compare(session.code_digest[:TAG_LENGTH], _tag(session, claim))


def issue(context: ToolContext, session: Session, claim: str, customer: Customer | None) -> None:
    """Begin the wait for a code, and send it once the transaction has committed.

    `claim` are the details that the customer gave, as one text. Without a customer everything looks the same, but
    nothing is sent and no code will fit.
    """
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
    may_send = customer is not None and bool(customer.email) and not _too_many(customer)
    session.code_digest = _tag(session, claim) + _digest(session, code if may_send else secrets.token_hex())
    session.code_customer = customer if may_send else None
    session.code_expires_at = timezone.now() + LIFETIME
    session.save()
    if may_send and customer is not None:
        transaction.on_commit(partial(_send, context, customer.email, code), robust=True)


def redeem(session: Session, codes: list[str]) -> Customer | None:
    """Return whose code is among those typed; the code is used up then. None when none fits."""
    fits = [constant_time_compare(_digest(session, code), session.code_digest[TAG_LENGTH:]) for code in codes]
    if not any(fits) or not is_under_way(session):
        return None
    customer: Customer | None = session.code_customer
    session.code_digest, session.code_customer, session.code_expires_at = "", None, None
    session.save()
    return customer


def _too_many(customer: Customer) -> bool:
    under_way = Session.objects.filter(code_customer=customer, code_expires_at__gt=timezone.now())
    return int(under_way.count()) >= OPEN_CODES


def _digest(session: Session, code: str) -> str:
    return _keyed(f"{session.conversation}:{code}")[TAG_LENGTH:]


def _tag(session: Session, claim: str) -> str:
    return _keyed(f"{session.conversation}:claim:{claim}")[:TAG_LENGTH]


def _keyed(text: str) -> str:
    return salted_hmac(SALT, text, algorithm="sha256").hexdigest()


def _send(context: ToolContext, email: str, code: str) -> None:
    subject, body = MAIL[known_language(context.language)]
    message = EmailMessage(
        subject.format(tenant=" ".join(context.tenant_name.split())),
        body.format(tenant=context.tenant_name, code=code),
        to=[email],
    )
    try:
        message.send()
    except OSError:
        log.exception("A one-time code could not be sent")
