"""Rich Text Format (specification 1.9.1): its text, headings by outline level and tables."""

# ruff: noqa: RUF001 - signs of many languages are what this module is about

import codecs
import re

from knowledge.readers.base import ReadDocument, build
from knowledge.readers.markup import blocks, heading, list_item, literal, one_line, table

_TOKEN = re.compile(
    rb"\\'([0-9a-fA-F]{2})|\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\([^a-zA-Z])|([{}])|[\r\n]+|([^\\{}\r\n]+)",
)
_DROPPED = frozenset(
    b"""fonttbl colortbl stylesheet pict object themedata datastore info generator listtable listoverridetable header
    footer headerl headerr headerf footerl footerr footerf fldinst xmlnstbl rsidtbl mmathPr latentstyles pntext pnseclvl
    nonshppict filetbl revtbl colorschememapping wgrffmtfilter shpinst listtext bkmkstart bkmkend annotation atnid
    atnauthor""".split()
)
_CHARACTERS = {
    b"tab": " ", b"line": " ", b"emdash": "—", b"endash": "–", b"lquote": "‘", b"rquote": "’", b"ldblquote": "“",
    b"rdblquote": "”", b"bullet": "•", b"emspace": " ", b"enspace": " ", b"~": " ",
    b"_": "-", b"\\": "\\", b"{": "{", b"}": "}",
}  # fmt: skip
_CHARSETS = {0: "cp1252", 128: "cp932", 129: "cp949", 134: "gbk", 136: "big5", 161: "cp1253", 162: "cp1254",
             163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874",
             238: "cp1250"}  # fmt: skip
_FONT_CHARSET = re.compile(rb"\\f(\d+)[^{};]*?\\fcharset(\d+)")
_LEVELS = 9


def read_rtf(data: bytes, filename: str) -> ReadDocument:
    """Read a rich text file."""
    return build(filename=filename, markdown=_Reader(data).markdown(), titles=[_title(data)])


def _title(data: bytes) -> str:
    found = re.search(rb"\{\\title ([^{}\\]{1,200})\}", data[:100_000])
    return found[1].decode("cp1252", "replace") if found else ""


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data.strip(b"\x00")
        page = re.search(rb"\\ansicpg(\d+)", data[:2000])
        self._default = _codec(f"cp{int(page[1])}") if page else "cp1252"
        head = data[:200_000]
        self._fonts = {
            int(font): _CHARSETS.get(int(charset), self._default) for font, charset in _FONT_CHARSET.findall(head)
        }
        self._encoding = self._default
        self._fallback_chars = 1  # how many characters stand in for a \u character
        self._to_skip = 0
        self._bytes = bytearray()
        self._paragraph: list[str] = []
        self._row: list[str] = []
        self._rows: list[list[str]] = []
        self._blocks: list[str] = []
        self._level, self._in_list, self._in_table = 0, False, False

    def markdown(self) -> str:
        stack: list[tuple[bool, str, int]] = []
        dropped = False
        for token in _TOKEN.finditer(self._data):
            code, word, number, symbol, brace, text = token.groups()
            if brace == b"{":
                stack.append((dropped, self._encoding, self._fallback_chars))
            elif brace == b"}":
                self._flush()
                dropped, self._encoding, self._fallback_chars = stack.pop() if stack else (False, self._default, 1)
            elif word in _DROPPED or symbol == b"*":
                dropped = True
            elif not dropped:
                self._take(code, word, int(number) if number else None, symbol, text)
        self._end_paragraph()
        self._end_table()
        return blocks(self._blocks)

    def _take(
        self, code: bytes | None, word: bytes | None, number: int | None, symbol: bytes | None, text: bytes | None
    ) -> None:
        if code or text:
            self._take_bytes(bytes.fromhex(code.decode()) if code else text or b"")
        elif word == b"u" and number is not None:
            self._say(chr(number % 0x10000))
            self._to_skip = self._fallback_chars
        elif word:
            self._control(word, number)
        elif symbol in _CHARACTERS:
            self._say(_CHARACTERS[symbol])

    def _take_bytes(self, data: bytes) -> None:
        if self._to_skip:
            skipped = min(self._to_skip, len(data))
            self._to_skip -= skipped
            data = data[skipped:]
        self._bytes += data

    def _say(self, text: str) -> None:
        self._flush()
        self._paragraph.append(text)

    def _flush(self) -> None:
        if self._bytes:
            self._paragraph.append(self._bytes.decode(self._encoding, "replace"))
            self._bytes.clear()

    def _control(self, word: bytes, number: int | None) -> None:
        if word in _CHARACTERS:
            self._say(_CHARACTERS[word])
        elif word in {b"par", b"sect", b"page"}:
            self._end_paragraph()
        elif word == b"cell":
            self._row.append(self._text())
        elif word == b"row":
            self._rows.append(self._row)
            self._row = []
        elif word == b"uc":
            self._fallback_chars = max(0, number or 0)
        elif word == b"f" and number is not None:
            self._flush()
            self._encoding = self._fonts.get(number, self._default)
        else:
            self._set_paragraph(word, number)

    def _set_paragraph(self, word: bytes, number: int | None) -> None:
        if word == b"pard":
            self._level, self._in_list, self._in_table = 0, False, False
        elif word == b"outlinelevel" and number is not None and 0 <= number < _LEVELS:
            self._level = number + 1
        elif word in {b"ls", b"pnlvlblt", b"pnlvlbody"}:
            self._in_list = True
        elif word == b"intbl":
            self._in_table = True

    def _text(self) -> str:
        self._flush()
        # Characters past the first 65,536 come as two halves.
        joined = "".join(self._paragraph).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        self._paragraph.clear()
        return one_line(joined)

    def _end_paragraph(self) -> None:
        if self._in_table:
            self._say(" ")
            return
        text = self._text()
        if not text:
            return
        self._end_table()
        if self._level:
            self._blocks.append(heading(self._level, text))
        elif self._in_list or text.startswith("• "):
            item = list_item(text.lstrip("• "))
            if self._blocks and self._blocks[-1].startswith("- "):
                self._blocks[-1] += f"\n{item}"
            else:
                self._blocks.append(item)
        else:
            self._blocks.append(literal(text))

    def _end_table(self) -> None:
        if self._rows:
            self._blocks.append(table(self._rows))
            self._rows = []


def _codec(name: str) -> str:
    try:
        return codecs.lookup("utf-8" if name == "cp65001" else name).name
    except LookupError:
        return "cp1252"
