"""Confirms one change fifty times at once, over the sockets of two windows of one visitor, at two web processes.

    python -m benchmarks.confirmation [--data ../shared/data/retail] [--orders 20]

A customer's order is cancelled in a conversation of their own; its button is pressed by all sockets together. Bar: for
every order one execution: one refund for each payment, one audit event, and an `action.done` at every socket.
"""

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import websockets

from agents.llm.scripted_server import Call, Reply, ScriptedServer
from benchmarks.retail import SLUG, Conversation, shop_server
from benchmarks.serving import ROOT, percentile

PRESSES, SOCKETS = 50, 10  # of each order; the presses share the sockets
PATIENCE = 60.0


def cancels(request: dict[str, Any]) -> Reply:
    """Proves the customer by what they typed, then proposes to cancel their order."""
    messages = request["messages"]
    said = next(str(m["content"]) for m in reversed(messages) if m["role"] == "user" and "mail:" in str(m["content"]))
    email, order = said.partition("mail:")[2].split()[0], said.partition("order:")[2].split()[0]
    rounds = sum(m["role"] == "tool" for m in messages)
    if rounds == 0:
        return Reply(calls=(Call("find_user_id_by_email", json.dumps({"email": email})),))
    if rounds == 1:
        wanted = {"order_id": order, "reason": "no longer needed"}
        return Reply(calls=(Call("cancel_pending_order", json.dumps(wanted)),))
    return Reply(say="Please confirm.")


async def press(base: str, first: Conversation, action: str) -> tuple[int, int, float]:
    """Presses the button on all sockets at once; returns how many of them were told that it is done, and by whom."""
    address = base.replace("http", "ws", 1) + f"/ws/{SLUG}/chat/"
    protocols = ["askwell.v1", f"askwell.visitor.{first.visitor}"]
    sockets = [
        await websockets.connect(address, subprotocols=protocols, origin=base, max_size=None) for _ in range(SOCKETS)
    ]
    for socket in sockets:
        resume = {"type": "conversation.resume", "conversation": first.conversation, "after": first.seq}
        await socket.send(json.dumps(resume))
    frame = json.dumps({"type": "action.confirm", "action": action})
    started = time.perf_counter()
    await asyncio.gather(*(sockets[n % SOCKETS].send(frame) for n in range(PRESSES)))
    ends = await asyncio.gather(*(told(socket) for socket in sockets), return_exceptions=True)
    seconds = time.perf_counter() - started
    for socket in sockets:
        await socket.close()
    return sum(end is True for end in ends), len(sockets), seconds


async def told(socket: Any) -> bool:
    """Whether this socket is told that the change is made."""
    while True:
        frame = json.loads(await asyncio.wait_for(socket.recv(), PATIENCE))
        if frame["type"] == "action.done":
            return bool(frame["ok"])


def executions(tenant: Any, order: str, payments: int, action: str) -> bool:
    """Whether the order was cancelled exactly once."""
    from agents.models import Action
    from commerce.exchange import export_shop
    from tenants.models import AuditEvent
    from tenants.scope import tenant_scope

    with tenant_scope(tenant.pk):
        row = export_shop()["orders"][order]
        refunds = [entry for entry in row["payment_history"] if entry["transaction_type"] == "refund"]
        done = AuditEvent.objects.filter(action="action.done", target=action).count()
        cancelled = AuditEvent.objects.filter(action="order.cancelled", target__contains=order).count()
        state = Action.objects.get(pk=action).state
    once = row["status"] == "cancelled" and len(refunds) == payments and state == "done" and done == cancelled == 1
    if not once:
        print(f"{order}: {row['status']}, {len(refunds)} refunds, {state}, {done} and {cancelled} audit events")
    return once


async def measure(options: argparse.Namespace, db: dict[str, Any]) -> bool:
    pending = [order for order in db["orders"].values() if order["status"] == "pending"][: options.orders]
    once, seen, sockets, times = 0, 0, 0, []
    async with ScriptedServer(port=options.model_port, choose=cancels):
        for order in pending:
            first = Conversation(options.server.base)
            await first.connect()
            text = f"Please cancel. mail: {db['users'][order['user_id']]['email']} order: {order['order_id']} thanks"
            await first.settled({"type": "message.send", "client_id": "t", "text": text})
            [action] = first.proposed()
            told_at, of, seconds = await press(options.server.base, first, action)
            await first.socket.close()
            payments = sum(entry["transaction_type"] == "payment" for entry in order["payment_history"])
            once += await asyncio.to_thread(executions, options.tenant, order["order_id"], payments, action)
            seen, sockets = seen + told_at, sockets + of
            times.append(seconds)
    print(f"{once}/{len(pending)} orders cancelled exactly once, each confirmed {PRESSES} times over {SOCKETS} sockets")
    print(f"{seen}/{sockets} sockets told; all after p50 {percentile(times, 0.5):.2f} s, at most {max(times):.2f} s")
    return once == len(pending) and seen == sockets


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "retail")
    parser.add_argument("--orders", type=int, default=20)
    options = parser.parse_args(namespace=argparse.Namespace(faults=()))  # what shop_server reads
    db = json.loads((options.data / "db.json").read_text())
    with shop_server(options, db):
        met = asyncio.run(measure(options, db))
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
