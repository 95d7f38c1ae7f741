"""How lines of the log are written: without personal data and secrets, whoever writes them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from logging import _SysExcInfoType


class MaskingFormatter(logging.Formatter):
    """Formats a record with what `agents.guardrails.masking` finds in its message or exception masked.

    Masked here and not in a filter, since an exception becomes text only here. Other handlers, such as those of tests,
    see the record as it was written.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (the name it has in logging)
        """Return the line without an exception."""
        record.message = _masked(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: _SysExcInfoType) -> str:  # noqa: N802 (the name it has in logging)
        """Return an exception's text."""
        return _masked(super().formatException(ei))


def _masked(text: str) -> str:
    from agents.guardrails.masking import masked_text  # not while settings are still being read

    return masked_text(text)
