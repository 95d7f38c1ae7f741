"""Asks the assistant of a tenant from the command line: the whole agent, kept like any conversation."""

import asyncio
import uuid
from argparse import ArgumentParser
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.http import Http404

from chat.frames import TERMINAL, DecideAction, SendMessage, client_id_of
from chat.hub import Hub
from chat.printing import action_lines, card_lines
from chat.queries import NotFoundError, Person
from chat.upkeep import Upkeep
from tenants.access import find_tenant
from tenants.models import Tenant

TOLD = {"message.reset": "\n(The answer begins again.)", "handover.requested": "\n(A person has been asked for.)"}


class Printer:
    """A socket that is a terminal. `ended` is set by the frame that ends the reply to the message that is awaited."""

    wants_html = closed = False

    def __init__(self, command: BaseCommand, *, as_json: bool) -> None:
        self.command, self.as_json = command, as_json
        self.proposed: list[str] = []
        """Actions that wait for a word."""

    def await_reply(self, client_id: str) -> None:
        """Prepares for the reply to the message with this id."""
        self.client_id, self._question, self._reply = client_id, "", ""
        self.ended: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    async def drained(self) -> bool:
        return True

    def push(self, frames: Sequence[str]) -> None:
        for text in frames:
            frame = orjson.loads(text)
            if self.as_json:
                self.command.stdout.write(text)
            else:
                self._tell(frame)
            self._follow(frame)

    def _follow(self, frame: dict[str, Any]) -> None:
        if frame["type"] == "message.accepted" and frame["client_id"] == self.client_id:
            self._question = frame["message"]
            if "handled_by" in frame and not self.ended.done():
                self.ended.set_result(True)  # no reply comes now
        elif frame["type"] == "run.started" and frame["reply_to"] == self._question:
            self._reply = frame["message"]
        elif frame["type"] in TERMINAL and frame["message"] == self._reply and not self.ended.done():
            self.ended.set_result(frame["type"] == "message.done")
        elif frame["type"] == "action.proposed" and frame["state"] == "proposed":
            self.proposed.append(frame["action"])

    def _tell(self, frame: dict[str, Any]) -> None:
        write = self.command.stdout.write
        match frame["type"]:
            case "message.accepted" if "handled_by" in frame:
                write("A person has taken over; your message was passed on.")
            case "run.step":
                self.command.stderr.write(f"({frame['label']})")
            case "message.delta":
                write(frame["text"], ending="")
                self.command.stdout.flush()
            case "message.card":
                self._tell_lines(card_lines(frame["kind"], frame["data"]))
            case "action.proposed" | "action.done":
                self._tell_lines(action_lines(frame))
            case "message.reset" | "handover.requested":
                write(TOLD[frame["type"]])
            case "message.failed":
                write(f"\n{frame['detail']}")
            case "message.done":
                write("")
                for source in frame["citations"]:
                    write(f"[{source['n']}] {source['title']} {source['url']}".rstrip())
                write(f"Confidence {frame['confidence']:.2f}. Conversation {frame['conversation']}")

    def _tell_lines(self, lines: Iterable[str]) -> None:
        self.command.stdout.write("".join(f"\n{line}" for line in lines))


class Command(BaseCommand):
    help = "Asks the assistant of a tenant; prints the frames a customer would get, or readable text."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("tenant", help="the tenant's slug")
        parser.add_argument("question")
        parser.add_argument("--as", dest="email", default="", help="the email address or name of a user who asks")
        parser.add_argument("--conversation", default="", help="the id of a conversation of this user to go on with")
        parser.add_argument("--confirm", action="store_true", help="confirm the changes that the reply proposes")
        parser.add_argument("--json", action="store_true", help="print each frame as a line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 (Django's signature)
        try:
            tenant = find_tenant(options["tenant"])
            conversation = uuid.UUID(options["conversation"]) if options["conversation"] else None
        except Http404 as error:
            raise CommandError(f"There is no tenant {options['tenant']!r}.") from error
        except ValueError as error:
            raise CommandError(f"{options['conversation']!r} is no id of a conversation.") from error
        frame = SendMessage(uuid.uuid4().hex, conversation, options["question"].replace("\0", "").strip())
        if not frame.text:
            raise CommandError("Write a question.")
        self.confirms, self.as_json = options["confirm"], options["json"]
        if not asyncio.run(self._ask(tenant, _person(options["email"]), frame)):
            raise CommandError("The question got no answer.")

    async def _ask(self, tenant: Tenant, person: Person, frame: SendMessage) -> bool:
        upkeep = Upkeep(Hub())
        await upkeep.start()
        try:
            printer = Printer(self, as_json=self.as_json)
            printer.await_reply(frame.client_id)
            await upkeep.hub.post(printer, tenant, person, frame)
            answered = await printer.ended
            while self.confirms and answered and printer.proposed:
                decision = DecideAction(uuid.UUID(printer.proposed.pop(0)), confirmed=True)
                printer.await_reply(client_id_of(decision))
                await upkeep.hub.decide(printer, tenant, person, decision)
                answered = await printer.ended
            return answered  # noqa: TRY300 (its end is what the errors below are about)
        except NotFoundError as error:
            raise CommandError("There is no such conversation of this user.") from error
        finally:
            await upkeep.close()


def _person(email: str) -> Person:
    """The user with this address or name; a new visitor when none is given."""
    if not email:
        return Person(None, uuid.uuid4())
    user = User.objects.filter(email__iexact=email).first() or User.objects.filter(username=email).first()
    if user is None:
        raise CommandError(f"There is no user {email!r}.")
    return Person(user.pk, None)
