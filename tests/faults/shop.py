"""Gives each tenant of the cast a shop, inside `manage.py shell`; prints the codes and ids of what is somebody's own.

`PEOPLE` stands before it: slug -> {id, word, customer: {email, secret}, visitor: {conversation, message, secret},
waiting: {conversation, secret}}. Secrets stand in addresses, a proposed change and a hand-over.
"""
# ruff: noqa: F821 - PEOPLE is put before it

import json
import uuid
from datetime import timedelta

from django.utils import timezone

from agents.models import Action
from agents.session import bind, lock_session
from chat.handover import request_handover
from commerce.exchange import import_shop
from commerce.models import Customer
from tenants.scope import tenant_scope

ITEM = {"name": "Lantern", "product_id": "LANTERN", "item_id": "L-1", "price": 20.0, "options": {}}


def buyer(code, email, secret, orders):
    card = {"source": "credit_card", "id": f"card-{code}", "brand": "visa", "last_four": "4242"}
    address = {
        "address1": f"1 {secret} Street", "address2": "", "city": "Springfield", "country": "USA", "state": "IL",
        "zip": "62701",
    }  # fmt: skip
    name = {"first_name": code, "last_name": secret}
    methods = {card["id"]: card}
    return {"name": name, "address": address, "email": email, "payment_methods": methods, "orders": orders}


def order(code, owner, whose, product, status):
    item = ITEM | {"product_id": product, "item_id": f"{product}-1"}
    payment = {"transaction_type": "payment", "amount": 20.0, "payment_method_id": f"card-{owner}"}
    return {
        "order_id": code, "user_id": owner, "address": whose["address"], "items": [item], "status": status,
        "fulfillments": [], "payment_history": [payment],
    }  # fmt: skip


def shop(slug, people):
    product, first, second = f"LANTERN-{slug}", f"{slug.upper()}-1001", f"{slug.upper()}-1002"
    item = {"item_id": f"{product}-1", "options": {}, "available": True, "price": 20.0}
    own = buyer("own", people["customer"]["email"], people["customer"]["secret"], [first])
    visiting = buyer("visiting", f"visiting@{slug}.example", people["visitor"]["secret"], [second])
    return {
        "products": {
            product: {
                "name": f"The {people['word']} lantern", "product_id": product, "category": "Lights",
                "variants": {item["item_id"]: item},
            }
        },
        "users": {"own": own, "visiting": visiting},
        "orders": {
            first: order(first, "own", own, product, "delivered"),
            second: order(second, "visiting", visiting, product, "pending"),
        },
    }  # fmt: skip


def fill(slug, people):
    with tenant_scope(people["id"]):
        import_shop(shop(slug, people), actor="stage")
        customer, visitor = Customer.objects.get(code="visiting"), people["visitor"]
        bind(lock_session(uuid.UUID(visitor["conversation"])), customer, "email", actor="stage")
        action = Action.objects.create(
            conversation=visitor["conversation"], reply=visitor["message"], customer=customer,
            tool="cancel_pending_order", summary=f"Cancel the order of {visitor['secret']}.",
            arguments={"order_id": f"{slug.upper()}-1002", "reason": "no longer needed"},
            expires_at=timezone.now() + timedelta(days=1),
        )  # fmt: skip
        waiting = people["waiting"]
        conversation = uuid.UUID(waiting["conversation"])
        request_handover(conversation_id=conversation, reason="customer_request", summary=waiting["secret"])
    return {"order": f"{slug.upper()}-1001", "product": f"LANTERN-{slug}", "action": str(action.pk)}


print(json.dumps({slug: fill(slug, people) for slug, people in PEOPLE.items()}))  # noqa: T201 (the test reads it)
