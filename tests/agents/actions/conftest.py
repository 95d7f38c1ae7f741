"""A conversation with Ann of the little shop, in which changes are proposed and decided."""

import uuid
from dataclasses import replace

import pytest

from agents.actions import decide, propose
from agents.models import Action, AgentPolicy
from agents.session import bind, lock_session
from agents.tools.base import ToolContext
from agents.tools.registry import built_in
from commerce.exchange import import_shop
from commerce.models import Customer
from tenants.scope import tenant_scope
from tests.commerce.little_shop import little_shop

CANCEL = {"order_id": "#W1", "reason": "no longer needed"}


class Talk:
    """A conversation bound to a customer; everything in scopes of its own, as the agent does it."""

    def __init__(self, tenant, customer="ann_1", language="en"):
        self.tenant, self.conversation = tenant, uuid.uuid4()
        with tenant_scope(tenant.pk):
            self.customer = Customer.objects.get(code=customer)
            bind(lock_session(self.conversation), self.customer, "email", actor="visitor")
        self.context = ToolContext(
            tenant_id=tenant.pk,
            tenant_name=tenant.name,
            language=language,
            conversation=self.conversation,
            reply=uuid.uuid4(),
            actor="visitor",
            customer=self.customer,
        )

    def propose(self, name="cancel_pending_order", tool=None, **arguments):
        with tenant_scope(self.tenant.pk):
            return propose(
                replace(self.context, reply=uuid.uuid4()), tool or built_in()[name], arguments or dict(CANCEL)
            )

    def decide(self, action, *, confirmed=True, **others):
        known = {"tenant_id": self.tenant.pk, "conversation": self.conversation, "action_id": action.pk}
        return decide(**{**known, "confirmed": confirmed, "actor": "visitor", **others})

    def again(self, action):
        with tenant_scope(self.tenant.pk):
            return Action.objects.select_related("customer").get(pk=action.pk)

    def policy(self, **values):
        with tenant_scope(self.tenant.pk):
            AgentPolicy.objects.update_or_create(defaults=values)


@pytest.fixture
def talk(tenant):
    with tenant_scope(tenant.pk):
        import_shop(little_shop(), actor="test")
    return Talk(tenant)


@pytest.fixture
def order_of(tenant):
    """The order of a number, as it is now."""
    from commerce.models import Order

    def order(code):
        with tenant_scope(tenant.pk):
            return Order.objects.get(code=code)

    return order
