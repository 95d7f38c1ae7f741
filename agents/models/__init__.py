"""What the agent keeps: policies, models, prompts, tools, intents, what answers cost, and what it proposed to whom."""

from agents.models.actions import OPEN_STATES, Action, ActionState
from agents.models.caching import CachedAnswer, CacheHit
from agents.models.intents import ExampleSource, Intent, IntentExample, IntentModel
from agents.models.policy import AgentPolicy, Verification
from agents.models.prompts import PromptState, PromptVersion
from agents.models.providers import LanguageModel, ModelRole, ProviderHealth, RoutingRule
from agents.models.quality import AnswerPolicy, BelowThreshold, Routing
from agents.models.sessions import Session
from agents.models.tools import HttpMethod, HttpTool, ToolCall, ToolKind, ToolSetting
from agents.models.usage import Budget, BudgetHold, Feature, ModelCall, Period, Spending

__all__ = [
    "OPEN_STATES",
    "Action",
    "ActionState",
    "AgentPolicy",
    "AnswerPolicy",
    "BelowThreshold",
    "Budget",
    "BudgetHold",
    "CacheHit",
    "CachedAnswer",
    "ExampleSource",
    "Feature",
    "HttpMethod",
    "HttpTool",
    "Intent",
    "IntentExample",
    "IntentModel",
    "LanguageModel",
    "ModelCall",
    "ModelRole",
    "Period",
    "PromptState",
    "PromptVersion",
    "ProviderHealth",
    "Routing",
    "RoutingRule",
    "Session",
    "Spending",
    "ToolCall",
    "ToolKind",
    "ToolSetting",
    "Verification",
]
