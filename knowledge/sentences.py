"""Where sentences end, in many languages, without a model."""

# ruff: noqa: RUF001, SIM905 - signs of many languages are the subject; words read best as words

import re

# A Latin full stop needs a space after it and may belong to an abbreviation; the others end a sentence anywhere.
_CANDIDATE = re.compile(r"[.!?…؟۔।॥։。！？｡]+[\"'”’»“)\]」』】]*|\n")
_FULL = frozenset("؟۔।॥።。！？｡։")
_LINE_STARTS = re.compile(r"[ \t]*(?:[-*+•] |\d{1,3}[.)] |\||#{1,6} |>|```|~~~)")
_TABLE_LINE = re.compile(r"[ \t]*\|")
_HEADING_LINE = re.compile(r"[ \t]*#{1,6} ")
_WORD_BEFORE = re.compile(r"([^\W_][^\s\"'“”‘’()\[\]]*)$")
_NEXT_WORD = re.compile(r"\s{1,9}(\w{1,20})")
_LETTERS_AND_DOTS = re.compile(r"(?:[^\W\d_]\.)*[^\W\d_]")
_LOOK_BACK = 24  # characters; no abbreviation is longer
_MAX_ORDINAL = 3  # digits
# Followed by a full stop and, mostly, by more of the same sentence.
_ABBREVIATIONS = frozenset(
    """mr mrs ms dr prof sr jr st mt vs etc inc ltd corp dept approx incl excl e.g i.e cf al ed eds rev hon gen col capt
    lt sgt gov rep pres ave blvd rd a.m p.m u.s u.k ph.d
    z.b d.h u.a u.u usw bzw ggf evtl inkl exkl zzgl str hr fr bspw vgl s.o s.u o.ä u.ä i.d.r z.t ca
    sra srta ud uds aprox p.ej ej av dra lic ing m mme mlle env p.ex c.-à-d boul
    sig sig.ra sigg dott ecc т.е т.д т.п т.к др руб рис им г гг напр ул""".split()
)
# Words of their own, but abbreviations before a number: "No. 5", "Fig. 3".
_BEFORE_NUMBERS = frozenset(
    "no nos nr núm fig figs eq art abs vol ch sec pag pág págs p pp max min tel ext стр".split()
)
_MONTHS = frozenset("januar februar märz april mai juni juli august september oktober november dezember".split())


def split_sentences(text: str) -> list[tuple[int, int]]:
    """Return the (start, end) spans of sentences in a text.

    Every character that is no white space lies in exactly one span. Lines of lists and tables, headings and blank lines
    end sentences; other line ends do not. A code block is one sentence.
    """
    spans: list[tuple[int, int]] = []
    for start, end, is_code in _stretches(text):
        if is_code:
            _add(text, spans, start, end)
        else:
            _split(text, start, end, spans)
    return spans


def _stretches(text: str) -> list[tuple[int, int, bool]]:
    """Part code blocks from the rest: (start, end, is code)."""
    if "```" not in text and "~~~" not in text:
        return [(0, len(text), False)]
    found: list[tuple[int, int, bool]] = []
    begun, fence, position = 0, "", 0
    for line in text.splitlines(keepends=True):
        stripped = line.strip()
        if fence:
            if stripped.startswith(fence) and not stripped.strip(fence[0]):
                found.append((begun, position + len(line), True))
                begun, fence = position + len(line), ""
        elif mark := re.match(r"`{3,}|~{3,}", stripped):
            found.append((begun, position, False))
            begun, fence = position, mark[0]
        position += len(line)
    found.append((begun, len(text), bool(fence)))
    return found


def _split(text: str, start: int, end: int, spans: list[tuple[int, int]]) -> None:
    begun = start
    for found in _CANDIDATE.finditer(text, start, end):
        if found.start() < begun:
            continue
        is_line = found[0] == "\n"
        if _line_ends(text, found.start(), end) if is_line else _mark_ends(text, found, begun, end):
            _add(text, spans, begun, found.end())
            begun = found.end()
    _add(text, spans, begun, end)


def _add(text: str, spans: list[tuple[int, int]], start: int, end: int) -> None:
    """Append a span without the white space around it; one of signs alone goes to the sentence before."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        spans.append((start, end))


def _line_ends(text: str, position: int, end: int) -> bool:
    """Tell whether a sentence ends with a line: before a blank line, an item or a row, or after a row or heading."""
    after = position + 1
    if after >= end or text[after] == "\n" or _LINE_STARTS.match(text, after):
        return True
    line_start = text.rfind("\n", 0, position) + 1
    if not text[after : after + 200].partition("\n")[0].strip():
        return True
    return _TABLE_LINE.match(text, line_start) is not None or _HEADING_LINE.match(text, line_start) is not None


def _mark_ends(text: str, found: re.Match[str], begun: int, end: int) -> bool:
    mark = found[0]
    if _FULL.intersection(mark):
        return True
    after = found.end()
    if after >= end:
        return True
    if not text[after].isspace():
        return False
    following = _next_letter(text, after, end)
    if mark[0] in "!?":
        return not following.islower()
    if following.islower():
        return False
    return mark[0] != "." or len(mark.rstrip("\"'”’»“)]")) > 1 or not _is_abbreviation(text, found.start(), begun)


def _next_letter(text: str, position: int, end: int) -> str:
    """Return the first letter or digit after a position, looking past spaces and opening signs."""
    for index in range(position, min(end, position + _LOOK_BACK)):
        if text[index].isalnum():
            return text[index]
    return ""


def _is_abbreviation(text: str, dot: int, begun: int) -> bool:
    found = _WORD_BEFORE.search(text, max(begun, dot - _LOOK_BACK), dot)
    if not found:
        return False
    word = found[1]
    following = _NEXT_WORD.match(text, dot + 1)
    after = following[1].lower() if following else ""
    if word.lower() in _ABBREVIATIONS or (word.lower() in _BEFORE_NUMBERS and after[:1].isdecimal()):
        return True
    if word.isdecimal():
        # "1." begins a list item, "3. Mai" is a date; other numbers may end a sentence.
        begins = len(word) <= _MAX_ORDINAL and not text[begun : found.start()].strip()
        return begins or after in _MONTHS
    # Initials: "J. Smith", "U.S. law".
    return (len(word) == 1 and word.isupper()) or ("." in word and _LETTERS_AND_DOTS.fullmatch(word) is not None)
