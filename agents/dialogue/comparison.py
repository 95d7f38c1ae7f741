"""Products side by side: a sentence with the main differences, and a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.dialogue import goals
from agents.dialogue.references import content
from agents.dialogue.saying import listed, plain
from agents.dialogue.specifications import asked_facts, find_facts
from agents.tools.cards import comparison_card, row_values
from agents.tools.labels import label
from commerce.graph import compare
from commerce.graph.comparison import RowKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.dialogue.state import Request
    from agents.dialogue.talk import Talk
    from commerce.graph import Comparison, ComparisonRow
    from commerce.models import Product

MOST = 4
"""Products in one table."""
NAMED = 4
"""Differences named in the sentence."""
MAX_CELL = 60  # characters of a value that is named in a sentence
FIRST = ("price", "weight", "battery", "memory", "storage", "display", "rating")
"""What people compare by, most first."""


def answer_comparison(talk: Talk, request: Request, products: Sequence[Product]) -> None:
    """Compare two to four products; asks for another where only one is named."""
    if not products:
        talk.ask_documents(request.text)
        return
    if len(products) == 1:
        if not goals.EXPLICIT_COMPARISON.search(request.text):
            talk.ask_documents(request.text)
            return
        talk.state.product = products[0].code
        talk.say("compare_one", name=plain(products[0].name))
        return
    if not talk.uses("compare_products"):
        talk.ask_documents(request.text)
        return
    found = compare([product.code for product in products[:MOST]])
    names = [plain(product.name) for product in found.products]
    rows = _main(found, request.text, products)
    if rows:
        differences = "; ".join(_difference(talk, row, names) for row in rows)
        talk.say("compare", names=listed(names, talk.language), differences=differences)
        talk.say("compare_more")
    else:
        talk.say("compare_alike", names=listed(names, talk.language))
    talk.cards.append(comparison_card(found, talk.currency, talk.language))
    talk.state.saw_products([product.code for product in found.products])


def _main(found: Comparison, text: str, products: Sequence[Product]) -> list[ComparisonRow]:
    """The rows worth a sentence: those asked for, then what people compare by."""
    asked = {name for product in products for name, _ in find_facts(product, text)} | set(asked_facts(text))
    differing = [row for row in found.rows if row.differs and all(len(value) <= MAX_CELL for value in row.values)]
    ranked = sorted(differing, key=lambda row: (row.name not in asked, _rank(row)))
    known = [row for row in ranked if all(row.values)]
    return (known or ranked)[:NAMED]


def _rank(row: ComparisonRow) -> int:
    words = content(row.name)
    places = [place for place, name in enumerate(FIRST) if content(name) & words]
    return min(places, default=len(FIRST))


def _difference(talk: Talk, row: ComparisonRow, names: Sequence[str]) -> str:
    cells = [plain(value) for value in row_values(row, talk.currency, talk.language)]
    values = [
        talk.words("compare_value", value=cell, name=name) for cell, name in zip(cells, names, strict=True) if cell
    ]
    return talk.words("compare_difference", fact=plain(row_name(row, talk.language)), values=", ".join(values))


def row_name(row: ComparisonRow, language: str) -> str:
    """Return what a row is of, in the customer's language where the word is ours."""
    return row.name if row.kind in (RowKind.SPECIFICATION, RowKind.OPTION) else label(language, row.kind.value)
