"""The last thing between a model and a customer: what passed the output filter, without what is not for this reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.guardrails.echo import EchoFilter
from agents.guardrails.personal import PersonalFilter

if TYPE_CHECKING:
    from agents.guardrails.personal import Stated


class Screen:
    """Takes personal data of others, secrets and echoes of the prompt out of one text while it streams.

    What `feed` and `finish` return, joined, is the same however the text is cut into pieces.
    """

    def __init__(self, stated: Stated, mark: str) -> None:
        """Take what may be shown, and what stands for the rest."""
        self._personal = PersonalFilter(stated.holds, mark)
        self._echo = EchoFilter(lambda: stated.rules, stated.repeats, mark)

    def feed(self, text: str) -> str:
        """Take the next piece and return what may be shown now."""
        return self._echo.feed(self._personal.feed(text))

    def finish(self) -> str:
        """Return what was held back; what is fed afterwards is a text of its own."""
        return self._echo.feed(self._personal.finish()) + self._echo.finish()
