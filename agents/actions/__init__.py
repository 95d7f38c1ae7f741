"""Changes: proposed in plain words, confirmed by the customer, run exactly once."""

from agents.actions.decisions import ActionNotFound, approve, decide, refuse
from agents.actions.outcomes import Decided, as_events
from agents.actions.proposals import propose
from agents.actions.queries import actions_of, open_actions, waiting_for_approval
from agents.actions.reading import plain_answer, read_decision

__all__ = [
    "ActionNotFound",
    "Decided",
    "actions_of",
    "approve",
    "as_events",
    "decide",
    "open_actions",
    "plain_answer",
    "propose",
    "read_decision",
    "refuse",
    "waiting_for_approval",
]
