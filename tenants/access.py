"""The one gate: which tenant a request is for, who asks, and what they may do there.

Outsiders and wrong ids get the same 404, so that nothing tells them what exists.
"""

import functools
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec

from asgiref.sync import iscoroutinefunction
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponseBase

from tenants.models import STAFF, Membership, Role, Tenant
from tenants.scope import tenant_scope

P = ParamSpec("P")

VISITOR_COOKIE = "askwell_visitor"
VISITOR_SALT = "askwell.visitor"
VISITOR_AGE = 60 * 60 * 24 * 365  # seconds


@dataclass(frozen=True, slots=True)
class Access:
    """Who asks in a tenant: a signed-in user with their roles there, or an anonymous visitor."""

    user: User | None
    visitor: uuid.UUID | None
    roles: frozenset[Role]

    @property
    def is_staff(self) -> bool:
        return not self.roles.isdisjoint(STAFF)

    @property
    def is_owner(self) -> bool:
        return Role.OWNER in self.roles

    @property
    def actor(self) -> str:
        """A name for the audit trail."""
        return self.user.get_username() if self.user else f"visitor {self.visitor}"

    def may(self, *roles: Role) -> bool:
        """Whether one of these roles is held; owners hold all."""
        return Role.OWNER in self.roles or not self.roles.isdisjoint(roles)


class TenantRequest(HttpRequest):
    """A request that has passed the gate."""

    tenant: Tenant
    access: Access
    visitor: uuid.UUID | None


def find_tenant(slug: str) -> Tenant:
    """The active tenant at this address; Http404 otherwise."""
    tenant = Tenant.objects.filter(slug=slug, active=True).first()
    if tenant is None:
        raise Http404("No such tenant")
    return tenant


def access_of(user: Any, visitor: uuid.UUID | None) -> Access:
    """What this person may do in the tenant in scope."""
    if not getattr(user, "is_authenticated", False):
        return Access(user=None, visitor=visitor, roles=frozenset())
    roles = frozenset(Role(role) for role in Membership.objects.filter(user=user).values_list("role", flat=True))
    return Access(user=user, visitor=visitor, roles=roles | {Role.OWNER} if user.is_superuser else roles)


def tenant_view(
    *roles: Role,
) -> Callable[[Callable[Concatenate[TenantRequest, P], HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """Makes a view under /<slug>/ `view(request, …)`: in the tenant's scope, with `request.tenant` and `.access`.

    Without roles anyone may come in. With roles, a person without any of them gets 404, or the sign-in page if nobody
    is signed in.
    """

    def decorate(view: Callable[Concatenate[TenantRequest, P], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        assert not iscoroutinefunction(view), "views are synchronous; the event loop is for sockets"  # noqa: S101 (a rule for developers)

        @functools.wraps(view)
        def gated(request: TenantRequest, slug: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            tenant = find_tenant(slug)
            with tenant_scope(tenant.pk):
                request.tenant = tenant
                request.access = access_of(request.user, getattr(request, "visitor", None))
                if roles and not request.access.may(*roles):
                    if request.access.user is None:
                        return redirect_to_login(request.get_full_path())
                    raise Http404("Not for this person")
                return view(request, *args, **kwargs)

        gated.roles = roles  # type: ignore[attr-defined] # read by the test that every tenant path is gated
        return gated

    return decorate


def sign_visitor(visitor: uuid.UUID) -> str:
    """The token by which an anonymous visitor is known again; fit for a cookie and for a WebSocket subprotocol."""
    return _signer().sign_object(visitor.hex)


def read_visitor(token: str | None) -> uuid.UUID | None:
    """The visitor of a token; None when it is missing, forged or too old."""
    try:
        return uuid.UUID(_signer().unsign_object(token or "", max_age=VISITOR_AGE))
    except (signing.BadSignature, ValueError, TypeError, AttributeError):
        return None


def _signer() -> signing.TimestampSigner:
    """Separates by a dot: the usual colon may not stand in a subprotocol (RFC 6455, 4.1), browsers refuse it."""
    return signing.TimestampSigner(salt=VISITOR_SALT, sep=".")
