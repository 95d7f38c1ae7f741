from datetime import UTC, datetime

import pytest

from chat.templatetags.interface import bar, icon, initials, is_unsure, moment, percent, score

pytestmark = pytest.mark.unit


def test_an_icon_is_hidden_from_screen_readers():
    assert icon("send") == '<svg class="icon" aria-hidden="true"><use href="/static/icons.svg#send"/></svg>'
    assert 'class="icon push"' in icon("send", "push")


@pytest.mark.parametrize(
    ("share", "start", "x", "width"),
    [(0.5, 0, "0", "50"), (2, 0, "0", "100"), (-1, 0, "0", "0"), (0.5, 0.75, "75", "25"), (0.1, 7, "100", "0")],
)
def test_a_bar_stays_within_its_bounds(share, start, x, width):
    assert f'<rect x="{x}" width="{width}" height="6"/>' in bar(share, "", start)


def test_a_moment_is_written_in_utc_until_a_script_knows_better():
    at = datetime(2024, 11, 3, 9, 5, tzinfo=UTC)
    assert moment(at) == '<time datetime="2024-11-03T09:05:00+00:00" data-shape="clock">09:05</time>'
    assert ">3 November<" in moment(at, "rail")
    assert moment("") == ""


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Sofia Marsh", "SM"), ("Ana Maria de la Cruz", "AC"), ("bob", "B"), ("ann@acme.example", "AE"), ("", "")],
)
def test_initials(name, letters):
    assert initials(name) == letters


def test_figures():
    assert (percent(0.414), percent(None)) == ("41%", "")
    assert [score(v) for v in (0.738, -0.25, 1.0, 12.3, None)] == [".74", "-.25", "1.00", "12.30", ""]
    assert [is_unsure(v) for v in (None, 0.49, 0.5)] == [True, True, False]
