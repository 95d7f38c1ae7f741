"""Whole turns on PostgreSQL: what a model asks for and is told, what the customer decides, what comes of it."""

import json
import uuid
from contextlib import aclosing
from datetime import timedelta

import pytest
from django.utils import timezone

from agents.context import Decision, PastMessage, Turn
from agents.events import ActionDone, ActionProposed, Answer, Finished, Handover
from agents.llm.base import Finished as Ended
from agents.llm.base import LLMError, Message, ToolCallDelta
from agents.llm.scripted import Scripted, says
from agents.models import Action, ActionState, Session, ToolCall
from agents.runner import run
from agents.services import Services
from agents.tools.calls import WAITING
from commerce.exchange import import_shop
from commerce.models import Order, Payment
from tenants.scope import in_tenant, tenant_scope
from tests.commerce.little_shop import little_shop

pytestmark = pytest.mark.django_db(transaction=True)
ASKED = "Please cancel #W1, I no longer need it. I am ann.archer@example.com."
AWAY = LLMError("away", kind="idle", retryable=True)


def calls(*wanted):
    """The script of a round that asks for tools, each (name, arguments)."""
    pieces = [ToolCallDelta(n, f"{name}-{n}", name, json.dumps(given)) for n, (name, given) in enumerate(wanted)]
    return [*pieces, Ended("tool_calls")]


PROOF = calls(("find_user_id_by_email", {"email": "ann.archer@example.com"}))
LOOK = calls(("get_order_details", {"order_id": "#W1"}))
CANCEL = ("cancel_pending_order", {"order_id": "#W1", "reason": "no longer needed"})
CANCEL_OTHER = ("cancel_pending_order", {"order_id": "#W4", "reason": "no longer needed"})


class Model(Scripted):
    """A scripted model that keeps what it could call."""

    async def stream(self, messages, tools, options):
        self.offered = [tool.name for tool in tools]
        async with aclosing(super().stream(messages, tools, options)) as chunks:
            async for chunk in chunks:
                yield chunk


class Said:
    """One reply: its events, and the model that was asked for it."""

    def __init__(self, model: Model, events: list):
        assert isinstance(events[-1], Finished)
        self.model, self.events = model, events
        self.answer: Answer = events[-1].answer
        self.proposed = self.of(ActionProposed)

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def done(self) -> ActionDone:
        [done] = self.of(ActionDone)
        return done

    @property
    def question(self) -> Message:
        """The customer's words, as the model was told them."""
        return self.model.calls[0][-1]

    def told(self, round_number: int) -> list[str]:
        """What the tools of a round told the model."""
        messages = self.model.calls[round_number + 1]
        last = max(place for place, message in enumerate(messages) if message.tool_calls)
        return [message.content for message in messages[last + 1 :]]


class Conversation:
    """A visitor who talks with the agent; it remembers as the chat would."""

    def __init__(self, tenant, found):
        self.tenant, self.found = tenant, found
        self.key = uuid.uuid4()
        self.history: tuple[PastMessage, ...] = ()
        self.typed: tuple[str, ...] = ()

    async def say(self, text, *scripts, decision=None) -> Said:
        """Returns the reply of a model that plays these scripts; without any, no model is there."""
        model, reply = Model(*scripts), str(uuid.uuid4())
        self.typed = (*self.typed, *filter(None, [text]))
        about = (self.tenant.pk, "Acme", "en", str(self.key))
        turn = Turn(*about, text, self.history, reply=reply, decision=decision)
        providers = [model] if scripts else []
        services = Services(search=self._search, providers=lambda: providers, typed=lambda _: self.typed)
        said = Said(model, [event async for event in run(turn, services)])
        self.history = (*self.history, PastMessage("customer", text), PastMessage("assistant", said.answer.text, reply))
        return said

    async def _search(self, tenant_id, _query):
        assert tenant_id == self.tenant.pk
        return self.found

    async def status(self, order: str) -> str:
        return await in_tenant(self.tenant.pk, lambda: Order.objects.get(code=order).status)

    async def rows(self, model, *fields):
        own = {"conversation": self.key}
        return await in_tenant(self.tenant.pk, lambda: list(model.objects.filter(**own).values_list(*fields)))


@pytest.fixture
def customer(tenant, make_result):
    """A visitor of the little shop, whose documents say nothing of orders."""
    with tenant_scope(tenant.pk):
        import_shop(little_shop() | {"order_patterns": [r"#W\d"]}, actor="test")
    return Conversation(tenant, make_result(answerability=0.0))


@pytest.fixture
def reader(tenant, battery):
    """A visitor of a tenant that has documents alone."""
    return Conversation(tenant, battery)


async def proposed(customer, *changes) -> Said:
    """The reply that proposes changes, #W1's cancellation by itself."""
    return await customer.say(ASKED, PROOF, calls(*(changes or [CANCEL])), says("Shall I cancel it?"))


async def test_a_model_finds_the_customer_reads_the_order_and_proposes_the_change(customer):
    said = await customer.say(ASKED, PROOF, LOOK, calls(CANCEL), says("Shall I cancel #W1 for 340.00 USD?"))
    assert said.told(0) == ["ann_1"]
    [order] = said.told(1)
    assert (json.loads(order)["order_id"], json.loads(order)["status"]) == ("#W1", "pending")
    [change] = said.told(2)
    assert json.loads(change)["status"] == WAITING
    [action] = said.proposed
    assert (action.action, action.state) == (json.loads(change)["action"], "proposed")
    assert said.answer.text == "Shall I cancel #W1 for 340.00 USD?"
    assert await customer.status("#W1") == "pending"
    assert await customer.rows(Action, "tool", "state") == [("cancel_pending_order", ActionState.PROPOSED)]
    assert await customer.rows(Session, "customer__code") == [("ann_1",)]


async def test_an_address_that_the_customer_did_not_type_proves_nothing(customer):
    said = await customer.say("Please cancel #W1.", PROOF, calls(CANCEL), says("Who are you?"))
    assert "does not stand there" in said.told(0)[0]
    assert "error" in json.loads(said.told(1)[0])
    assert said.proposed == []
    assert await customer.rows(Action, "tool") == []


@pytest.mark.parametrize("by_button", [True, False])
async def test_what_the_customer_confirms_is_done_and_the_model_is_told(customer, by_button):
    [action] = (await proposed(customer)).proposed
    decision = Decision(uuid.UUID(action.action), confirmed=True) if by_button else None
    said = await customer.say("" if by_button else "Yes, please", says("It is cancelled."), decision=decision)
    assert (said.done.action, said.done.ok, said.done.state) == (action.action, True, "done")
    assert await customer.status("#W1") == "cancelled"
    assert '"Done"' in said.question.content
    of_change = next(m for m in said.model.calls[0] if m.tool_call_id == "cancel_pending_order-0")
    assert json.loads(of_change.content)["status"] == "Done"
    assert json.loads(of_change.content)["result"]["result"]["status"] == "cancelled"
    assert said.answer.text == "It is cancelled."


async def test_a_change_is_made_once_however_often_it_is_confirmed(customer):
    [action] = (await proposed(customer)).proposed
    decision = Decision(uuid.UUID(action.action), confirmed=True)
    for _ in range(3):
        said = await customer.say("", says("It is cancelled."), decision=decision)
        assert said.done.ok
    refunds = await in_tenant(
        customer.tenant.pk, lambda: Payment.objects.filter(order__code="#W1", kind="refund").count()
    )
    assert refunds == 1


async def test_a_yes_that_says_more_decides_nothing(customer):
    await proposed(customer)
    said = await customer.say("Yes, but what about my lamp?", says("Which lamp?"))
    assert said.of(ActionDone) == []
    assert await customer.status("#W1") == "pending"


async def test_of_two_open_changes_only_a_button_says_which(customer):
    first, second = (await proposed(customer, CANCEL, CANCEL_OTHER)).proposed
    said = await customer.say("yes", says("Which of the two?"))
    assert said.of(ActionDone) == []
    said = await customer.say("", says("never said"), decision=Decision(uuid.UUID(second.action), confirmed=True))
    assert (said.done.action, said.done.ok) == (second.action, True)
    assert said.model.calls == []  # while another change waits, rules say what became of this one
    assert said.done.summary in said.answer.text
    assert [await customer.status(code) for code in ("#W1", "#W4")] == ["pending", "cancelled"]
    assert dict(await customer.rows(Action, "pk", "state"))[uuid.UUID(first.action)] == ActionState.PROPOSED


@pytest.mark.parametrize("by_button", [True, False])
async def test_what_the_customer_declines_is_left_alone_and_the_model_is_told(customer, by_button):
    [action] = (await proposed(customer)).proposed
    decision = Decision(uuid.UUID(action.action), confirmed=False) if by_button else None
    said = await customer.say("" if by_button else "No, thanks", says("As you wish."), decision=decision)
    assert (said.done.ok, said.done.state) == (False, "declined")
    assert '"Declined by the customer"' in said.question.content
    assert await customer.status("#W1") == "pending"
    assert said.answer.text == "As you wish."


async def test_what_has_expired_is_not_done_anymore(customer):
    [action] = (await proposed(customer)).proposed
    past = timezone.now() - timedelta(seconds=1)
    await in_tenant(customer.tenant.pk, lambda: Action.objects.update(expires_at=past))
    said = await customer.say("yes", says("It took too long. Shall I propose it again?"))
    assert said.of(ActionDone) == []
    said = await customer.say("", says("It has expired."), decision=Decision(uuid.UUID(action.action), confirmed=True))
    assert (said.done.ok, said.done.state) == (False, "expired")
    assert '"Expired"' in said.question.content
    assert await customer.status("#W1") == "pending"


async def test_rules_answer_where_the_model_fails_in_the_middle(customer):
    said = await customer.say("Where is my order #W2? I am ann.archer@example.com.", PROOF, [AWAY])
    assert len(said.model.calls) == 3  # asked once more before it is given up
    assert "W2" in said.answer.text
    assert "delivered" in said.answer.text.lower()
    assert said.answer.degraded
    assert said.proposed == []
    assert await customer.rows(Session, "customer__code") == [("ann_1",)]


async def test_rules_say_what_became_of_a_change_where_the_model_fails(customer):
    await proposed(customer)
    said = await customer.say("yes", [AWAY])
    assert said.done.ok
    assert said.done.summary in said.answer.text
    assert await customer.status("#W1") == "cancelled"


async def test_without_a_model_the_same_change_is_proposed_and_made(customer):
    said = await customer.say("Please cancel order #W1, I no longer need it.")
    assert said.proposed == []
    said = await customer.say("ann.archer@example.com")
    [action] = said.proposed
    assert "W1" in action.summary
    assert await customer.status("#W1") == "pending"
    assert (await customer.say("yes")).done.ok
    assert await customer.status("#W1") == "cancelled"


async def test_documents_alone_give_a_model_two_tools(reader):
    said = await reader.say(
        "How long does the battery of the X1 last?",
        calls(CANCEL, ("transfer_to_human_agents", {"summary": "Wants to know"})),
        says("A colleague will see to it."),
    )
    assert sorted(said.model.offered) == ["search_knowledge", "transfer_to_human_agents"]
    refused, passed_on = said.told(0)
    assert "no such tool" in refused
    assert passed_on == "Transfer successful"
    [handover] = said.of(Handover)
    assert handover.summary == "Wants to know"
    assert await reader.rows(Action, "tool") == []


async def test_a_shop_gives_a_model_the_public_tools(customer):
    said = await customer.say("Hello there, which lamps are there?", says("Many."))
    assert {"find_user_id_by_email", "cancel_pending_order", "search_knowledge"} <= set(said.model.offered)


async def test_earlier_calls_are_in_the_prompt(customer):
    await customer.say(ASKED, PROOF, LOOK, says("It is pending. Shall I cancel it?"))
    said = await customer.say("What was in it again?", calls(CANCEL), says("Two lamps and a desk."))
    first, second = said.model.calls
    assert [message.role for message in first] == [
        "system", "user", "assistant", "tool", "assistant", "tool", "assistant", "user",
    ]  # fmt: skip
    assert first[1].content == ASKED
    asked = [(call.id, call.name) for message in first for call in message.tool_calls]
    assert asked == [("find_user_id_by_email-0", "find_user_id_by_email"), ("get_order_details-0", "get_order_details")]
    assert [message.tool_call_id for message in first if message.role == "tool"] == [call_id for call_id, _ in asked]
    assert first[3].content == "ann_1"
    assert json.loads(first[5].content)["order_id"] == "#W1"
    assert first[6].content == "It is pending. Shall I cancel it?"
    assert first[7].content == "What was in it again?"
    assert second[: len(first)] == first
    kept = await customer.rows(ToolCall, "name", "error")
    assert kept == [("find_user_id_by_email", ""), ("get_order_details", ""), ("cancel_pending_order", "")]


@pytest.mark.parametrize("word", ["never mind", "start over"])
async def test_rules_that_take_a_change_back_end_its_card(customer, word):
    [action] = (await customer.say(ASKED)).proposed
    said = await customer.say(word)
    assert (said.done.action, said.done.ok, said.done.state) == (action.action, False, "declined")
    assert await customer.status("#W1") == "pending"


@pytest.mark.parametrize("declined", ["button", "no", "never mind"])
async def test_a_declined_change_is_proposed_anew_when_it_is_asked_for_again(customer, declined):
    [action] = (await customer.say(ASKED)).proposed
    decision = Decision(uuid.UUID(action.action), confirmed=False) if declined == "button" else None
    said = await customer.say("No, leave it." if decision else declined, decision=decision)
    assert said.done.state == "declined"
    [again] = (await customer.say("Please cancel #W1, I no longer need it.")).proposed
    assert again.action != action.action
    states = await customer.rows(Action, "state")
    assert sorted(state for (state,) in states) == [ActionState.DECLINED, ActionState.PROPOSED]
