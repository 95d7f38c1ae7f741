"""How many questions about orders and products the dialogue without a model answers as expected, and how fast.

The questions name who asks, what is said before, and what must and must not stand in the answer (`as`, `after`,
`expect`, `absent`, `intents`). They are asked of a shop that is imported into a new database; the
time is that of understanding the message and answering it, without the sockets. Needs no key and no network.
"""

import argparse
import json
import os
import tempfile
import time
import uuid
from dataclasses import replace
from pathlib import Path

DEMO = Path(__file__).resolve().parents[1] / "project" / "demo"


def ask(tenant, customer, messages: list[str]):
    """The last reply and the seconds it took."""
    from agents.dialogue.respond import respond
    from agents.routing.intents import understand
    from agents.session import bind, lock_session
    from agents.tools.base import ToolContext

    key, typed, reply, seconds = uuid.uuid4(), (), None, 0.0
    if customer is not None:
        bind(lock_session(key), customer, "sign-in", actor="benchmark")
    for message in messages:
        typed = (*typed, message)
        started = time.perf_counter()
        understanding = understand(tenant.pk, message, language="en")
        context = ToolContext(tenant.pk, tenant.name, "en", key, uuid.uuid4(), "benchmark", typed=typed)
        context = replace(context, customer=lock_session(key).customer)
        reply = respond(context, understanding, message, open_actions=())
        seconds = time.perf_counter() - started
    return reply, seconds


def judge(question: dict, reply) -> list[str]:
    said = "\n".join(part.text or part.question for part in reply.parts).lower()
    wrong = [f"lacks {words}" for words in question["expect"] if words.lower() not in said]
    wrong += [f"tells {words}" for words in question.get("absent", ()) if words.lower() in said]
    return wrong


def measure(shop: Path, questions: Path) -> None:
    from commerce.exchange import import_shop
    from commerce.models import Customer
    from tenants.scope import tenant_scope
    from tenants.services import create_tenant

    lines = [json.loads(line) for line in questions.read_text(encoding="utf-8").splitlines()]
    tenant = create_tenant(slug="measured", name="Measured")
    held, intents, times = 0, 0, []
    with tenant_scope(tenant.pk):
        import_shop(json.loads(shop.read_text(encoding="utf-8")), actor="benchmark")
        for question in lines:
            customer = Customer.objects.get(email=question["as"]) if question["as"] else None
            reply, seconds = ask(tenant, customer, [*filter(None, [question.get("after")]), question["text"]])
            wrong = judge(question, reply)
            held += not wrong
            intents += set(question["intents"]) <= set(reply.intents)
            times.append(1000 * seconds)
            if wrong:
                print(f"{question['id']}: {question['text']} -> {'; '.join(wrong)}")
    times.sort()
    p50, p95 = times[len(times) // 2], times[int(len(times) * 0.95)]
    print(f"{held} of {len(lines)} hold, all intents named in {intents}; p50 {p50:.0f} ms, p95 {p95:.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shop", type=Path, default=DEMO / "shop.json")
    parser.add_argument("--questions", type=Path, default=DEMO / "order_questions.jsonl")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="askwell-questions-") as folder:
        Path(folder).chmod(0o755)
        os.environ |= {"ASKWELL_DATA": f"{folder}/data", "DJANGO_SETTINGS_MODULE": "project.settings"}
        os.environ.pop("DATABASE_URL", None)
        import django

        django.setup()
        from project.database import database_ready

        with database_ready():
            measure(options.shop, options.questions)


if __name__ == "__main__":
    main()
