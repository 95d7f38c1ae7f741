"""What a turn needs from the database before it begins, read in one visit."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agents.actions.queries import open_actions
from agents.models import AgentPolicy
from agents.tools.registry import SHOP, tools_of
from agents.transcript import calls_of
from tenants.scope import in_tenant

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agents.context import Turn
    from agents.models import Action, ToolCall
    from agents.tools.base import Tool

REMEMBERED = 5.0
"""Seconds for which a tenant's tools and policy are taken to be what they were."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """The tenant's tools and policy, and what is open in the conversation."""

    tools: tuple[Tool, ...] = ()
    policy: AgentPolicy = field(default_factory=AgentPolicy)
    actions: tuple[Action, ...] = ()
    """Proposed changes that wait for the customer."""
    calls: Mapping[str, Sequence[ToolCall]] = field(default_factory=dict)
    """Earlier calls of tools by the id of their reply."""

    @property
    def acts(self) -> bool:
        """Whether there is a shop behind the conversation."""
        return any(SHOP in tool.tags or tool.external for tool in self.tools)


_remembered: dict[int, tuple[float, tuple[Tool, ...], AgentPolicy]] = {}


async def prepare(turn: Turn) -> Prepared:
    """Return what this turn needs; an uneventful conversation of a tenant met a moment ago costs no visit to the database."""
    known = _remembered.get(turn.tenant_id)
    fresh = known is not None and known[0] > time.monotonic()
    if known and fresh and not turn.eventful:
        return Prepared(known[1], known[2])
    return await in_tenant(turn.tenant_id, _read, turn)


def _read(turn: Turn) -> Prepared:
    tools, policy = _tenant(turn.tenant_id)
    if not turn.eventful:
        return Prepared(tools, policy)
    conversation = uuid.UUID(turn.conversation)
    return Prepared(tools, policy, tuple(open_actions(conversation)), calls_of(conversation))


def _tenant(tenant_id: int) -> tuple[tuple[Tool, ...], AgentPolicy]:
    known = _remembered.get(tenant_id)
    if known is None or known[0] <= time.monotonic():
        tools = tuple(tools_of(tenant_id))
        policy = AgentPolicy.objects.first() or AgentPolicy()
        known = _remembered[tenant_id] = (time.monotonic() + REMEMBERED, tools, policy)
    return known[1], known[2]
