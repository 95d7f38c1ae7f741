"""Proofs by what the customer typed, as the tenant's policy has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.actions.queries import policy_of_tenant
from agents.identity import codes
from agents.identity.typed import stands_email, stands_name, stands_order, stands_postcode, typed_codes
from agents.models import Verification
from agents.session import NotThisCustomer, bind, lock_session, may_be
from agents.tools.base import ToolError
from commerce.models import Customer, Order
from tenants.services import record_audit

if TYPE_CHECKING:
    from agents.models import AgentPolicy, Session
    from agents.tools.base import ToolContext

MAX_FIELD = 254
"""Characters of anything a customer is found by."""
CODE_MESSAGES, CODE_GUESSES = 3, 3
"""How many of the last messages are searched for a code, and how many different ones in them are tried."""

NOT_TYPED = (
    "Only what the customer wrote in this conversation proves who they are, and {what} does not stand there. "
    "Ask the customer to write it."
)
TOO_MANY = "Too many attempts failed in this conversation. Nothing more can be tried here: hand over to a person."
LOCKED = "The customer could not prove who they are: the attempts of this conversation are used up."
"""What the person who takes over is told."""
SIGN_IN = (
    "Orders are shown to signed-in customers only. Ask the customer to sign in; nothing they write here proves it."
)
TOKEN = "Customers are known by the link from the shop's own site. Ask the customer to open the chat from there."  # noqa: S105 (a sentence)
ORDER_NEEDED = "The name and postcode need the number of one of their orders as well. Ask the customer to write it."
CODE_SENT = (
    "If that is a customer's address, a code of six digits is on its way to it by e-mail. Ask the customer to type the "
    "code here, then call this again with the same arguments."
)
WRONG_CODE = "That is not the code. Ask the customer to look again at the e-mail, and type the six digits."


@dataclass(frozen=True, slots=True)
class Claim:
    """Whom the customer says they are; what is empty was not said."""

    email: str = ""
    first_name: str = ""
    last_name: str = ""
    postcode: str = ""
    order: str = ""

    @property
    def key(self) -> str:
        """All of it as one text, the same in whatever case it was written."""
        parts = (self.email, self.first_name, self.last_name, "".join(self.postcode.split()), self.order)
        return "\0".join(parts).casefold()

    def untyped(self, typed: tuple[str, ...]) -> str:
        """Return what of it the customer did not type, in words; empty when all of it stands there."""
        checks = (
            ("the e-mail address", self.email, stands_email),
            ("the first name", self.first_name, stands_name),
            ("the last name", self.last_name, stands_name),
            ("the postcode", self.postcode, stands_postcode),
            ("the number of the order", self.order, stands_order),
        )
        return " and ".join(label for label, value, stands in checks if value and not stands(value, typed))

    def customers(self) -> list[Customer]:
        """Return the customers of the tenant in scope that all of it fits: the first two."""
        wanted = {
            "email__iexact": self.email,
            "first_name__iexact": self.first_name,
            "last_name__iexact": self.last_name,
        }
        rows = Customer.objects.filter(**{name: value for name, value in wanted.items() if value})
        if self.postcode:
            rows = rows.filter(pk__in=[row.pk for row in rows if _same_postcode(row.zip, self.postcode)])
        if self.order:
            rows = rows.filter(pk__in=[row.pk for row in rows if any(_orders_typed(row, (self.order,)))])
        return list(rows[:2])


def prove_by_email(context: ToolContext, email: str) -> Customer:
    """Return the customer with this e-mail address, to whom the conversation is bound from now on.

    Raises:
        ToolError: with code "not_typed", "not_found" (no such customer, or not the bound one), "too_many", "sign_in",
            "token", "code_sent" or "wrong_code".
    """
    return _prove(context, Claim(email=_plain(email)), "email")


def prove_by_name_zip(context: ToolContext, first_name: str, last_name: str, zip: str) -> Customer:  # noqa: A002 (the public tool's argument)
    """Return the customer with this name and postcode, to whom the conversation is bound from now on.

    Raises:
        ToolError: as `prove_by_email`; also "order_needed" where the policy wants an order's number typed as well.
    """
    claim = Claim(first_name=_plain(first_name), last_name=_plain(last_name), postcode=_plain(zip))
    return _prove(context, claim, "name_zip")


def prove_by_order(  # noqa: PLR0913 (what may be said together with an order)
    context: ToolContext,
    order: str,
    *,
    email: str = "",
    first_name: str = "",
    last_name: str = "",
    zip: str = "",  # noqa: A002 (the name of it everywhere)
) -> Customer:
    """Return the customer whose order this is, by its number with an e-mail address, or with name and postcode.

    Raises:
        ToolError: as `prove_by_email`.
    """
    claim = Claim(_plain(email), _plain(first_name), _plain(last_name), _plain(zip), _plain(order))
    return _prove(context, claim, "email" if claim.email else "name_zip")


def _prove(context: ToolContext, claim: Claim, proof: str) -> Customer:
    _require_enough(claim)
    session = lock_session(context.conversation)
    if session.customer is not None:
        return _again(context, session.customer, claim)
    policy = policy_of_tenant()
    _require_open(context, session, policy, claim)
    if policy.verification == Verification.CODE and codes.is_under_way(session):
        if codes.is_about(session, claim.key):
            return _by_code(context, session, claim)
        session.attempts += 1  # other details than before: who asks for code after code runs out of them
    found = claim.customers()
    if policy.order_needed and not claim.email and not claim.order:
        found = [row for row in found if any(_orders_typed(row, context.typed))]
    customer = found[0] if len(found) == 1 and may_be(found[0], context.user) else None
    if policy.verification == Verification.CODE:
        codes.issue(context, session, claim.key, customer)
        raise ToolError(CODE_SENT, code="code_sent")
    if customer is None:
        order_missing = policy.order_needed and not claim.email and not claim.order
        raise _failed(context, session, claim, ToolError(ORDER_NEEDED, code="order_needed") if order_missing else None)
    bind(session, customer, proof, actor=context.actor, user=context.user)
    return customer


def _require_enough(claim: Claim) -> None:
    if not claim.email and not (claim.first_name and claim.last_name and claim.postcode):
        raise ToolError("An e-mail address is needed, or first name, last name and postcode.", code="invalid")
    if any(len(value) > MAX_FIELD for value in (claim.email, claim.first_name, claim.last_name, claim.postcode)):
        raise NotThisCustomer


def _again(context: ToolContext, bound: Customer, claim: Claim) -> Customer:
    """The conversation is bound: to that customer it says so once more, of anybody else it knows nothing."""
    if may_be(bound, context.user) and bound.pk in {row.pk for row in claim.customers()}:
        return bound
    raise NotThisCustomer


def _require_open(context: ToolContext, session: Session, policy: AgentPolicy, claim: Claim) -> None:
    """Raise where the policy takes no such proof, no more attempts, or none of what the customer did not type."""
    if policy.verification == Verification.NONE:
        raise ToolError(SIGN_IN, code="sign_in")
    if policy.verification == Verification.TOKEN:
        raise ToolError(TOKEN, code="token")
    if session.attempts >= policy.attempts:
        _audit(context, "too_many", Claim())
        raise ToolError(TOO_MANY, code="too_many")
    if missing := claim.untyped(context.typed):
        _audit(context, "not_typed", Claim())  # it is not known whose identifiers these are, so none are kept
        raise ToolError(NOT_TYPED.format(what=missing), code="not_typed")


def _by_code(context: ToolContext, session: Session, claim: Claim) -> Customer:
    typed = typed_codes(context.typed, messages=CODE_MESSAGES, at_most=CODE_GUESSES)
    if not typed:
        raise ToolError(CODE_SENT, code="code_sent")
    customer = codes.redeem(session, typed)
    if customer is None or customer.pk not in {row.pk for row in claim.customers()}:
        raise _failed(context, session, claim, ToolError(WRONG_CODE, code="wrong_code"))
    bind(session, customer, "code", actor=context.actor, user=context.user)
    return customer


def _failed(context: ToolContext, session: Session, claim: Claim, error: ToolError | None = None) -> ToolError:
    """Count and audit an attempt that failed, and return what is said of it."""
    session.attempts += 1
    session.save(update_fields=["attempts", "updated_at"])
    error = error or NotThisCustomer()
    _audit(context, error.code, claim)
    return error


def _audit(context: ToolContext, reason: str, claim: Claim) -> None:
    detail: dict[str, object] = {"reason": reason, **({"email": claim.email} if claim.email else {})}
    target = f"conversation {context.conversation}"
    record_audit(actor=context.actor, action="identity.refused", target=target, detail=detail)


def _orders_typed(customer: Customer, typed: tuple[str, ...]) -> list[str]:
    """Return the customer's own orders whose numbers stand in these texts."""
    own = Order.objects.filter(customer=customer).values_list("code", flat=True)
    return [code for code in own if stands_order(code, typed)]


def _same_postcode(left: str, right: str) -> bool:
    return "".join(left.split()).casefold() == "".join(right.split()).casefold()


def _plain(text: str) -> str:
    return " ".join(text.replace("\0", " ").split())
