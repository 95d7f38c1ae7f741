"""Replays the tasks of a large shop as conversations: over the socket, with a scripted model on a real HTTP connection
that asks for the tasks' calls, and a customer who confirms every change. Compares the shop's rows afterwards.

    python -m benchmarks.retail [--data ../shared/data/retail] [--tasks 0,1,2] [--runs N] [--faults none,timeouts,...]

Faults, each in runs of its own: `timeouts` (a lock makes tools run into their limit), `duplicates` (every call is
asked for twice), `drops` (streams of the model break off), `kills` (a web process is killed every few seconds). Bar:
the users and orders after every task of every run are those expected.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import websockets

from benchmarks.retail_services import ROOT, changes, differences
from benchmarks.serving import TERMINAL, free_port, serving

SLUG = "retail"
FAULTS = ("none", "timeouts", "duplicates", "drops", "kills")
PATIENCE = 60.0  # seconds for a reply
GO_ON = "Please go on."
AT_ONCE = 4  # customers
BETWEEN_KILLS = 4.0, 10.0  # seconds
RETRIES = 10  # of failed replies in one conversation
TURNS = 40  # of one conversation
DROP_SHARE = 0.2  # of the model's streams that break off
LOCK_SECONDS = 0.8
TOOL_LIMIT_MS = 400  # while a lock makes tools slow
TRANSIENT = ("did not answer within", "The tool failed", "asked for too often")
CHANGES = (
    "cancel_pending_order", "modify_pending_order_address", "modify_pending_order_items",
    "modify_pending_order_payment", "modify_user_address", "return_delivered_order_items",
    "exchange_delivered_order_items",
)  # fmt: skip


@dataclass
class Task:
    """A task's calls, and the message that its customer begins with."""

    number: str
    user: str | None
    calls: list[dict[str, Any]]
    opening: str

    @classmethod
    def of(cls, task: dict[str, Any], db: dict[str, Any]) -> "Task":
        """A task whose calls begin with changes gets a proof of identity put first, as its customer would give."""
        calls = [{"name": a["name"], "arguments": a["arguments"]} for a in task["evaluation_criteria"]["actions"]]
        said = [task["user_scenario"]["instructions"]["reason_for_call"]]
        proofs = [call for call in calls if call["name"].startswith("find_user_id")]
        user = next((u for u in (user_of(db, call["arguments"]) for call in calls) if u), None)
        if not proofs and user:
            proofs = [{"name": "find_user_id_by_email", "arguments": {"email": db["users"][user]["email"]}}]
            calls = proofs + calls
        said += [" ".join(str(value) for value in call["arguments"].values()) for call in proofs]
        return cls(str(task["id"]), user, calls, f"(Case #{task['id']}) My details: {'; '.join(said[1:])}. {said[0]}")


def user_of(db: dict[str, Any], arguments: dict[str, Any]) -> str | None:
    order = db["orders"].get(arguments.get("order_id"))
    return order["user_id"] if order else arguments.get("user_id")


@dataclass
class Model:
    """What the scripted model does: the next call of the conversation's task, judged by what it reads."""

    tasks: dict[str, Task]
    fault: str
    chance: random.Random
    requests: int = 0

    def reply(self, request: dict[str, Any]) -> Any:
        from agents.llm.scripted_server import Call, Profile, Reply

        self.requests += 1
        if not request.get("tools"):
            return Reply(say="How can I help?")
        messages = request["messages"]
        profile = Profile.CUT if self.fault == "drops" and self.chance.random() < DROP_SHARE else None
        calls = self.tasks[case_of(messages)].calls
        done = progress(messages, calls)
        if done == len(calls):
            return Reply(say="That is all done.", profile=profile)
        if waits(messages):
            return Reply(say="Please confirm the change.", profile=profile)
        call = Call(calls[done]["name"], json.dumps(calls[done]["arguments"]))
        return Reply(calls=(call, call) if self.fault == "duplicates" else (call,), profile=profile)


def case_of(messages: list[dict[str, Any]]) -> str:
    for message in messages:
        text = str(message.get("content"))
        if message["role"] == "user" and "(Case #" in text:
            return text.partition("(Case #")[2].partition(")")[0]
    raise KeyError("the conversation's first message is not in the prompt")


def progress(messages: list[dict[str, Any]], calls: Sequence[dict[str, Any]]) -> int:
    """How many of the task's calls have been answered with something final, in their order."""
    asked = {call["id"]: call["function"] for m in messages for call in m.get("tool_calls") or ()}
    done = 0
    for message in messages:
        if message["role"] != "tool" or done == len(calls):
            continue
        function, text = asked[message["tool_call_id"]], str(message["content"])
        same = function["name"] == calls[done]["name"] and json.loads(function["arguments"]) == calls[done]["arguments"]
        if same and not any(word in text for word in TRANSIENT):
            done += 1
    return done


def waits(messages: list[dict[str, Any]]) -> bool:
    """Whether a change was proposed in this turn: the customer is asked before anything else."""
    last_user = max(n for n, message in enumerate(messages) if message["role"] == "user")
    return any("confirmation" in str(m["content"]) for m in messages[last_user:] if m["role"] == "tool")


@dataclass
class Conversation:
    """The customer's side, over connections that may break."""

    base: str
    socket: Any = None
    visitor: str = ""
    conversation: str | None = None
    seq: int = 0
    frames: list[dict[str, Any]] = field(default_factory=list)
    decided: set[str] = field(default_factory=set)
    retries: int = RETRIES
    questions: dict[str, str] = field(default_factory=dict)
    waiting: set[str] = field(default_factory=set)

    async def connect(self) -> None:
        protocols = ["askwell.v1", *([f"askwell.visitor.{self.visitor}"] if self.visitor else [])]
        address = self.base.replace("http", "ws", 1) + f"/ws/{SLUG}/chat/"
        while True:
            with contextlib.suppress(OSError, websockets.WebSocketException, TimeoutError):
                self.socket = await websockets.connect(address, subprotocols=protocols, origin=self.base, max_size=None)
                self.visitor = self.visitor or json.loads(await self.socket.recv())["visitor"]
                if self.conversation:
                    await self.send(type="conversation.resume", conversation=self.conversation, after=self.seq)
                return
            await asyncio.sleep(0.1)

    async def send(self, **frame: Any) -> None:
        await self.socket.send(json.dumps(frame))

    async def settled(self, frame: dict[str, Any]) -> list[dict[str, Any]]:
        """Sends a frame and reads until its reply has ended, connecting and sending again where the line breaks."""
        start, ends = len(self.frames), time.monotonic() + PATIENCE
        await self._surely(frame)
        while time.monotonic() < ends:
            try:
                got = json.loads(await asyncio.wait_for(self.socket.recv(), 5))
            except (websockets.ConnectionClosed, OSError):
                await self._surely(frame)
                continue
            except TimeoutError:
                continue
            self.frames.append(got)
            self.conversation = got.get("conversation") or self.conversation
            self.seq = got.get("seq", self.seq)
            await self._follow(got)
            if got["type"] in TERMINAL and not self.waiting:
                return self.frames[start:]
        raise TimeoutError(f"no end of a reply in {PATIENCE:g} s: {[f['type'] for f in self.frames[start:]][-5:]}")

    async def _follow(self, frame: dict[str, Any]) -> None:
        """Keeps account of the messages that wait for an answer; asks again where a reply broke off."""
        if frame["type"] == "message.accepted":
            self.waiting.add(frame["message"])
        elif frame["type"] == "run.started":
            self.questions[frame["message"]] = frame["reply_to"]
        elif frame["type"] == "message.done":
            self.waiting.discard(self.questions[frame["message"]])
        elif frame["type"] == "message.failed" and frame["retryable"] and self.retries:
            self.retries -= 1
            await self._surely({"type": "message.retry", "message": frame["message"]})

    async def _surely(self, frame: dict[str, Any]) -> None:
        while True:
            try:
                if self.socket is None or self.socket.close_code is not None:
                    await self.connect()
                await self.send(**frame | ({"conversation": self.conversation} if "text" in frame else {}))
            except (websockets.ConnectionClosed, OSError):
                await asyncio.sleep(0.1)
            else:
                return

    def tell(self) -> None:
        """Prints what the customer saw."""
        for frame in self.frames:
            if frame["type"] != "message.delta":
                kept = ("type", "seq", "message", "action", "ok", "state", "text", "label", "detail", "code", "summary")
                print("   ", json.dumps({key: frame[key] for key in kept if key in frame})[:300])

    def proposed(self) -> list[str]:
        ids = dict.fromkeys(f["action"] for f in self.frames if f["type"] == "action.proposed")
        return [action for action in ids if action not in self.decided]


async def converse(customer: Conversation, task: Task) -> None:
    """One task, until the model says that all is done."""
    await customer.connect()
    text = task.opening
    for turn in range(TURNS):
        frames = await customer.settled({"type": "message.send", "client_id": f"t{turn}", "text": text})
        while actions := customer.proposed():
            customer.decided.add(actions[0])
            frames = await customer.settled({"type": "action.confirm", "action": actions[0]})
        if frames[-1].get("text", "").endswith("That is all done."):
            await customer.socket.close()
            return
        text = GO_ON
    raise TimeoutError(f"task {task.number} did not end in {TURNS} turns")


class Saboteur:
    """Disturbs a run."""

    def __init__(self, fault: str, server: Any, chance: random.Random) -> None:
        self.fault, self.server, self.chance = fault, server, chance

    async def work(self) -> None:
        while self.fault == "kills":
            await asyncio.sleep(self.chance.uniform(*BETWEEN_KILLS))
            if webs := web_processes(self.server.process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.chance.choice(webs), signal.SIGKILL)
        while self.fault == "timeouts":
            await asyncio.sleep(self.chance.uniform(0.05, 0.4))
            await asyncio.to_thread(self.lock)

    def lock(self) -> None:
        """Keeps the orders from being read for a while."""
        from django.db import connection, transaction

        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE commerce_order, commerce_product IN ACCESS EXCLUSIVE MODE")
            time.sleep(LOCK_SECONDS)
        connection.close()


def web_processes(parent: int) -> list[int]:
    """Process ids of the web processes below `serve`."""
    found = psutil.Process(parent).children(recursive=True)
    return [process.pid for process in found if " ".join(process.cmdline()).strip() == "askwell web"]


async def replay(options: argparse.Namespace, fault: str, run: int, shop: dict[str, Any]) -> tuple[int, int]:
    """All tasks once under one fault; returns how many came out as expected, of how many."""
    from agents.llm.scripted_server import ScriptedServer

    chance = random.Random(f"{fault} {run}")
    wanted = [t for t in shop["tasks"] if not options.only or str(t["id"]) in options.only]
    tasks = {str(t["id"]): Task.of(t, shop["db"]) for t in wanted}
    model, started = Model(tasks, fault, chance), time.monotonic()
    async with ScriptedServer(port=options.model_port, choose=model.reply):
        saboteur = asyncio.ensure_future(Saboteur(fault, options.server, chance).work())
        try:
            right = await side_by_side(options, shop, list(tasks.values()))
        finally:
            saboteur.cancel()
            await asyncio.gather(saboteur, return_exceptions=True)
    seconds = time.monotonic() - started
    print(f"{fault} run {run}: {right}/{len(tasks)} tasks as expected, {model.requests} requests, {seconds:.0f} s")
    return right, len(tasks)


async def side_by_side(options: argparse.Namespace, shop: dict[str, Any], tasks: Sequence[Task]) -> int:
    """Several customers at once, the tasks of one of them one after the other.

    Those that must change nothing come at the end, alone: after them the whole shop is compared.
    """
    groups: dict[str | None, list[Task]] = {}
    for task in tasks:
        changing = any(shop["expected"][task.number].values())
        groups.setdefault(task.user if changing else None, []).append(task)
    nobody, slots = groups.pop(None, []), asyncio.Semaphore(AT_ONCE)

    async def one_by_one(group: list[Task]) -> int:
        async with slots:
            return sum([await attempt(options, shop, task) for task in group])

    return sum(await asyncio.gather(*map(one_by_one, groups.values()))) + await one_by_one(nobody)


async def attempt(options: argparse.Namespace, shop: dict[str, Any], task: Task) -> bool:
    """One task; whether the rows are as expected after it."""
    customer = Conversation(options.server.base)
    try:
        await converse(customer, task)
    except (TimeoutError, AssertionError) as error:
        print(f"task {task.number}: {error}")
    as_expected = await asyncio.to_thread(judge, options.tenant, shop, task)
    if options.verbose and not as_expected:
        customer.tell()
    return as_expected


def judge(tenant: Any, shop: dict[str, Any], task: Task) -> bool:
    """Compares the rows with those expected, and puts them back."""
    from django.db import connection

    from commerce.exchange import import_shop
    from tenants.scope import tenant_scope

    expected = shop["expected"][task.number]
    with tenant_scope(tenant.pk):
        wrong = list(differences(expected, changes(shop["db"], expected)))
        users = {key: row for key, row in shop["db"]["users"].items() if key == task.user or key in expected["users"]}
        orders = {key: row for key, row in shop["db"]["orders"].items() if row["user_id"] in users}
        import_shop({"products": {}, "users": users, "orders": orders}, actor="benchmark")
    connection.close()
    for line in wrong:
        print(f"task {task.number}: {line}"[:1500])
    return not wrong


@contextlib.contextmanager
def shop_server(options: argparse.Namespace, db: dict[str, Any]) -> Iterator[None]:
    """A server with the shop, whose model is the port that `replay` listens on."""
    options.model_port = free_port()
    model = {"OPENAI_API_KEY": "scripted", "OPENAI_BASE_URL": f"http://127.0.0.1:{options.model_port}/v1"}
    with serving(**model) as server:
        os.environ |= {"ASKWELL_DATA": str(server.data), "DJANGO_SETTINGS_MODULE": "project.settings"}
        from project.database import database_ready

        with database_ready():
            from agents.models import ToolSetting
            from agents.tools.registry import built_in
            from commerce.exchange import import_shop
            from tenants.models import Tenant
            from tenants.scope import tenant_scope
            from tenants.services import create_tenant

            tenant = Tenant.objects.filter(slug=SLUG).first() or create_tenant(slug=SLUG)
            with tenant_scope(tenant.pk):
                import_shop(db, actor="benchmark")
                for name in built_in() if "timeouts" in options.faults else ():
                    ToolSetting.objects.create(name=name, limit_ms=TOOL_LIMIT_MS)
            options.server, options.tenant = server, tenant
            yield


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "retail")
    parser.add_argument("--tasks", default="", help="ids, separated by commas; all by default")
    parser.add_argument("--runs", type=int, default=1, help="of each fault")
    parser.add_argument("--faults", default="none", help=f"of {', '.join(FAULTS)}, or all")
    parser.add_argument("--verbose", action="store_true", help="print the frames of a conversation that went wrong")
    options = parser.parse_args()
    options.only = set(filter(None, options.tasks.split(",")))
    options.faults = FAULTS if options.faults == "all" else tuple(options.faults.split(","))
    shop = {name: json.loads((options.data / f"{name}.json").read_text()) for name in ("db", "tasks", "expected")}
    right = total = 0
    with shop_server(options, shop["db"]):
        for fault in options.faults:
            for run in range(options.runs if fault != "none" else 1):
                good, of = asyncio.run(replay(options, fault, run, shop))
                right, total = right + good, total + of
    print(f"{right}/{total} in all")
    sys.exit(0 if right == total else 1)


if __name__ == "__main__":
    main()
