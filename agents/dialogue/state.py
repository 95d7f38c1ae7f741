"""Where a dialogue stands between two turns, kept in `Session.dialogue`."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agents.models import Session

KEPT = 12
"""Orders, items and products that may be referred back to."""
PARKED = 3
"""Tasks that wait while another is under way."""


@dataclass(slots=True)
class Request:
    """One thing a customer asks for, found in a clause of a message.

    `goal` is a name from `agents.dialogue.goals`; `orders` are numbers as they were typed, `products` codes. `back` is
    set when the clause refers to something said before; `place` counts from 0, -1 is the last one. A goal is `guessed`
    when it follows from what is named, not from what is said. `asks` tells a question from a statement, `rules` one for
    what one may do: "Can I return it?".
    """

    goal: str
    text: str
    orders: list[str] = field(default_factory=list)
    products: list[str] = field(default_factory=list)
    amounts: list[str] = field(default_factory=list)
    back: bool = False
    place: int | None = None
    intent: str = ""
    guessed: bool = False
    asks: bool = False
    rules: bool = False


@dataclass(slots=True)
class Task:
    """A change that is being talked about; `slots` is what is known for it, `asked` the slot asked for last."""

    kind: str
    text: str
    slots: dict[str, Any] = field(default_factory=dict)
    asked: str = ""
    tries: int = 0
    queued: bool = False
    """Asked for together with another, and begun as soon as that is done."""


@dataclass(slots=True)
class Option:
    """Something offered to be picked: `label` as shown, `value` what it stands for, `words` by which it is known."""

    label: str
    value: str
    words: str = ""


@dataclass(slots=True)
class State:
    """What of the conversation later turns need."""

    language: str = ""
    order: str = ""
    """The order talked about last."""
    orders: list[str] = field(default_factory=list)
    """Orders listed last, in the order shown."""
    product: str = ""
    products: list[str] = field(default_factory=list)
    """Products listed or mentioned last, in the order shown."""
    listed: str = ""
    """What was listed last: "orders", "items" or "products"."""
    last: Request | None = None
    waiting: list[Request] = field(default_factory=list)
    """What is to be answered once the customer has proved who they are."""
    choosing: Request | None = None
    """What is to be answered once an order has been picked."""
    task: Task | None = None
    parked: list[Task] = field(default_factory=list)
    options: list[Option] = field(default_factory=list)
    resume: bool = False
    """Whether it was just asked if the parked task should go on."""

    def park(self) -> None:
        """Put the task under way aside."""
        if self.task:
            self.parked = [self.task, *self.parked][:PARKED]
        self.task, self.options = None, []

    def forget_task(self) -> None:
        """End the task under way and everything that waits."""
        self.task, self.choosing, self.resume = None, None, False
        self.parked, self.waiting, self.options = [], [], []

    def saw_order(self, code: str) -> None:
        """Remember the order talked about."""
        self.order = code
        if code not in self.orders:
            self.orders = [code, *self.orders][:KEPT]

    def saw_products(self, codes: list[str]) -> None:
        """Remember products in the order they were mentioned; the last one is in focus if it stands alone."""
        if codes:
            self.products, self.product, self.listed = codes[:KEPT], codes[0], "products"


SINGLE: dict[str, type] = {"last": Request, "choosing": Request, "task": Task}
REPEATED: dict[str, type] = {"waiting": Request, "parked": Task, "options": Option}


def read_state(session: Session) -> State:
    """Return the dialogue's state; one that cannot be read, of an older version, is begun anew."""
    kept = session.dialogue if isinstance(session.dialogue, dict) else {}
    known = {item.name for item in fields(State)}
    values = {name: value for name, value in kept.items() if name in known}
    try:
        for name, single in SINGLE.items():
            if values.get(name):
                values[name] = single(**values[name])
        for name, repeated in REPEATED.items():
            values[name] = [repeated(**value) for value in values.get(name) or []]
        return State(**values)
    except TypeError:
        return State()


def write_state(session: Session, state: State) -> None:
    """Keep the state if it has changed."""
    value = asdict(state)
    if value != session.dialogue:
        session.dialogue = value
        session.save(update_fields=["dialogue", "updated_at"])
