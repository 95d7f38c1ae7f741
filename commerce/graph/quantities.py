"""Which of several values of a specification is better, where that can be known."""

import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal

#: Words in the name of a specification of which more, or less, is better. A name without any says nothing.
MORE = frozenset({
    "battery", "storage", "memory", "ram", "warranty", "rating", "capacity", "brightness", "cores", "endurance",
    "runtime", "playtime", "resolution", "megapixels", "bandwidth", "range", "speed", "refresh",
})  # fmt: skip
LESS = frozenset({"weight", "price", "thickness", "latency", "noise", "delay", "response", "cost"})
#: Words that make it the time a charge takes: “Charging time”, not “Charging”, which may be told in watts.
CHARGE, TIME = frozenset({"charge", "charging"}), "time"
#: Names in which a number is a sign of neither, whatever other words say.
NEITHER = frozenset({"type", "technology", "port", "ports", "connector", "temperature", "power", "input", "output"})
#: What a unit is of, and how many of that it is.
UNITS: dict[str, tuple[str, Decimal]] = {
    unit: (measure, Decimal(factor))
    for measure, units in {
        "bytes": {"kb": "1e3", "mb": "1e6", "gb": "1e9", "tb": "1e12", "gib": "1073741824", "tib": "1099511627776"},
        "grams": {"g": "1", "kg": "1e3", "oz": "28.35", "lb": "453.59", "lbs": "453.59", "grams": "1"},
        "metres": {"mm": ".001", "cm": ".01", "m": "1", "km": "1e3"},
        "inches": {"in": "1", "inch": "1", "inches": "1", "″": "1", '"': "1"},
        "seconds": {
            "ms": ".001", "s": "1", "sec": "1", "seconds": "1", "min": "60", "mins": "60", "minutes": "60", "h": "3600",
            "hr": "3600", "hrs": "3600", "hour": "3600", "hours": "3600", "day": "86400", "days": "86400",
            "month": "2629800", "months": "2629800", "year": "31557600", "years": "31557600",
        },
    }.items()
    for unit, factor in units.items()
}  # fmt: skip
_QUANTITY = re.compile(r"\s*(?:(?:up to|about|max\.?|ca\.)\s+)?(\d[\d.,]*)[\s\-]*([^\W\d_]*[″\"%]?)", re.IGNORECASE)
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")


def quantity(text: str) -> tuple[Decimal, str] | None:
    """The number that a text begins with, and what it is of: “1 TB SSD” is 1e12 bytes; None without a number."""
    found = _QUANTITY.match(text)
    if found is None:
        return None
    figure = found[1].rstrip(".,")
    figure = figure.replace(",", "" if _THOUSANDS.fullmatch(figure) else ".")
    if figure.count(".") > 1:
        return None  # a version or a date
    measure, factor = UNITS.get(found[2].lower(), (found[2].lower(), Decimal(1)))
    return Decimal(figure) * factor, measure


def direction(name: str) -> int:
    """1 where more of a specification is better, -1 where less is, 0 where nobody can say."""
    words = set(re.findall(r"[^\W_]+", unicodedata.normalize("NFKD", name).lower()))
    if words & NEITHER:
        return 0
    takes_time = TIME in words and bool(words & CHARGE)
    return -1 if takes_time or words & LESS else 1 if words & MORE else 0


def best_of(name: str, values: Sequence[str]) -> frozenset[int]:
    """The places of the better values; none where they are alike, or of different units, or nobody can say."""
    read = {place: found for place, value in enumerate(values) if (found := quantity(value)) is not None}
    if len({measure for _, measure in read.values()}) != 1 or len(read) < sum(map(bool, values)):
        return frozenset()
    return best_amounts(direction(name), [read[place][0] if place in read else None for place in range(len(values))])


def best_amounts(wanted: int, amounts: Sequence[Decimal | None]) -> frozenset[int]:
    """The places of the highest amounts where `wanted` is 1, of the lowest where it is -1; none if all are alike."""
    known = [amount for amount in amounts if amount is not None]
    if not wanted or len(set(known)) < 2:  # noqa: PLR2004 (one alone is not better than anything)
        return frozenset()
    best = max(known) if wanted > 0 else min(known)
    return frozenset(place for place, amount in enumerate(amounts) if amount == best)
