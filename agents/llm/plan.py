"""Who answers a turn: the tenant's models in the order they are asked, each counted and told no more than it may be.

With one model, or with routing switched off, nothing here looks at the question or waits for anything.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from agents.budgets import Level, spending_level
from agents.guardrails.redaction import Redacting
from agents.llm.metering import Metered
from agents.llm.router import Circumstances, ask_intents, ask_language, first_fit
from agents.models import ModelRole, Routing
from knowledge.indexes.language import detect_language

if TYPE_CHECKING:
    from agents.context import Turn
    from agents.guardrails.redaction import Own
    from agents.llm.base import Provider
    from agents.llm.metering import Account
    from agents.llm.registry import Model
    from agents.llm.router import Intents
    from agents.preparation import Prepared

PRIMARY, STRONG = str(ModelRole.PRIMARY), str(ModelRole.STRONG)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which of two models a turn goes to.

    Attributes:
        chosen: "primary" or "strong". would: the one that the rules name, which may be another in shadow mode and when
        a budget is nearly spent. rule: the name of the rule that decided, empty where none fitted. mode: "on" or
        "shadow". economy: a budget kept the turn from the strong model.
    """

    chosen: str
    would: str
    rule: str
    mode: str
    economy: bool = False

    def as_record(self) -> dict[str, str | bool]:
        """Return it as the trace keeps it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Plan:
    """The models of a turn in the order they are asked; none where the documents are only quoted."""

    providers: tuple[Provider, ...] = ()
    routing: Choice | None = None
    """None where there was nothing to choose."""


async def plan_turn(turn: Turn, prepared: Prepared, account: Account, own: Own, intents: Intents) -> Plan:
    """Choose the models of a turn.

    Args:
        turn: the customer's turn.
        prepared: what its tenant has set.
        account: who pays.
        own: whose personal data it is, which providers are not sent where the tenant wants that.
        intents: finds out what the customer wants; called only where a rule cannot be decided without.
    """
    if not chooses(prepared):
        kept = [model for model in prepared.models if model.name != STRONG or not prepared.models.primary]
        return Plan(_wrapped(kept, prepared, account, own))
    choice = await _choose(turn, prepared, intents)
    first = [model for model in (prepared.models.primary, prepared.models.strong) if model]
    if choice.chosen == STRONG:
        order = [*first[::-1], *prepared.models.fallbacks]
    elif choice.mode == Routing.SHADOW or choice.economy:
        order = [*first[:1], *prepared.models.fallbacks]
    else:  # the strong model stands in where all others fail
        order = [*first[:1], *prepared.models.fallbacks, *first[1:]]
    return Plan(_wrapped(order, prepared, account, own), choice)


def reading_model(prepared: Prepared, account: Account, own: Own) -> Provider | None:
    """Return the cheap model, which reads questions before they are answered; None where there are no models."""
    model = next(iter(prepared.models), None)
    return _wrapped([model], prepared, account, own)[0] if model else None


def chooses(prepared: Prepared) -> bool:
    """Whether there are two models to choose from, and the tenant wants that."""
    models = prepared.models
    return bool(models.primary and models.strong) and prepared.answers.routing != Routing.OFF


def may_ask_intents(prepared: Prepared) -> bool:
    """Whether the choice may have to wait for the intents of the question: begin to look for them early."""
    return chooses(prepared) and ask_intents(prepared.routing_rules)


async def _choose(turn: Turn, prepared: Prepared, intents: Intents) -> Choice:
    rule = await first_fit(prepared.routing_rules, _circumstances(turn, prepared), intents)
    would = STRONG if rule and rule.strong else PRIMARY
    name = rule.name if rule else ""
    mode = str(prepared.answers.routing)
    if would == PRIMARY or mode == Routing.SHADOW:
        return Choice(PRIMARY, would, name, mode)
    economy = await spending_level(turn.tenant_id, prepared.budgets) >= Level.ECONOMISE
    return Choice(PRIMARY if economy else STRONG, would, name, mode, economy=economy)


def _circumstances(turn: Turn, prepared: Prepared) -> Circumstances:
    speaks = ask_language(prepared.routing_rules)
    return Circumstances(
        characters=len(turn.question),
        messages=len(turn.history),
        tools=sum(len(calls) for calls in prepared.calls.values()),
        failed_before=turn.failed_before,
        language=detect_language([turn.question], turn.language) if speaks else turn.language,
    )


def _wrapped(models: list[Model], prepared: Prepared, account: Account, own: Own) -> tuple[Provider, ...]:
    """Return what asks these models, each request counted."""
    counted = [Metered(model.provider(), model, account) for model in models]
    return tuple(Redacting(provider, own) for provider in counted) if prepared.answers.redact else tuple(counted)
