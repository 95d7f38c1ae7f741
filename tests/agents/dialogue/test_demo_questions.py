"""The demo's questions about orders and products, answered without a model."""

import json
from pathlib import Path

from agents.routing.intents import understand
from commerce.exchange import import_shop
from commerce.models import Customer
from tests.agents.dialogue.conftest import Conversation

DEMO = Path(__file__).parents[3] / "project" / "demo"


def test_the_demo_s_questions_are_answered(tenant, scope, fresh_routing):
    import_shop(json.loads((DEMO / "shop.json").read_text(encoding="utf-8")), actor="test")
    wrong = []
    for line in (DEMO / "order_questions.jsonl").read_text(encoding="utf-8").splitlines():
        question = json.loads(line)
        talk = Conversation(tenant, Customer.objects.get(email=question["as"]) if question["as"] else None)
        if "after" in question:
            talk.say(question["after"])
        said = talk.say(question["text"]).text.lower()
        missing = [words for words in question["expect"] if words.lower() not in said]
        told = [words for words in question.get("absent", ()) if words.lower() in said]
        if missing or told:
            wrong.append(
                (question["id"], missing, told, said[:300], understand(tenant.pk, question["text"], language="en"))
            )
    assert not wrong
