"""A driver of conversations with the dialogue that needs no model: what is said, shown and proposed, turn by turn."""

import json
import uuid
from dataclasses import dataclass, field, replace

import pytest

from agents.actions.decisions import decide
from agents.actions.queries import open_actions
from agents.actions.reading import read_decision
from agents.dialogue.respond import DialogueReply, respond
from agents.routing import intents
from agents.session import bind, lock_session
from agents.tools.base import ToolContext
from commerce.exchange import import_shop
from commerce.models import Customer
from tenants.models import Tenant
from tests.agents.dialogue.shop import SHOP


@dataclass
class Said:
    """One reply, as the page would have it: parts joined, questions for the documents apart."""

    reply: DialogueReply
    outcome: str = ""

    @property
    def text(self) -> str:
        parts = [part.text or f"<documents: {part.question}>" for part in self.reply.parts]
        return "\n\n".join(filter(None, [self.outcome, *parts]))

    @property
    def questions(self) -> list[str]:
        return [part.question for part in self.reply.parts if part.question]

    @property
    def kinds(self) -> list[str]:
        return [card.kind for card in self.reply.cards]

    @property
    def buttons(self) -> list[str]:
        cards = [card for card in self.reply.cards if card.kind == "choices"]
        return [option["label"] for card in cards for option in card.data["options"]]

    @property
    def tools(self) -> list[str]:
        return [action.tool for action in self.reply.proposed]


@dataclass
class Conversation:
    """A customer's side of a conversation: `say` returns what comes back. Each message is understood for real."""

    tenant: Tenant
    customer: Customer | None = None
    language: str = "en"
    key: uuid.UUID = field(default_factory=uuid.uuid4)
    typed: tuple[str, ...] = ()
    last_reply: uuid.UUID | None = None

    def __post_init__(self):
        if self.customer:
            bind(lock_session(self.key), self.customer, "sign-in", actor="test")

    def context(self) -> ToolContext:
        session = lock_session(self.key)
        return ToolContext(
            tenant_id=self.tenant.pk,
            tenant_name=self.tenant.name,
            language=self.language,
            conversation=self.key,
            reply=uuid.uuid4(),
            actor="customer",
            customer=session.customer,
            typed=self.typed,
        )

    def say(self, text: str) -> Said:
        self.typed = (*self.typed, text)
        context = self.context()
        waiting = open_actions(self.key)
        latest = str(self.last_reply or "")
        decision = read_decision(text, self.language, waiting, latest_reply=latest)
        outcome, decided = "", None
        if decision:
            done = decide(
                tenant_id=self.tenant.pk,
                conversation=self.key,
                action_id=decision[0].pk,
                confirmed=decision[1],
                actor="customer",
            )
            outcome, decided = done.outcome, done.action
            waiting = [action for action in waiting if action.pk != decided.pk]
        understanding = intents.understand(self.tenant.pk, text, language=self.language)
        context = replace(context, customer=lock_session(self.key).customer)
        reply = respond(context, understanding, text, open_actions=waiting, last_action=decided)
        self.last_reply = context.reply
        return Said(reply, outcome)


@pytest.fixture
def fresh_routing():
    """Nothing remembered of an earlier test's shop."""
    from agents.routing import shop
    from agents.tools import registry

    intents.forget()
    shop.forget()
    registry._shops.clear()
    yield
    intents.forget()
    shop.forget()
    registry._shops.clear()


@pytest.fixture
def shop(tenant, scope, fresh_routing):
    """The tenant with the small shop."""
    import_shop(json.loads(json.dumps(SHOP)), actor="test")
    return tenant


@pytest.fixture
def talk_as(shop):
    """Begin a conversation with the small shop, as one of its customers or as nobody."""

    def begin(customer: Customer | str | None = None, language: str = "en") -> Conversation:
        known = Customer.objects.get(code=customer) if isinstance(customer, str) else customer
        return Conversation(shop, known, language)

    return begin
