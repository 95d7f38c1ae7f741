"""An address out of a line of text, as people write them in the countries of the four languages."""
# ruff: noqa: E501 - patterns; customers type the typographic apostrophe

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from commerce.services.addresses import MAX_PART

if TYPE_CHECKING:
    from collections.abc import Mapping

PARTS = ("address1", "address2", "city", "state", "zip", "country")
MAX_TEXT = 400  # characters that are looked at
_ZIP = r"\d{5}(?:-\d{4})?|\d{4}\s?[A-Z]{2}|[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}|[A-Z]\d[A-Z]\s?\d[A-Z]\d|\d{4}"
ZIP = re.compile(rf"(?<![\w-])({_ZIP})(?![\w-])", re.IGNORECASE)
STATE_ZIP = re.compile(
    rf"^(?:(?P<city>.+?)\s+)?(?P<state>[A-Z]{{2}}|[A-Z][a-z]+(?: [A-Z][a-z]+)?)\.?\s+(?P<zip>{_ZIP})$"
)
ZIP_CITY = re.compile(r"^(?:[A-Z]{1,2}-)?(?P<zip>\d{4,5})\s+(?P<city>\D+)$")
CITY_ZIP = re.compile(rf"^(?P<city>\D+?)\s+(?P<zip>{_ZIP})$", re.IGNORECASE)
STATE = re.compile(r"^[A-Z]{2}$")
FLAT = re.compile(
    r"^(?:apt|apartment|unit|suite|ste|flat|floor|room|#|wohnung|stock|piso|puerta|appartement|bât|étage)\b\.?|^#\d|^\d+[ºª°]",
    re.IGNORECASE,
)
LEAD = re.compile(
    r"^.*?(?:\b(?:to|is|at|address|send|ship|deliver|instead|now|nach|an|lautet|ist|zu|adresse|a|es|en|dirección|à|au|est|chez)\b:?\s+|:\s*)(?=\D{0,25}\d|\w+.{0,40}\d)",
    re.IGNORECASE,
)
STREET = re.compile(r"^(?:\d{1,6}\s?[A-Za-z]?(?:[-/]\d+)?,?\s+\S.*|\S.*?\s\d{1,5}\s?[A-Za-z]?(?:[-/]\d+)?)$")
NUMBERS = re.compile(r"#?\b(?:ORD[-\s]?|W)\d{3,}\b|#\d{4,}", re.IGNORECASE)
COUNTRIES = re.compile(
    r"^(?:usa|u\.s\.a?\.?|united states(?: of america)?|us|canada|mexico|m[eé]xico|uk|united kingdom|great britain|england|scotland|ireland|germany|deutschland|austria|österreich|switzerland|schweiz|suisse|france|spain|españa|italy|italia|belgium|belgique|netherlands|portugal|luxembourg|australia|new zealand)$",
    re.IGNORECASE,
)


def parse_address(text: str) -> dict[str, str] | None:
    """Return the parts of the address in a text; None unless it has a street with a number, a city and a postcode.

    "12 Oak St, Springfield, IL 62704, USA", "Hauptstraße 5, 10115 Berlin", "10 Downing Street, London SW1A 2AA, UK".
    """
    line = NUMBERS.sub(" ", " ".join(text[:MAX_TEXT].replace("\n", ", ").split()))
    segments = [segment.strip(" .;") for segment in line.split(",") if segment.strip(" .;")]
    for first in range(min(len(segments), 3)):
        street = _street(segments[first])
        if street and (found := _rest(segments[first + 1 :])):
            parts = dict.fromkeys(PARTS, "") | found | {"address1": street}
            fits = all(len(value) <= MAX_PART[name] for name, value in parts.items())
            return parts if fits else None
    return None


def written_address(parts: Mapping[str, str]) -> str:
    """Return an address on one line."""
    region = " ".join(filter(None, (parts.get("state", ""), parts.get("zip", ""))))
    named = (
        parts.get("address1", ""),
        parts.get("address2", ""),
        parts.get("city", ""),
        region,
        parts.get("country", ""),
    )
    return ", ".join(filter(None, named))


def _street(segment: str) -> str:
    """The street in the first part of an address, without what leads up to it: "please send it to 12 Oak St"."""
    if STREET.match(segment) and not LEAD.match(segment):
        return segment
    rest = segment
    while match := LEAD.match(rest):
        rest = rest[match.end() :]
        if STREET.match(rest) and not LEAD.match(rest):
            return rest
    return rest if STREET.match(rest) else ""


def _rest(segments: list[str]) -> dict[str, str] | None:
    """City, state, postcode, country and flat from what follows the street."""
    found: dict[str, str] = {}
    left = list(segments)
    if left and FLAT.match(left[0]):
        found["address2"] = left.pop(0)
    if left and COUNTRIES.match(left[-1]):
        found["country"] = left.pop()
    for segment in left:
        _take(found, segment)
    return found if found.get("city") and found.get("zip") else None


def _take(found: dict[str, str], segment: str) -> None:
    """Take what one part between commas says."""
    for pattern in (ZIP_CITY, STATE_ZIP, CITY_ZIP):
        match = pattern.match(segment)
        if match and not found.get("zip"):
            known = {name: value for name, value in match.groupdict().items() if value}
            if pattern is STATE_ZIP and "city" not in known and "city" not in found and not STATE.match(known["state"]):
                known["city"] = known.pop("state")
            found.update({name: value for name, value in known.items() if not found.get(name)})
            return
    if ZIP.fullmatch(segment) and not found.get("zip"):
        found["zip"] = segment
    elif "city" not in found:
        found["city"] = segment
    elif STATE.match(segment) or not found.get("state"):
        found["state" if not found.get("zip") else "country"] = segment
    else:
        found["country"] = segment
