"""Changes to tenants, memberships and keys."""

import hashlib
import secrets
from collections.abc import Sequence

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from tenants.models import ApiKey, AuditEvent, Membership, Role, Tenant
from tenants.scope import tenant_scope

KEY_BYTES = 32
PREFIX_LENGTH = 10  # of a key's characters, kept readable so that people can tell their keys apart


def create_tenant(*, slug: str, name: str = "", language: str = "en", actor: str = "command") -> Tenant:
    """An empty tenant; raises ValidationError when the slug is taken or unfit."""
    tenant = Tenant(slug=slug, name=name or slug.replace("-", " ").title(), language=language)
    tenant.full_clean()
    with transaction.atomic():
        tenant.save()
        with tenant_scope(tenant.pk):
            record_audit(actor=actor, action="tenant.created", target=slug)
    return tenant


def add_member(*, user: User, role: Role, actor: str = "command") -> Membership:
    """Gives a user a role in the tenant in scope; harmless when the user has it."""
    membership: Membership
    membership, created = Membership.objects.get_or_create(user=user, role=role)
    if created:
        record_audit(actor=actor, action="member.added", target=user.get_username(), detail={"role": str(role)})
    return membership


def remove_members(memberships: Sequence[Membership], *, actor: str) -> int:
    """Takes roles away in the tenant in scope; returns how many, which is none when no owner would be left."""
    if not owner_remains(memberships):
        return 0
    for membership in memberships:
        detail: dict[str, object] = {"role": membership.role}
        record_audit(actor=actor, action="member.removed", target=membership.user.get_username(), detail=detail)
    Membership.objects.filter(pk__in=[membership.pk for membership in memberships]).delete()
    return len(memberships)


def owner_remains(removed: Sequence[Membership]) -> bool:
    """Whether the tenant has an owner once these memberships are gone, or has none to lose; locks its owners."""
    owners = set(Membership.objects.select_for_update().filter(role=Role.OWNER).values_list("pk", flat=True))
    going = {membership.pk for membership in removed}
    return bool(owners - going) or not owners & going


def create_api_key(*, name: str, actor: str) -> tuple[ApiKey, str]:
    """A new key of the tenant in scope, and its text, which cannot be read again."""
    text = f"ask_{secrets.token_urlsafe(KEY_BYTES)}"
    key = ApiKey.objects.create(name=name, prefix=text[:PREFIX_LENGTH], digest=_digest(text))
    record_audit(actor=actor, action="key.created", target=str(key))
    return key, text


def find_api_key(text: str) -> ApiKey | None:
    """The living key of the tenant in scope with this text."""
    key: ApiKey | None = ApiKey.objects.filter(digest=_digest(text), revoked_at=None).first()
    return key


def revoke_api_key(*, key: ApiKey, actor: str) -> None:
    """Ends a key; harmless when it has ended."""
    if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()):
        record_audit(actor=actor, action="key.revoked", target=str(key))


def record_audit(*, actor: str, action: str, target: str = "", detail: dict[str, object] | None = None) -> None:
    """Adds to the audit trail of the tenant in scope, in the transaction of the change it tells of."""
    AuditEvent.objects.create(actor=actor[:200], action=action, target=target[:200], detail=detail or {})


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
