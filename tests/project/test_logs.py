"""Lines of the log carry no personal data."""

from __future__ import annotations

import logging
import sys

import pytest

from project.logs import MaskingFormatter

pytestmark = pytest.mark.unit


def record(message, *args, exc_info=None):
    return logging.LogRecord("x", logging.WARNING, __file__, 1, message, args, exc_info)


def test_messages_and_their_arguments_are_masked():
    line = MaskingFormatter("%(levelname)s %(name)s: %(message)s").format(
        record("%s wrote from %s", "bob", "bob@mail.example")
    )
    assert line == "WARNING x: bob wrote from [email 1]"


def test_exceptions_are_masked():
    try:
        int("4242 4242 4242 4242")
    except ValueError:
        line = MaskingFormatter("%(message)s").format(record("broke", exc_info=sys.exc_info()))
    assert line.startswith("broke\nTraceback")
    assert line.endswith("'[card 1]'")


def test_the_log_is_written_with_it(settings):
    assert settings.LOGGING["formatters"]["line"]["()"] == "project.logs.MaskingFormatter"
