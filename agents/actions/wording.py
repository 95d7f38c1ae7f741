"""What a change is in plain words, before and after it was made.

The same words are made of the change that is proposed and of the one that is run: where they differ, what the customer
agreed to is not what would happen.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from agents.actions.kinds import texts_of
from agents.actions.phrases import say
from agents.guardrails.addresses import without_addresses
from agents.phrases import phrase
from commerce.cards import written
from commerce.models import PaymentMethod, PaymentSource
from commerce.money import format_money

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agents.tools.base import Tool
    from commerce.models import Customer
    from commerce.services.changes import Change, Line

MAX_NAME, MAX_TEXT, MAX_LINES = 80, 240, 12
TIMES = "\N{MULTIPLICATION SIGN}"
LATER = ("return_items", "exchange_items")
"""Their money moves once the goods have arrived."""


@dataclass(frozen=True, slots=True)
class Wording:
    """A change in words: `summary` is one sentence, `detail` what the card shows, `done` the sentence afterwards."""

    summary: str
    detail: dict[str, Any]
    done: str
    amount: Decimal = Decimal(0)

    def promises_the_same(self, summary: str, detail: Mapping[str, Any]) -> bool:
        """Return whether the customer was told the same of what is done and what it costs.

        The other lines may differ: what is left on a gift card depends on what else was confirmed meanwhile.
        """
        return self.summary == summary and all(
            self.detail[part] == detail.get(part) for part in ("amount", "amount_note")
        )

    def without_addresses(self, language: str) -> Wording:
        """Return it as it is shown: what a model or a record calls a thing brings no address of a web page along."""
        removed = phrase(language, "link_removed")
        detail: dict[str, Any] = without_addresses(self.detail, removed)
        summary, done = without_addresses([self.summary, self.done], removed)
        return replace(self, summary=summary, detail=detail, done=done)


def describe(change: Change, customer: Customer, language: str) -> Wording:
    """Return a shop's change in words, in the tenant's scope."""
    methods = {m.code: m for m in PaymentMethod.objects.filter(customer=customer)}
    return _Description(change, language, methods).whole().without_addresses(language)


def describe_external(tool: Tool, arguments: Mapping[str, Any], language: str) -> Wording:
    """Return a change that another server makes in words: the curator's own sentence, else tool and arguments."""
    shown = {name: _short(written(value), MAX_TEXT) for name, value in arguments.items()}
    plain = _short(tool.name.replace("_", " ").replace("-", " ").capitalize(), MAX_NAME)
    try:
        summary = tool.summary.format_map(shown) if tool.summary else ""
    except (KeyError, IndexError, ValueError, AttributeError):
        summary = ""  # it names an argument that was left out
    texts = texts_of(language, "other")
    lines = [f"{name.replace('_', ' ')}: {value}" for name, value in shown.items()][:MAX_LINES]
    sentence = _sentence(summary or "; ".join([plain, *lines]))
    detail = _detail(texts.title.format(tool=plain), "", lines, language, confirm=texts.confirm)
    done = _sentence(texts.done.format(tool=(summary or plain).rstrip(".")))
    return Wording(sentence, detail, done).without_addresses(language)


@dataclass(slots=True)
class _Description:
    """A change while it is put into words."""

    change: Change
    language: str
    methods: Mapping[str, PaymentMethod]
    values: dict[str, str] = field(default_factory=dict)

    def whole(self) -> Wording:
        change = self.change
        self.values = self._values()
        kind = "complaint_order" if change.name == "file_complaint" and change.order else change.name
        texts = texts_of(self.language, kind)
        clause, note = self._money()
        about_pieces = change.name in (*LATER, "change_order_items")
        detail = _detail(
            _short(texts.title.format(**self.values), MAX_NAME + 20),
            say(self.language, "from_order", order=change.order) if about_pieces else "",
            [*self._lines(), *self._next()],
            self.language,
            amount=self._format(abs(self._shown_amount())) if self._shown_amount() else "",
            currency=change.currency,
            amount_note=note,
            confirm=texts.confirm,
        )
        return Wording(
            _sentence(_joined(texts.summary.format(**self.values), clause)),
            detail,
            _sentence(_joined(texts.done.format(**self.values), clause)),
            change.amount,
        )

    def _values(self) -> dict[str, str]:
        change, detail = self.change, self.change.detail
        return {
            "order": change.order,
            "tool": change.name.replace("_", " ").capitalize(),
            "address": _address(detail.get("address", {})),
            "method": self._method(change.method.code) if change.method else "",
            "paid": self._format(sum((e.amount for e in change.entries if e.kind == "payment"), Decimal(0))),
            "names": self._listed([_short(line.name, MAX_NAME) for line in change.lines]),
            "items": "; ".join(self._swap(line) for line in change.lines[:MAX_LINES]),
            "text": _short(str(change.result.get("text", "")), MAX_TEXT),
            "code": str(detail.get("code", "")),
        }

    def _money(self) -> tuple[str, str]:
        """Return where the money goes, as the end of a sentence and as a note below the amount."""
        change = self.change
        if change.name == "change_order_payment":
            back = [self._back(entry.method, entry.amount) for entry in change.entries if entry.kind == "refund"]
            return "; ".join(back), say(self.language, "note_pay", method=self.values["method"])
        if change.name in ("change_order_items", "exchange_items") and not change.amount:
            return say(self.language, "same_price"), ""
        if not change.amount:
            return "", ""
        method, money = self.values["method"], self._format(abs(change.amount))
        if not method:
            return say(self.language, "back_several", money=money), say(self.language, "note_back_several")
        note = say(self.language, "note_back" if change.amount < 0 else "note_pay", method=method)
        return say(self.language, self._clause(), money=money, method=method), note

    def _clause(self) -> str:
        if self.change.name == "request_refund":
            return "asked"
        return ("back" if self.change.amount < 0 else "pay") + ("_later" if self.change.name in LATER else "")

    def _shown_amount(self) -> Decimal:
        """Return what the card shows: what moves, also where as much goes one way as the other."""
        if self.change.name == "change_order_payment":
            return moved(self.change)
        return self.change.amount

    def _lines(self) -> list[str]:
        """Return the pieces, old and new, or the address."""
        change = self.change
        if change.name in ("change_order_address", "change_customer_address"):
            return [self.values["address"]]
        if change.name == "file_complaint":
            wanted = str(change.result.get("wanted", ""))
            wish = [say(self.language, f"wanted_{wanted}")] if wanted else []
            return [self.values["text"], *(self._piece(line) for line in change.lines[:MAX_LINES]), *wish]
        return [self._swap(line, prices=True) if line.new_item else self._piece(line) for line in change.lines][
            :MAX_LINES
        ]

    def _next(self) -> list[str]:
        """Return what happens next."""
        lines = []
        if self.change.name == "cancel_order" and not self.change.method:
            lines = [self._back(entry.method, entry.amount, key="gets_back") for entry in self.change.entries]
        lines += [say(self.language, "balance", money=self._format(left)) for left in self.change.balances.values()]
        try:
            return [*lines, say(self.language, f"next_{self.change.name}")]
        except KeyError:
            return lines

    def _back(self, method: str, amount: Decimal, *, key: str = "back") -> str:
        return say(self.language, key, money=self._format(amount), method=self._method(method))

    def _piece(self, line: Line) -> str:
        options = _options(line.options)
        return f"{_short(line.name, MAX_NAME)}{f' ({options})' if options else ''}, {self._format(line.price)}"

    def _swap(self, line: Line, *, prices: bool = False) -> str:
        name = _short(line.name, MAX_NAME)
        if line.new_item == line.item:
            return say(self.language, "same_again", name=name)
        old = _options(line.options, unlike=line.new_options) or line.item
        new = _options(line.new_options, unlike=line.options) or line.new_item
        if prices and line.new_price is not None and line.new_price != line.price:
            old, new = f"{old} ({self._format(line.price)})", f"{new} ({self._format(line.new_price)})"
        return f"{name}: {old} → {new}" if prices else say(self.language, "swap", name=name, old=old, new=new)

    def _method(self, code: str) -> str:
        method = self.methods.get(code)
        if method is None:
            return code
        if method.source == PaymentSource.GIFT_CARD:
            return say(self.language, "gift_card")
        if method.source == PaymentSource.CARD:
            return say(self.language, "card", brand=method.brand.title(), digits=method.last_four).strip()
        return str(method)

    def _format(self, amount: Decimal) -> str:
        return format_money(amount, self.change.currency, self.language)

    def _listed(self, names: list[str]) -> str:
        """Return "a, b and c"; a piece that repeats is counted."""
        counted = [
            name if names.count(name) == 1 else f"{names.count(name)} {TIMES} {name}" for name in dict.fromkeys(names)
        ]
        if len(counted) <= 1:
            return "".join(counted)
        return f"{', '.join(counted[:-1])} {say(self.language, 'and')} {counted[-1]}"


def moved(change: Change) -> Decimal:
    """Return how much money a change moves: the larger of what is paid and what goes back."""
    paid = sum((entry.amount for entry in change.entries if entry.kind == "payment"), Decimal(0))
    back = sum((entry.amount for entry in change.entries if entry.kind == "refund"), Decimal(0))
    return max(abs(change.amount), paid, back)


def _detail(  # noqa: PLR0913 (what a card shows, by name)
    title: str,
    subtitle: str,
    lines: list[str],
    language: str,
    *,
    confirm: str,
    amount: str = "",
    currency: str = "",
    amount_note: str = "",
) -> dict[str, Any]:
    return {
        "title": title,
        "subtitle": subtitle,
        "lines": lines,
        "amount": amount,
        "currency": currency,
        "amount_note": amount_note,
        "confirm": confirm,
        "language": language,
    }


def _address(parts: Mapping[str, str]) -> str:
    order = ("address1", "address2", "zip", "city", "state", "country")
    return _short(", ".join(parts[name] for name in order if parts.get(name)), MAX_TEXT)


def _options(options: Mapping[str, Any], *, unlike: Mapping[str, Any] | None = None) -> str:
    """Return options with their names, only those that differ where there is something to differ from."""
    told = {name: value for name, value in options.items() if unlike is None or unlike.get(name) != value}
    return _short(", ".join(f"{name.replace('_', ' ')} {written(value)}" for name, value in told.items()), MAX_NAME)


def _short(text: str, length: int) -> str:
    """Return the text on one line, cut to a length."""
    plain = " ".join(text.split())
    return plain if len(plain) <= length else f"{plain[: length - 1].rstrip()}…"


def _joined(sentence: str, clause: str) -> str:
    return f"{sentence}; {clause}" if clause else sentence


def _sentence(text: str) -> str:
    return text if text.rstrip("”»“ ").endswith((".", "!", "?", "…")) else f"{text}."
