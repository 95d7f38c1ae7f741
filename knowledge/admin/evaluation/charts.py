"""The history of a measure as a drawing: lines and places for an SVG, all of it made on the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from knowledge.models import EvaluationRun

WIDTH, HEIGHT = 720, 200
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 12, 24  # margins
STEP = 0.05  # between the least that is shown and the figures below which it lies


@dataclass(frozen=True, slots=True)
class Dot:
    """A run in the drawing, in its units."""

    x: str
    y: str
    value: float
    low: float
    high: float
    run: EvaluationRun


@dataclass(frozen=True, slots=True)
class Grid:
    """A line across, with its figure."""

    y: str
    value: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A line of means, the `points` of a polyline, and a band of their 95 % intervals, those of a polygon."""

    dots: list[Dot]
    grid: list[Grid]
    points: str
    band: str
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT


def chart_of(runs: Sequence[EvaluationRun], measure: str) -> Chart | None:
    """The drawing of some runs, the oldest first; None with fewer than two that have the measure."""
    shown = [run for run in runs if measure in run.metrics and measure in run.intervals]
    if len(shown) < 2:  # noqa: PLR2004 (a line has two ends)
        return None
    least = _least(min(run.intervals[measure][0] for run in shown))
    dots = [_dot(run, measure, place, len(shown), least) for place, run in enumerate(shown)]
    upper = [f"{dot.x},{_y(dot.high, least)}" for dot in dots]
    lower = [f"{dot.x},{_y(dot.low, least)}" for dot in reversed(dots)]
    return Chart(
        dots=dots,
        grid=[Grid(_y(value, least), f"{value:.3g}") for value in (least, (least + 1) / 2, 1.0)],
        points=" ".join(f"{dot.x},{dot.y}" for dot in dots),
        band=" ".join([*upper, *lower]),
    )


def _least(low: float) -> float:
    """Where the axis begins: a step below what is shown, so that small changes can be seen."""
    return max(0.0, round((low - STEP) // STEP * STEP, 2))


def _dot(run: EvaluationRun, measure: str, place: int, count: int, least: float) -> Dot:
    x = LEFT + (WIDTH - LEFT - RIGHT) * place / (count - 1)
    low, high = run.intervals[measure]
    value = run.metrics[measure]
    return Dot(f"{x:.1f}", _y(value, least), value, low, high, run)


def _y(value: float, least: float) -> str:
    share = (value - least) / (1 - least)
    return f"{TOP + (HEIGHT - TOP - BOTTOM) * (1 - share):.1f}"
