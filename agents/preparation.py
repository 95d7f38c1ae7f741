"""What a turn needs from the database before it begins, read in one visit."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from agents import prompts
from agents.actions.queries import open_actions
from agents.budgets import budgets_of
from agents.llm import router
from agents.llm.registry import environment_models, tenant_models
from agents.models import AgentPolicy, AnswerPolicy
from agents.prompts.versions import prompts_of_tenant
from agents.tools.registry import SHOP, tools_of
from agents.transcript import calls_of
from knowledge.models import Reranker
from knowledge.retrieval.policy import policies
from tenants.scope import in_tenant

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agents.context import Turn
    from agents.llm.registry import TenantModels
    from agents.llm.router import Rule
    from agents.models import Action, Budget, ToolCall
    from agents.prompts import Prompts
    from agents.tools.base import Tool

REMEMBERED = 5.0
"""Seconds for which what a tenant has set is taken to be what it was."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the tenant has set, shared by its turns and never changed, and what is open in the conversation."""

    tools: tuple[Tool, ...] = ()
    policy: AgentPolicy = field(default_factory=AgentPolicy)
    answers: AnswerPolicy = field(default_factory=AnswerPolicy)
    budgets: tuple[Budget, ...] = ()
    models: TenantModels = field(default_factory=environment_models)
    prompts: Prompts = prompts.FILES
    routing_rules: tuple[Rule, ...] = router.DEFAULTS
    reranks: bool = False
    """Whether the chat model puts the passages of a search in order."""
    actions: tuple[Action, ...] = ()
    """Proposed changes that wait for the customer."""
    calls: Mapping[str, Sequence[ToolCall]] = field(default_factory=dict)
    """Earlier calls of tools by the id of their reply."""

    @property
    def acts(self) -> bool:
        """Whether there is a shop behind the conversation."""
        return any(SHOP in tool.tags or tool.external for tool in self.tools)


_remembered: dict[int, tuple[float, Prepared]] = {}
"""What tenants have set, and until when it is believed."""


async def prepare(turn: Turn) -> Prepared:
    """Return what this turn needs; a conversation without tools, of a tenant met a moment ago, costs no visit."""
    known = _remembered.get(turn.tenant_id)
    if known and known[0] > time.monotonic() and not turn.eventful:
        return known[1]
    return await in_tenant(turn.tenant_id, _read, turn)


def _read(turn: Turn) -> Prepared:
    known = tenant_settings(turn.tenant_id)
    if not turn.eventful:
        return known
    conversation = uuid.UUID(turn.conversation)
    return replace(known, actions=tuple(open_actions(conversation)), calls=calls_of(conversation))


def tenant_settings(tenant_id: int) -> Prepared:
    """Return what the tenant in scope has set, without a conversation; at most `REMEMBERED` old."""
    known = _remembered.get(tenant_id)
    if known is None or known[0] <= time.monotonic():
        known = _remembered[tenant_id] = (time.monotonic() + REMEMBERED, _settings(tenant_id))
    return known[1]


def _settings(tenant_id: int) -> Prepared:
    return Prepared(
        tools=tuple(tools_of(tenant_id)),
        policy=AgentPolicy.objects.first() or AgentPolicy(),
        answers=AnswerPolicy.objects.first() or AnswerPolicy(),
        budgets=budgets_of(),
        models=tenant_models(),
        prompts=prompts_of_tenant(),
        routing_rules=router.rules_of_tenant(),
        reranks=policies.get(tenant_id).settings.reranker == Reranker.MODEL,
    )
