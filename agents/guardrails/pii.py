"""Personal data in text: e-mail addresses, phone numbers, cards, bank accounts, national numbers.

What has a check digit must pass it. Digits of any script count, in groups set apart by whatever a page shows between
them; letters and marks that are not seen do not hide anything. Spans are places in the text as it was given.
"""

from __future__ import annotations

import re
from itertools import chain, pairwise
from typing import TYPE_CHECKING, NamedTuple

from agents.guardrails import checksums
from agents.guardrails.phones import AFTER, CONTEXT, EXTENSION, LONGEST, NATIONAL, is_phone
from agents.guardrails.seen import DIGITS, NOTHING, as_seen

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = ("email", "phone", "card", "iban", "ssn", "national_id")
SUSPECT = re.compile(rf"[{DIGITS}@\uff20\ufe6b]")
DOMAIN = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_]{2,24}(?![^\W_]|-\w)")
LOCAL = frozenset("._%+'-")
"""What a mailbox may hold beside letters and digits."""
LONGEST_LOCAL = 64
NUMBER = re.compile(r"\d(?<![^\W_]\d)(?:[\W_]{0,8}\d){5,}")
GROUP = re.compile(rf"\d(?:{NOTHING}*\d)*")
CITATION = re.compile(r"\s?\[(\d{1,3})\]")
TIGHT = re.compile(r"[-. ()/]{1,2}| [-/] |\) ?[-/]? ?|\*{2,4} ?\*{0,2}|\*\*|__?|`")
WIDE = re.compile(r"[,:;\n]")
SPLIT = re.compile(r" [-/] |\) ?|[/,;]|--")
CODE = re.compile(
    r"[A-Za-z]{2}(?<![^\W_][A-Za-z]{2})(?:(?P<iban>\d\d(?:[ \-]?[A-Za-z0-9]){11,30})|"
    r"[A-Z]{4}\d\d[A-Z]\d\d[A-Z]\d{3}[A-Z](?![^\W_]))"
)
"""An account's number, or an Italian tax code."""
DNI = re.compile(r"(?<![^\W_])(?:\d{8}|\d{2}\.\d{3}\.\d{3})[- ]?[A-HJ-NP-TV-Z](?![^\W_])")
NIE = re.compile(r"[XYZ](?<![^\W_][XYZ])[- ]?\d{7}[- ]?[A-HJ-NP-TV-Z](?![^\W_])")
SSN_WORDS = re.compile(r"\b(?:ssn|social security)\b", re.IGNORECASE)
PERSON_WORDS = re.compile(
    r"(?<![^\W_])(?:"
    r"social insurance|national (?:id|insurance|number)|tax (?:id|number|payer)|steuer-?\s?id\w*|"
    r"steuer\w*|nhs|sin|bsn|burgerservice\w*|pesel|cpf|dni|nie|nif|nir|s[eé]curit[eé] sociale|"
    r"num[eé]ro fiscal|codice fiscale|personnummer|ahv|avs|sozialversicherung\w*|seguridad social|"
    r"identity (?:card|number)|ausweis\w*|personalausweis\w*|passport|carte d.identit[eé]|documento"
    r")(?![^\W_])",
    re.IGNORECASE,
)
CARD_WORDS = re.compile(
    r"(?<![^\W_])(?:(?:credit|debit)?\s?cards?|cc|tarjetas?|(?:kredit)?karten?\w*|cartes?|visa|master\s?card|maestro|amex)(?![^\W_])",
    re.IGNORECASE,
)
SHORTEST_CARD, LONGEST_CARD = 12, 19
MOST_GROUPS = 12
"""Groups of one phone number."""
BEGUN = 8
"""Digits of a card's number that are too many to be shown."""
LONGEST_CHAIN = 64
ENDING = re.compile(r"(?<![^\W_])\d(?:[\W_]{0,8}\d){7,}[\W_]{0,8}$")
AREA_TOP = 900


class Span(NamedTuple):
    """Personal data at `text[start:end]`; `value` is it without what only sets it apart: digits, or small letters."""

    kind: str
    start: int
    end: int
    value: str


class Group(NamedTuple):
    """Digits that stand together in a view."""

    digits: str
    start: int
    end: int


class Row(NamedTuple):
    """Groups of digits one after the other, and what stands between them."""

    view: str
    groups: list[Group]
    seps: list[str]


def find(text: str) -> list[Span]:
    """Return the personal data in a text in order, none of it overlapping."""
    if not SUSPECT.search(text):
        return []
    view = as_seen(text)
    spans: list[Span] = []
    taken = bytearray(len(view))
    numbers = [match.span() for match in NUMBER.finditer(view)]
    finders = (
        _emails(view),
        _codes(view),
        _spanish(NIE.finditer(view)),
        *(_spanish(DNI.finditer(view, start, end + 2)) for start, end in numbers),
        *(_numbers(view, start, end) for start, end in numbers),
    )
    for span in chain.from_iterable(finders):
        if not any(taken[span.start : span.end]):
            taken[span.start : span.end] = b"\1" * (span.end - span.start)
            spans.append(span)
    return sorted(spans, key=lambda span: span.start)


def find_begun(text: str) -> list[Span]:
    """Return the card's number that a text breaks off in, if at least `BEGUN` digits of one stand at its end."""
    view = as_seen(text)
    ending = ENDING.search(view[-LONGEST_CHAIN:])
    if ending is None:
        return []
    start = max(0, len(view) - LONGEST_CHAIN) + ending.start()
    groups = list(_groups(view, start, len(view)))
    for first in range(len(groups)):
        digits = "".join(group.digits for group in groups[first:])
        sizes = [len(group.digits) for group in groups[first:]]
        seps = [_separator(view[left.end : right.start]) for left, right in pairwise(groups[first:])]
        regular = len(set(sizes[:-1])) <= 1 and sizes[-1] <= max(sizes[0], 6) and not _is_list(groups[first:], seps)
        if BEGUN <= len(digits) <= LONGEST_CARD and regular and checksums.begins_like_card(digits):
            return [Span("card", groups[first].start, groups[-1].end, digits)]
    return []


def _emails(view: str) -> Iterator[Span]:
    at = view.find("@")
    while at >= 0:
        start = at
        while start > max(0, at - LONGEST_LOCAL) and (view[start - 1].isalnum() or view[start - 1] in LOCAL):
            start -= 1
        while start < at and not (view[start].isalnum() or view[start] == "_"):
            start += 1
        domain = DOMAIN.match(view, at + 1)
        if domain and start < at:
            yield Span("email", start, domain.end(), view[start : domain.end()].lower())
        at = view.find("@", at + 1)


def _codes(view: str) -> Iterator[Span]:
    for match in CODE.finditer(view):
        written = match[0]
        if match["iban"] is None:
            if checksums.is_codice_fiscale(written):
                yield Span("national_id", *match.span(), written)
            continue
        wanted = checksums.IBAN_LENGTHS.get(written[:2].upper(), 0)
        places = [place for place, letter in enumerate(written) if letter.isalnum()]
        if 0 < wanted <= len(places):
            end = places[wanted - 1] + 1
            bare = "".join(filter(str.isalnum, written[:end])).upper()
            if checksums.is_iban(bare):
                yield Span("iban", match.start(), match.start() + end, bare)


def _spanish(matches: Iterator[re.Match[str]]) -> Iterator[Span]:
    """Spanish DNI and NIE: digits with a letter that checks them."""
    for match in matches:
        bare = "".join(filter(str.isalnum, match[0]))
        if checksums.is_dni(bare):
            yield Span("national_id", *match.span(), bare)


def _numbers(view: str, start: int, end: int) -> Iterator[Span]:
    """What a chain of digits holds: cards first, then national numbers, then phone numbers in what is left."""
    groups = list(_groups(view, start, end))
    seps = [_separator(view[left.end : right.start]) for left, right in pairwise(groups)]
    taken = [False] * len(groups)
    row = Row(view, groups, seps)
    for spans in (_cards(row), _national(row)):
        for first, last, span in spans:
            if not any(taken[first : last + 1]):
                taken[first : last + 1] = [True] * (last + 1 - first)
                yield span
    for first, last in _runs(taken, seps):
        yield from _phones(view, groups[first : last + 1])


def _groups(view: str, start: int, end: int) -> Iterator[Group]:
    """The groups of digits, without citations and without what touches letters."""
    cited = {match.start(1) for match in CITATION.finditer(view, start, end)}
    for match in GROUP.finditer(view, start, end):
        if match.start() not in cited:
            yield Group(match[0].replace(NOTHING, ""), *match.span())


def _separator(between: str) -> str:
    return CITATION.sub("", between).replace(NOTHING, "")


def _touches(view: str, group: Group) -> bool:
    """Whether a letter stands next to a group's digits: a number it is a part of is none of ours."""
    return view[group.end : group.end + 1].isalpha() or view[max(0, group.start - 1) : group.start].isalpha()


def _cards(row: Row) -> Iterator[tuple[int, int, Span]]:
    groups = row.groups
    for first in range(len(groups)):
        digits, last = "", first - 1
        best: tuple[int, str] | None = None
        while last + 1 < len(groups) and len(digits) + len(groups[last + 1].digits) <= LONGEST_CARD:
            last += 1
            digits += groups[last].digits
            if checksums.luhn(digits) and _is_card_like(row, digits, first, last):
                best = last, digits
        if best:
            yield first, best[0], Span("card", groups[first].start, groups[best[0]].end, best[1])


def _is_card_like(row: Row, digits: str, first: int, last: int) -> bool:
    """Whether digits whose last one checks are a card's: of a scheme and grouped as one, or spoken of as one."""
    view, groups, seps = row
    if len(digits) < SHORTEST_CARD or _touches(view, groups[first]) or _touches(view, groups[last]):
        return False
    before = view[max(0, groups[first].start - CONTEXT) : groups[first].start]
    spoken = bool(CARD_WORDS.search(before))
    ends = [*seps[last : last + 1], *seps[max(0, first - 1) : first]]
    whole = not any(TIGHT.fullmatch(sep) for sep in ends)
    if not checksums.is_card(digits):  # of a scheme that is not listed, perhaps
        return spoken and whole and digits[0] != "0"
    sizes = [len(group.digits) for group in groups[first : last + 1]]
    if spoken or len(sizes) == 1:
        return spoken or sizes[0] > SHORTEST_CARD or not before.strip()  # twelve digits are many things
    if _is_list(groups[first : last + 1], seps[first:last]) or (sizes[0] < 4 and not whole):  # noqa: PLR2004 (as on cards)
        return False
    even = len(set(sizes[:-1])) == 1 and sizes[-1] <= sizes[0] and sizes[0] <= 8  # noqa: PLR2004 (halves)
    return even or sizes in ([4, 6, 5], [4, 6, 4])


def _is_list(groups: list[Group], seps: list[str]) -> bool:
    """Whether these are several numbers in a row, or one of thousands, rather than one in groups."""
    size = len(groups[0].digits)
    if size == 3 and any(WIDE.search(sep) for sep in seps):  # noqa: PLR2004 (1,234,567)
        return True
    numbers = [int(group.digits) for group in groups]
    steps = [right - left for left, right in pairwise(numbers)]
    return size in {2, 3} and (all(step > 0 for step in steps) or all(step < 0 for step in steps))


def _national(row: Row) -> Iterator[tuple[int, int, Span]]:
    """Numbers that a state gives a person: US ones by their form, others by word and check digit."""
    view, groups, seps = row
    for first, group in enumerate(groups):
        before = view[max(0, group.start - CONTEXT) : group.start]
        if _touches(view, group):
            continue
        sizes = [len(other.digits) for other in groups[first : first + 3]]
        if sizes == [3, 2, 4] and _is_ssn(
            [g.digits for g in groups[first : first + 3]], seps[first : first + 2], before
        ):
            yield first, first + 2, _span("ssn", groups[first : first + 3])
            continue
        if len(group.digits) == 9 and SSN_WORDS.search(before) and _is_area(group.digits):  # noqa: PLR2004 (all of it)
            yield first, first, _span("ssn", [group])
            continue
        last = _national_end(groups, seps, first, spoken=bool(PERSON_WORDS.search(before)))
        if last is not None:
            yield first, last, _span("national_id", groups[first : last + 1])


def _is_ssn(parts: list[str], seps: list[str], before: str) -> bool:
    if not _is_area("".join(parts)):
        return False
    spoken = bool(SSN_WORDS.search(before))
    return (set(seps) == {"-"} or (spoken and seps[0] == seps[1])) and (spoken or not _is_named_otherwise(before))


def _is_area(digits: str) -> bool:
    """Whether the parts of an SSN are such as are given out."""
    return (
        digits[:3] not in {"000", "666"} and int(digits[:3]) < AREA_TOP and digits[3:5] != "00" and digits[5:] != "0000"
    )


def _is_named_otherwise(before: str) -> bool:
    from agents.guardrails.phones import nearest_word

    return nearest_word(before) == "other"


def _national_end(groups: list[Group], seps: list[str], first: int, *, spoken: bool) -> int | None:
    """The last group of a national number that begins with `first`."""
    digits = ""
    for last in range(first, min(len(groups), first + 8)):
        if last > first and not TIGHT.fullmatch(seps[last - 1]):
            return None
        digits += groups[last].digits
        checks = checksums.BY_DIGITS.get(len(digits), ())
        if spoken and any(check(digits) for check in checks):
            return last
        sizes = [len(group.digits) for group in groups[first : last + 1]]
        own_form = (
            (sizes == [3, 3, 3, 2] and seps[first : first + 3] == [".", ".", "-"] and checksums.is_cpf(digits))
            or (sizes == [3, 4, 4, 2] and checksums.is_ahv(digits))
            or (sizes[:6] == [1, 2, 2, 2, 3, 3] and sizes[6:] == [2] and checksums.is_nir(digits))
        )
        if own_form:
            return last
    return None


def _span(kind: str, groups: list[Group]) -> Span:
    return Span(kind, groups[0].start, groups[-1].end, "".join(group.digits for group in groups))


def _runs(taken: list[bool], seps: list[str]) -> Iterator[tuple[int, int]]:
    """First and last of the groups that stand together and are still free."""
    first: int | None = None
    for place, is_taken in enumerate(taken):
        if first is not None and (is_taken or not TIGHT.fullmatch(seps[place - 1])):
            yield first, place - 1
            first = None
        if first is None and not is_taken:
            first = place
    if first is not None:
        yield first, len(taken) - 1


def _phones(view: str, groups: list[Group]) -> Iterator[Span]:
    """Phone numbers in groups that stand together."""
    place = int(_touches(view, groups[0]))
    while place < len(groups):
        ahead = groups[place : place + MOST_GROUPS]
        size = _phone_size(view, ahead)
        if size:
            yield _phone(view, ahead[:size])
        place += size or _next_start(view, ahead)


def _phone_size(view: str, groups: list[Group]) -> int:
    """How many of the groups, from the first on, are one phone number: the most that are."""
    start = _start(view, groups[0])
    before = view[max(0, start - CONTEXT) : start]
    split = _next_start(view, groups)
    whole = sum(len(group.digits) for group in groups[:split]) >= NATIONAL[0]  # what follows is another one
    for size in range(split if whole else len(groups), 0, -1):
        end = groups[size - 1].end
        digits = sum(len(group.digits) for group in groups[:size])
        if digits < 7:  # noqa: PLR2004 (no phone number is shorter)
            return 0
        extension = EXTENSION.match(view, end)
        if digits > LONGEST + 2 or (_touches(view, groups[size - 1]) and not extension):
            continue
        written = _written(view[start:end])
        if is_phone(written, before, view[(end := extension.end() if extension else end) : end + AFTER]):
            return size
    return 0


def _next_start(view: str, groups: list[Group]) -> int:
    """Where to look on: behind the next wide gap, since the inside of a number is no phone number."""
    for place in range(1, len(groups)):
        if SPLIT.fullmatch(_separator(view[groups[place - 1].end : groups[place].start])):
            return place
    return len(groups)


def _start(view: str, group: Group) -> int:
    """Where a number begins whose first digits these are: at a "+" or an opening parenthesis before them."""
    start = group.start
    while start > 0 and group.start - start < 3 and view[start - 1] in f"+({NOTHING}":  # noqa: PLR2004 ("(+", and one that is not seen)
        start -= 1
    return start


def _written(view: str) -> str:
    """A number as written, marks of emphasis and what shows nothing left out."""
    return re.sub(rf"[*_`{NOTHING}]+", "", CITATION.sub("", view))


def _phone(view: str, groups: list[Group]) -> Span:
    start, end = _start(view, groups[0]), groups[-1].end
    extension = EXTENSION.match(view, end)
    digits = "".join(group.digits for group in groups)
    return Span("phone", start, extension.end() if extension else end, digits)
