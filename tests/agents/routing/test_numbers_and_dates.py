import datetime as dt
from decimal import Decimal

import pytest

from agents.routing.dates import find_dates
from agents.routing.entities import Taken
from agents.routing.numbers import find_amounts, find_quantities

pytestmark = pytest.mark.unit
THURSDAY = dt.date(2026, 2, 5)


@pytest.mark.parametrize(
    ("text", "value", "currency"),
    [
        ("$49.99", "49.99", "USD"),
        ("49,99 €", "49.99", "EUR"),
        ("1.099,98 EUR", "1099.98", "EUR"),
        ("USD 1,099.98", "1099.98", "USD"),
        ("1 200,50 €", "1200.50", "EUR"),
        ("1'000 CHF", "1000.00", "CHF"),
        ("20 bucks", "20.00", "USD"),
        ("twenty dollars", "20.00", "USD"),
        ("£5", "5.00", "GBP"),
        ("-$5.50", "-5.50", "USD"),
        ("I paid 49.99", "49.99", "PLN"),
    ],
)
def test_amounts(text, value, currency):
    (found,) = find_amounts(text, Taken(text), "PLN")
    assert (found.value, found.label) == (Decimal(value), currency)
    assert text[found.start : found.end] == found.text


@pytest.mark.parametrize("text", ["version 2.10", "5.5 inch", "for 3 days", "10.02.2026", "100 %", "twenty"])
def test_numbers_that_are_no_money(text):
    assert list(find_amounts(text, Taken(text), "USD")) == []


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("3x", [3]),
        ("two of them", [2]),
        ("return 2 shirts", [2]),
        ("qty: 4", [4]),
        ("zwei Stück", [2]),
        ("deux pièces", [2]),
        ("dos de ellos", [2]),
        ("I ordered 3 days ago", []),
        ("I have 2 questions", []),
        ("a shirt", []),
        ("buy 0 shirts", []),
    ],
)
def test_quantities(text, values):
    assert [found.value for found in find_quantities(text, Taken(text), ())] == values


@pytest.mark.parametrize(
    ("text", "language", "day"),
    [
        ("2026-02-10", "en", (2026, 2, 10)),
        ("02/10/2026", "en", (2026, 2, 10)),
        ("02/10/2026", "es", (2026, 10, 2)),
        ("31/01/2026", "en", (2026, 1, 31)),
        ("10.02.26", "de", (2026, 2, 10)),
        ("am 24.12. bestellt", "de", (2025, 12, 24)),
        ("3 March", "en", (2026, 3, 3)),
        ("March 3rd, 2025", "en", (2025, 3, 3)),
        ("Dec 24", "en", (2025, 12, 24)),
        ("el 3 de marzo de 2026", "es", (2026, 3, 3)),
        ("3. März", "de", (2026, 3, 3)),
        ("le 1er mars", "fr", (2026, 3, 1)),
        ("yesterday", "en", (2026, 2, 4)),
        ("vorgestern", "de", (2026, 2, 3)),
        ("aujourd'hui", "fr", (2026, 2, 5)),
        ("last Tuesday", "en", (2026, 2, 3)),
        ("on Thursday", "en", (2026, 1, 29)),
        ("next Thursday", "en", (2026, 2, 12)),
        ("lundi prochain", "fr", (2026, 2, 9)),
        ("el martes pasado", "es", (2026, 2, 3)),
        ("3 days ago", "en", (2026, 2, 2)),
        ("vor zwei Wochen", "de", (2026, 1, 22)),
        ("hace un mes", "es", (2026, 1, 5)),
        ("il y a 2 ans", "fr", (2024, 2, 5)),
        ("vor einem Jahr", "de", None),
        ("in 3 days", "en", (2026, 2, 8)),
        ("mañana", "es", (2026, 2, 6)),
        ("morgen", "de", (2026, 2, 6)),
        ("guten Morgen", "de", None),
        ("por la mañana", "es", None),
        ("2026-02-30", "en", None),
        ("45/13/2026", "en", None),
        ("999 years ago", "en", None),
        ("may I", "en", None),
        ("I sat on it", "en", None),
    ],
)
def test_dates(text, language, day):
    found = [entity.value for entity in find_dates(text, Taken(text), language, THURSDAY)]
    assert found == ([dt.date(*day)] if day else [])
