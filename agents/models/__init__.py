"""What the agent keeps: its policy, tools, intents, and for each conversation who it talks to and what it proposed."""

from agents.models.actions import OPEN_STATES, Action, ActionState
from agents.models.intents import ExampleSource, Intent, IntentExample, IntentModel
from agents.models.policy import AgentPolicy, Verification
from agents.models.sessions import Session
from agents.models.tools import HttpMethod, HttpTool, ToolCall, ToolKind, ToolSetting

__all__ = [
    "OPEN_STATES",
    "Action",
    "ActionState",
    "AgentPolicy",
    "ExampleSource",
    "HttpMethod",
    "HttpTool",
    "Intent",
    "IntentExample",
    "IntentModel",
    "Session",
    "ToolCall",
    "ToolKind",
    "ToolSetting",
    "Verification",
]
