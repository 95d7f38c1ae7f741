"""Bytes of unknown encoding as text."""

import codecs

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Detection is quadratic in nothing but slow (about 1 MB/s); this much decides.
_SAMPLE_BYTES = 64_000
_MIN_NULL_SHARE = 0.2


def decode(data: bytes, declared: str = "") -> str:
    """Return the text of bytes: by byte-order mark, as UTF-8, as declared, by the pattern of nulls, or by detection."""
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return data.decode(encoding, "replace")
    if declared.lower().startswith("iso-2022") and (text := _decode_declared(data, declared)):
        return text  # these are valid UTF-8 as well, but mean something else
    try:
        if b"\x00" not in data[:_SAMPLE_BYTES]:
            return _decode_utf8(data)
    except UnicodeDecodeError:
        pass
    return _decode_declared(data, declared) or data.decode(_guess(data[:_SAMPLE_BYTES]), "replace")


def _decode_utf8(data: bytes) -> str:
    """Decode strictly, but forgive a sequence cut off at the end and rare damage in a long text."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data" and error.start > 0:
            return data[: error.start].decode("utf-8")
        text = data.decode("utf-8", "replace")
        wrong = text.count("\ufffd")
        multibyte = sum(character > "\x7f" for character in text) - wrong
        if multibyte >= 10 * wrong:
            return text
        raise


def _decode_declared(data: bytes, declared: str) -> str | None:
    try:
        return data.decode(codecs.lookup(declared).name) if declared else None
    except (LookupError, UnicodeDecodeError, ValueError):
        return None


def _guess(sample: bytes) -> str:
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if max(even, odd) > _MIN_NULL_SHARE * len(sample) / 2 and max(even, odd) > 4 * min(even, odd):
        return "utf-16-be" if even > odd else "utf-16-le"
    if b"\x00" in sample:
        return "utf-8"
    # Only text that is not UTF-8 pays for the detector's import.
    from charset_normalizer import from_bytes

    # Short western texts are otherwise mistaken for exotic code pages.
    best = from_bytes(sample, cp_exclusion=["utf_7"]).best()
    return best.encoding if best else "cp1252"
