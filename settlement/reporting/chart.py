"""Charts as SVG: axes from data, lines with points or bars, a legend; for light and dark pages."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import svg

__all__ = ["BarChart", "Chart", "Line", "side_by_side"]

WIDTH, HEIGHT = 480, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 44, 48
INK = "#7a7f87"
COLOURS = ("#0a84c1", "#d9772b", "#3a9d5d", "#9b59b6", "#c0396b", "#7f8c3d")
FONT = "system-ui, sans-serif"
TICKS = 5
LEGEND_WIDTH = 130
NAMES_SHOWN_MAX = 12


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart: its points in the order of the axis."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Axis:
    """A range of values on a range of pixels."""

    low: float
    high: float
    logarithmic: bool
    start: float
    stop: float

    def place(self, value: float) -> float:
        """Return where a value stands."""
        low, high = self.low, self.high
        if self.logarithmic:
            low, high, value = math.log10(low), math.log10(high), math.log10(value)
        share = (value - low) / (high - low)
        return round(self.start + share * (self.stop - self.start), 1)

    def ticks(self) -> list[float]:
        """Return round values within."""
        if self.logarithmic:
            first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
            return [10.0**power for power in range(first, last + 1)]
        step = 10.0 ** math.floor(math.log10((self.high - self.low) / TICKS))
        step *= next(m for m in (1, 2, 5, 10) if (self.high - self.low) / (step * m) <= TICKS)
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return [step * n for n in range(first, last + 1)]


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn."""

    title: str
    x_title: str
    lines: Sequence[Line]
    x_logarithmic: bool = False
    y_logarithmic: bool = False

    def draw(self, *, left: float = 0) -> list[svg.Element]:
        """Return the chart as elements, its left edge at *left*."""
        x, y = self._axes(left)
        title = _text(left + LEFT, 20, self.title, anchor="start", size=13, bold=True)
        parts: list[svg.Element] = [title]
        for tick in y.ticks():
            at = y.place(tick)
            parts.append(_rule(x.start, at, x.stop, at))
            parts.append(_text(x.start - 6, at + 4, _figure(tick), anchor="end"))
        for tick in x.ticks():
            parts.append(_text(x.place(tick), y.start + 16, _figure(tick)))
        parts.append(_text((x.start + x.stop) / 2, y.start + 36, self.x_title))
        for number, line in enumerate(self.lines):
            colour = COLOURS[number % len(COLOURS)]
            parts += _line(line, x, y, colour)
            parts += _legend(line.name, x.start + number * LEGEND_WIDTH, colour)
        return parts

    def _axes(self, left: float) -> tuple[Axis, Axis]:
        xs = [x for line in self.lines for x, _ in line.points]
        ys = [y for line in self.lines for _, y in line.points]
        low, high = _range(ys)
        if self.y_logarithmic:
            low = 10.0 ** math.floor(math.log10(min(ys)))
            high = 10.0 ** math.ceil(math.log10(max(ys)))
        last = max(xs) if max(xs) > min(xs) else min(xs) + 1
        return (
            Axis(min(xs), last, self.x_logarithmic, left + LEFT, left + WIDTH - RIGHT),
            Axis(low, high, self.y_logarithmic, HEIGHT - BOTTOM, TOP + 12),
        )


@dataclass(frozen=True, slots=True)
class BarChart:
    """Groups of bars side by side: a group for each name along the axis, a bar for each series."""

    title: str
    names: Sequence[str]
    series: Sequence[Line]
    """Of each the values are used, in the order of the names."""

    def draw(self, *, left: float = 0) -> list[svg.Element]:
        """Return the chart as elements, its left edge at *left*."""
        low, high = _range([y for one in self.series for _, y in one.points])
        y = Axis(low, high, False, HEIGHT - BOTTOM, TOP + 12)
        start, stop = left + LEFT, left + WIDTH - RIGHT
        room = (stop - start) / max(len(self.names), 1)
        width = room * 0.8 / max(len(self.series), 1)
        parts: list[svg.Element] = [
            _text(start, 20, self.title, anchor="start", size=13, bold=True)
        ]
        for tick in y.ticks():
            at = y.place(tick)
            parts.append(_rule(start, at, stop, at))
            parts.append(_text(start - 6, at + 4, _figure(tick), anchor="end"))
        every = math.ceil(len(self.names) / NAMES_SHOWN_MAX)
        for place, name in enumerate(self.names):
            if place % every == 0:
                parts.append(_text(start + room * (place + 0.5), y.start + 16, name))
        for number, one in enumerate(self.series):
            colour = COLOURS[number % len(COLOURS)]
            parts += _legend(one.name, start + number * LEGEND_WIDTH, colour)
            for place, (_, value) in enumerate(one.points):
                edges = sorted((y.place(value), y.place(0)))
                parts.append(
                    svg.Rect(
                        x=round(start + room * (place + 0.1) + number * width, 1),
                        y=edges[0],
                        width=round(width, 1),
                        height=round(edges[1] - edges[0], 1),
                        fill=colour,
                    )
                )
        return parts


def _range(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of an axis from zero, with room beyond the farthest values."""
    low, high = min([0.0, *values]), max([0.0, *values])
    return (low * 1.1, high * 1.1) if high > low else (0.0, 1.0)


def side_by_side(charts: Sequence[Chart | BarChart]) -> str:
    """Return charts in one row, as the text of an SVG file."""
    elements: list[svg.Element] = []
    for number, chart in enumerate(charts):
        elements += chart.draw(left=number * WIDTH)
    width = WIDTH * len(charts)
    return str(
        svg.SVG(
            viewBox=svg.ViewBoxSpec(0, 0, width, HEIGHT),
            width=width,
            height=HEIGHT,
            elements=elements,
        )
    )


def _line(line: Line, x: Axis, y: Axis, colour: str) -> list[svg.Element]:
    places = [(x.place(at), y.place(value)) for at, value in line.points]
    path: list[svg.PathData] = [
        (svg.LineTo if number else svg.MoveTo)(*place) for number, place in enumerate(places)
    ]
    drawn = svg.Path(d=path, stroke=colour, stroke_width=2, fill="none")
    return [drawn, *(svg.Circle(cx=cx, cy=cy, r=3, fill=colour) for cx, cy in places)]


def _legend(name: str, left: float, colour: str) -> list[svg.Element]:
    return [
        svg.Circle(cx=left + 4, cy=36, r=4, fill=colour),
        _text(left + 12, 40, name, anchor="start"),
    ]


def _rule(x1: float, y1: float, x2: float, y2: float) -> svg.Line:
    return svg.Line(x1=x1, y1=y1, x2=x2, y2=y2, stroke=INK, stroke_width=1, stroke_opacity=0.25)


def _text(
    x: float, y: float, words: str, *, anchor: str = "middle", size: int = 11, bold: bool = False
) -> svg.Text:
    return svg.Text(
        x=x,
        y=y,
        text=words,
        text_anchor=anchor,  # type: ignore[arg-type]  # one of a literal's words
        font_size=size,
        font_family=FONT,
        font_weight="bold" if bold else "normal",
        fill=INK,
    )


def _figure(value: float) -> str:
    for unit, name in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= unit:
            return f"{value / unit:g}{name}"
    return f"{value:g}"
