"""Which turns go to the strong model: rules that a curator can read and change.

The first rule that fits decides; no rule fits: the primary model answers. Intents cost a look at the question, so they
are asked for only when they alone still decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import get_language_info

from agents.models import RoutingRule

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    Intents = Callable[[], Awaitable[Iterable[str]]]

MESSAGES_KNOWN = 24
"""Messages before a question that the agent is told of: no rule can ask for more."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Conditions of which all must hold, empty ones always do, and the model that such turns go to."""

    name: str
    intents: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    min_characters: int = 0
    min_messages: int = 0
    min_tools: int = 0
    failed_before: bool = False
    strong: bool = True

    @classmethod
    def of(cls, row: RoutingRule) -> Rule:
        """Return the rule of a row; lists that something else stands in are taken as empty."""
        return cls(
            name=row.name,
            intents=_names(row.intents),
            languages=_names(row.languages),
            min_characters=row.min_characters or 0,
            min_messages=row.min_messages or 0,
            min_tools=row.min_tools or 0,
            failed_before=row.failed_before,
            strong=row.strong,
        )

    def holds(self, asked: Circumstances) -> bool:
        """Whether all holds but the intents, which are not looked at here."""
        return (
            asked.characters >= self.min_characters
            and asked.messages >= self.min_messages
            and asked.tools >= self.min_tools
            and (asked.failed_before or not self.failed_before)
            and (not self.languages or asked.language in self.languages)
        )

    def __str__(self) -> str:
        """Say the rule in a plain sentence."""
        conditions = list(filter(None, (self._about(), self._measures(), self._before())))
        return f"{' '.join(conditions) or 'All messages'} {'go to' if self.strong else 'stay with'} {self._model()}."

    def _model(self) -> str:
        return "the strong model" if self.strong else "the primary model"

    def _about(self) -> str:
        about = f" about {_either(self.intents)}" if self.intents else ""
        language = f" in {_either([language_name(code) for code in self.languages])}" if self.languages else ""
        return f"Messages{about}{language}"

    def _measures(self) -> str:
        return f"of {self.min_characters} characters or more" if self.min_characters else ""

    def _before(self) -> str:
        after = [f"{self.min_messages} messages or more"] if self.min_messages else []
        after += [f"{self.min_tools} calls of tools or more"] if self.min_tools else []
        after += ["a reply that failed, did not know or was rated badly"] if self.failed_before else []
        return f"after {' and '.join(after)}" if after else ""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What rules look at.

    Attributes:
        characters: of the question. messages: that came before it, as far as the agent is told. tools: calls of tools
        in the conversation before. failed_before: the reply before failed, did not know, came from a stand-in or was
        rated badly. language: of the question, a code such as "de".
    """

    characters: int = 0
    messages: int = 0
    tools: int = 0
    failed_before: bool = False
    language: str = ""


DEFAULTS = (
    Rule("Second try", failed_before=True),
    Rule("Long question", min_characters=400),
    Rule("Long conversation", min_messages=12),
    Rule("Much looked up", min_tools=8),
)
"""For tenants without rules of their own; none of them has to wait for anything."""


async def first_fit(rules: Sequence[Rule], asked: Circumstances, intents: Intents) -> Rule | None:
    """Return the rule that decides; `intents` is called only where they alone still decide."""
    for rule in rules:
        if rule.holds(asked) and (not rule.intents or not set(rule.intents).isdisjoint(await intents())):
            return rule
    return None


def ask_intents(rules: Iterable[Rule]) -> bool:
    """Whether a rule may have to wait for the intents of a question."""
    return any(rule.intents for rule in rules)


def ask_language(rules: Iterable[Rule]) -> bool:
    """Whether the language of a question matters."""
    return any(rule.languages for rule in rules)


def rules_of_tenant() -> tuple[Rule, ...]:
    """Return the active rules of the tenant in scope in their order; the defaults where there are no rows at all."""
    rows = list(RoutingRule.objects.all())
    return tuple(Rule.of(row) for row in rows if row.active) if rows else DEFAULTS


def language_name(code: str) -> str:
    """The English name of a language, its code where there is none."""
    try:
        return str(get_language_info(code)["name"])
    except KeyError:
        return code


def _names(stored: object) -> tuple[str, ...]:
    return tuple(str(name) for name in stored) if isinstance(stored, list) else ()


def _either(names: Sequence[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
