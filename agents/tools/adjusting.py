"""Changing what a tenant's tools may do."""

from django.db import transaction

from agents.models import ToolSetting
from tenants.services import record_audit


@transaction.atomic
def adjust_tool(*, name: str, enabled: bool, limit_ms: int | None, per_minute: int | None, actor: str) -> bool:
    """Set how a tool differs from its defaults in the tenant in scope; returns whether that changed anything.

    Args:
        name: of a built-in tool or one of the tenant's own.
        enabled: whether it may be called.
        limit_ms: milliseconds it may take; None for its own limit.
        per_minute: calls in a minute; None for any number.
        actor: for the audit trail.
    """
    wanted = {"enabled": enabled, "limit_ms": limit_ms, "per_minute": per_minute}
    setting = ToolSetting.objects.filter(name=name).first() or ToolSetting(name=name)
    if all(getattr(setting, field) == value for field, value in wanted.items()):
        return False
    for field, value in wanted.items():
        setattr(setting, field, value)
    setting.save()
    record_audit(actor=actor, action="tool.adjusted", target=name, detail=dict(wanted))
    return True
