"""A conversation of 2,000 turns in which the customer pastes 200 pages: what every part of it costs the server.

    python -m benchmarks.long_conversation [--turns 2000] [--work FOLDER]

The rows are made directly. Printed are the processor time of the web process and of PostgreSQL, the best time by the
clock and the size of each answer; the bar is 300 ms of processor time, which says the same on a machine with other work
to do. A row of the log holds thirty frames, as a reply of a language model makes them.
"""

import argparse
import contextlib
import os
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil

BAR = 300  # milliseconds of a page
PAGE = "The quick brown fox jumps over the lazy dog, and asks what sending it back will cost. " * 23  # 2,000 characters
PASTED = 200  # pages
FRAMES = 30  # of a reply
REPEATS = 9


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--turns", type=int, default=2000)
    parser.add_argument("--work", type=Path, help="keeps the database here")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        work = options.work or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="askwell-long-")))
        work.chmod(0o755)
        os.environ |= {"ASKWELL_DATA": str(work), "DJANGO_SETTINGS_MODULE": "project.settings"}
        from project.database import database_ready

        stack.enter_context(database_ready())
        slow = [name for name, milliseconds in measure(options.turns) if milliseconds > BAR]
    print(f"over {BAR} ms: {', '.join(slow) or 'none'}")
    sys.exit(1 if slow else 0)


def measure(turns: int) -> Iterator[tuple[str, float]]:
    from django.contrib.auth.models import User
    from django.test import Client

    from tenants.models import Role
    from tenants.scope import tenant_scope
    from tenants.services import add_member, create_tenant

    tenant = create_tenant(slug=f"long-{uuid.uuid4().hex[:6]}")
    user = User.objects.create_user(f"owner-{tenant.pk}")
    with tenant_scope(tenant.pk):
        add_member(user=user, role=Role.OWNER)
        started = time.monotonic()
        conversation, reply = build(user, turns)
    print(f"{turns} turns made in {time.monotonic() - started:.1f} s")
    client = Client()
    client.force_login(user)
    for name, address in pages(tenant.slug, conversation, reply):
        yield timed(name, lambda address=address: fetched(client, address))
    for name, work in turn(tenant, user, conversation):
        yield timed(name, work)


def build(user: Any, turns: int) -> tuple[Any, Any]:
    """The rows of the conversation: it waits for a person, and has been to people before."""
    from django.db import connection
    from django.utils import timezone

    from agents.models import ToolCall
    from chat.models import Conversation, FrameLog, Handover, Message

    began = timezone.now() - timedelta(days=40)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    conversation = Conversation.objects.create(user=user, title="Long", updated_at=timezone.now(), handled_by="queue")
    Handover.objects.create(conversation=conversation, reason="customer_request")
    tenant_id, messages, logs, calls, past = conversation.tenant_id, [], [], [], []
    for n in range(turns):
        at = began + timedelta(minutes=25 * n)
        text = PAGE * 4 if n % 10 == 0 else f"Question {n}: what does it cost to send number {n} back?"
        text = PAGE * PASTED if n == turns - 40 else text
        question = Message(tenant_id=tenant_id, conversation=conversation, role="customer", text=text, created_at=at,
                           seq=n * (FRAMES + 2) + 1, person=f"user:{user.pk}", client_id=f"c{n}")  # fmt: skip
        answer = Message(
            tenant_id=tenant_id, conversation=conversation, role="assistant", reply_to=question,
            created_at=at + timedelta(seconds=1), text=f"Answer {n}. {PAGE}", html=f"<p>Answer {n}. {PAGE}</p>",
            seq=question.seq + 1, confidence=0.8,
            citations=[{"n": 1, "title": "Manual", "document_id": 1, "chunk": 1, "quote": PAGE[:200]}], state="done",
            trace={"passages": [{"text": PAGE} for _ in range(8)]}, finish="stop", finished_at=at, intents=["refund"],
        )  # fmt: skip
        messages += [question, answer]
        numbers = range(question.seq, question.seq + FRAMES + 2)
        lines = "\n".join(f'{{"type":"message.delta","seq":{number},"text":"{PAGE[:80]}"}}' for number in numbers)
        logs.append(FrameLog(tenant_id=tenant_id, conversation=conversation, first_seq=question.seq,
                             last_seq=question.seq + FRAMES + 1, lines=lines))  # fmt: skip
        if n % 5 == 0:
            calls.append(ToolCall(tenant_id=tenant_id, conversation=conversation.pk, reply=answer.pk, name="get_order",
                                  round=1, position=0, arguments={}, result=PAGE * 5))  # fmt: skip
        if n % 100 == 50:
            past.append(Handover(tenant_id=tenant_id, conversation=conversation, reason="customer_request",
                                 state="closed", ended_at=at, taken_by=user, taken_at=at))  # fmt: skip
    for model, rows in ((Message, messages), (FrameLog, logs), (ToolCall, calls), (Handover, past)):
        model.objects.bulk_create(rows, batch_size=500)
    Conversation.objects.filter(pk=conversation.pk).update(last_seq=logs[-1].last_seq)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE chat_message")
    return conversation, messages[-1]


def pages(slug: str, conversation: Any, reply: Any) -> Iterator[tuple[str, str]]:
    chat, inbox, review = f"/{slug}/", f"/{slug}/inbox/{conversation.pk}/", f"/{slug}/review/"
    yield "conversation", f"{chat}c/{conversation.pk}/"
    yield "conversation, earlier", f"{chat}c/{conversation.pk}/earlier/?before={reply.pk}"
    yield "list of conversations", f"{chat}conversations/"
    yield "list, searched", f"{chat}conversations/?q=number+1234"
    yield "one message", f"{chat}messages/{reply.pk}/"
    yield "inbox, conversation", inbox
    yield "inbox, thread every 2 s", f"{inbox}live/"
    yield "inbox, earlier", f"{inbox}earlier/?before={reply.pk}"
    yield "review, queue", f"{review}?state=all"
    yield "review, reply", f"{review}{reply.pk}/"
    yield "review, conversation", f"{review}{reply.pk}/conversation/"


def turn(tenant: Any, user: Any, conversation: Any) -> Iterator[tuple[str, Callable[[], int]]]:
    """What a customer's next turn asks of the conversation."""
    from agents import transcript
    from agents.llm.base import Message as Said
    from chat import journal, queries, services, situations
    from chat.models import Conversation, Message
    from tenants.scope import tenant_scope

    person, server = queries.Person(user.pk, None), uuid.uuid4()
    jobs: list[Any] = []

    def scoped(work: Callable[[], Any]) -> Callable[[], int]:
        def inside() -> int:
            with tenant_scope(tenant.pk):
                return len(str(work()))

        return inside

    def post() -> int:
        new = services.NewMessage(conversation.pk, opens=False, client_id=uuid.uuid4().hex, text="And what is next?")
        posted = services.post_message(server=server, tenant=tenant, person=person, message=new)
        jobs.append(posted.job)
        with tenant_scope(tenant.pk):
            Message.objects.filter(reply_to=posted.message).update(state="done", text="This.")
            Conversation.objects.filter(pk=conversation.pk).update(server=None)
        return 0

    def prompt() -> list[Said]:
        return transcript.history(jobs[-1].turn, transcript.calls_of(conversation.pk))

    yield "turn: post", post
    yield "turn: history and calls for a model", scoped(prompt)
    yield "turn: what the customer typed", scoped(lambda: queries.typed_by_customer(conversation.pk))
    yield "turn: look at a running conversation", scoped(lambda: look(journal, server, conversation.pk))
    yield "hand-over: summary", scoped(lambda: situations.summary_of(conversation.pk))
    yield "resume from the beginning, first piece", scoped(lambda: queries.read_frames(conversation.pk, 0))
    yield "resume near the end", scoped(lambda: queries.read_frames(conversation.pk, FRAMES * 1900))


def look(journal: Any, server: uuid.UUID, pk: uuid.UUID) -> Any:
    from chat.models import Conversation

    Conversation.objects.filter(pk=pk).update(server=server)
    return journal.look(server, pk)


def fetched(client: Any, address: str) -> int:
    response = client.get(address, headers={"HX-Request": "true"} if "earlier" in address else {})
    assert response.status_code == 200, (address, response.status_code)
    return len(response.content)


def timed(name: str, work: Callable[[], int]) -> tuple[str, float]:
    work()
    took, busy = [], cpu_seconds()
    for _ in range(REPEATS):
        started = time.monotonic()
        size = work()
        took.append(1000 * (time.monotonic() - started))
    used = 1000 * (cpu_seconds() - busy) / REPEATS
    print(f"{name:<42} {used:8.1f} ms {min(took):8.1f} ms {size / 1000:10.1f} kB", flush=True)
    return name, used


def cpu_seconds() -> float:
    """What this process and its server process of PostgreSQL's have used."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = psutil.Process(cursor.fetchone()[0]).cpu_times()
    return time.process_time() + backend.user + backend.system


if __name__ == "__main__":
    main()
