"""Cards and proposed changes in plain lines, for a terminal."""

from collections.abc import Iterator, Mapping
from typing import Any

Data = Mapping[str, Any]
MARKS = {"done": "x", "now": ">", "later": " "}  # of a step of a delivery


def card_lines(kind: str, data: Data) -> Iterator[str]:
    """The lines of a card; none for a kind that is not known."""
    lines = PRINTERS.get(kind)
    return lines(data) if lines else iter(())


def _products(data: Data) -> Iterator[str]:
    for product in data["products"]:
        available = "" if product.get("available") else "sold out"
        yield f"- {_joined(product['name'], product.get('detail'), product.get('price'), available)}"


def _comparison(data: Data) -> Iterator[str]:
    yield f"  {' | '.join(_joined(product['name'], product.get('price')) for product in data['products'])}"
    for row in data["rows"]:
        values = [f"{value}{' (better)' if n == row.get('better') else ''}" for n, value in enumerate(row["values"])]
        yield f"- {row['name']}: {' | '.join(values)}"


def _order(data: Data) -> Iterator[str]:
    expected = f"expected {data['expected']}" if data.get("expected") else ""
    yield f"{data['code']}: {_joined(data.get('status_label'), expected, data.get('total'))}"
    for item in data.get("items", ()):
        yield f"- {_joined(item['name'], item.get('detail'), item.get('price'))}"
    for step in data.get("steps", ()):
        yield f"[{MARKS.get(step['state'], ' ')}] {_joined(step['label'], step.get('detail'))}"


def _choices(data: Data) -> Iterator[str]:
    for option in data["options"]:
        yield f"- {_joined(option['label'], option.get('detail'))}"


PRINTERS = {"products": _products, "comparison": _comparison, "order": _order, "choices": _choices}


def action_lines(frame: Data) -> Iterator[str]:
    """The lines of an `action.proposed` or `action.done` frame."""
    if frame["type"] == "action.done":
        yield f"Action {frame['action']} {frame['state']}: {frame['summary']}"
        return
    yield f"Proposed: {frame['summary']}"
    for line in frame["detail"].get("lines", ()):
        yield f"- {line}"
    yield f"Action {frame['action']} waits until {frame['expires_at']}: --confirm, or answer with a plain yes."


def _joined(*parts: object) -> str:
    return ", ".join(str(part) for part in parts if part)
