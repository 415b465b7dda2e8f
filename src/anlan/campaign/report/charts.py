"""The report's charts: plain SVG strings, styled by the page, with their texts in both languages."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from anlan.core.text import LANGUAGES, Text

WIDTH, HEIGHT = 640, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 16, 26, 42


def label(text: Text | str, x: float, y: float, css: str = "", anchor: str = "middle") -> str:
    """A text element; a bilingual text becomes one element a language, and the page shows one of them."""
    head = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{css}"'
    if isinstance(text, str) or text.zh == text.en:
        return f"<text {head}>{escape(text if isinstance(text, str) else text.en)}</text>"
    return "".join(f'<text {head} lang="{lang}">{escape(text.of(lang))}</text>' for lang in LANGUAGES)


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers that divide a range into about so many steps."""
    if high <= low:
        return [low]
    raw = (high - low) / max(about, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(k * step, 10) for k in range(first, last + 1)]


@dataclass(frozen=True)
class Axes:
    """A plotting area in drawing units with linear axes."""

    x0: float
    x1: float
    y0: float
    y1: float
    width: int = WIDTH
    height: int = HEIGHT

    def x(self, value: float) -> float:
        """Drawing abscissa of a value."""
        return _LEFT + (value - self.x0) / (self.x1 - self.x0 or 1) * (self.width - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        """Drawing ordinate of a value."""
        return (
            self.height
            - _BOTTOM
            - (value - self.y0) / (self.y1 - self.y0 or 1) * (self.height - _TOP - _BOTTOM)
        )

    def frame(
        self,
        x_ticks: Iterable[tuple[float, str]],
        y_ticks: Iterable[tuple[float, str]],
        x_name: Text,
        y_name: Text,
    ) -> str:
        """Grid lines, tick labels and axis names."""
        out = []
        for value, text in y_ticks:
            y = self.y(value)
            out.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{self.width - _RIGHT}"/>')
            out.append(label(text, _LEFT - 6, y + 4, "tick", "end"))
        for value, text in x_ticks:
            out.append(label(text, self.x(value), self.height - _BOTTOM + 16, "tick"))
        out.append(f'<path class="axis" d="M{_LEFT} {self.height - _BOTTOM}H{self.width - _RIGHT}"/>')
        out.append(label(x_name, (self.width + _LEFT - _RIGHT) / 2, self.height - 6, "name"))
        out.append(label(y_name, _LEFT - 40, 10, "name", "start"))
        return "".join(out)

    def line(self, x: Iterable[float], y: Iterable[float], css: str) -> str:
        """A line through points."""
        points = " ".join(f"{self.x(a):.1f},{self.y(b):.1f}" for a, b in zip(x, y, strict=True))
        return f'<polyline class="{css}" points="{points}"/>'

    def band(self, x: Sequence[float], low: Sequence[float], high: Sequence[float], css: str) -> str:
        """A filled band between two lines."""
        there = [f"{self.x(a):.1f},{self.y(b):.1f}" for a, b in zip(x, high, strict=True)]
        back = [f"{self.x(a):.1f},{self.y(b):.1f}" for a, b in zip(x, low, strict=True)][::-1]
        return f'<polygon class="{css}" points="{" ".join(there + back)}"/>'


def svg(body: str, title: Text, width: int = WIDTH, height: int = HEIGHT) -> str:
    """Wrap a drawing; the title is what a screen reader says."""
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" class="chart" aria-label="{escape(str(title))}">'
        f"{body}</svg>"
    )


def response_curve(
    series: Sequence[tuple[Text, NDArray[np.float64], str]], rings_s: Sequence[float], title: Text
) -> str:
    """Share of calls reached within t minutes, one line a series, with the standard's rings marked.

    Parameters
    ----------
    series : sequence of (name, response_s, css class)
    rings_s : sequence of float
        The response standard, seconds.
    title : Text
    """
    high = float(np.ceil(max(2 * max(rings_s), 60.0, *(np.quantile(r, 0.97) for _, r, _ in series)) / 60.0))
    axes = Axes(0, high, 0, 1)
    out = [
        axes.frame(
            [(t, f"{t:g}") for t in ticks(0, high, 8)],
            [(t, f"{t:.0%}") for t in ticks(0, 1, 4)],
            Text("接警后分钟", "minutes after the call was received"),
            Text("已到场比例", "share of calls reached"),
        )
    ]
    for ring in rings_s:
        x = axes.x(ring / 60)
        out.append(f'<path class="ring" d="M{x:.1f} {_TOP}V{axes.height - _BOTTOM}"/>')
        minutes = f"{ring / 60:g}"
        out.append(label(Text(f"{minutes} 分", f"{minutes} min"), x + 3, _TOP + 8, "tick", "start"))
    minutes_at = np.linspace(0, high, 161)
    for k, (name, response_s, css) in enumerate(series):
        share = np.searchsorted(np.sort(response_s), minutes_at * 60, side="right") / max(len(response_s), 1)
        out.append(axes.line(minutes_at, share, f"line {css}"))
        at = axes.height - _BOTTOM - 14 - 16 * (len(series) - 1 - k)
        out.append(f'<path class="line {css}" d="M{axes.width - 190} {at - 4}h24"/>')
        out.append(label(name, axes.width - 160, at, "name", "start"))
    return svg("".join(out), title)


def by_hour(
    series: Sequence[tuple[Text, NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], str]],
    y_name: Text,
    title: Text,
) -> str:
    """One value for each hour of the day, with its interval as a band.

    Parameters
    ----------
    series : sequence of (name, value, low, high, css class)
        Arrays of shape (24,).
    y_name, title : Text
    """
    top = max(float(np.nanmax(high)) for _, _, _, high, _ in series)
    axes = Axes(0, 23, 0, top * 1.08)
    out = [
        axes.frame(
            [(h, f"{h:02d}") for h in range(0, 24, 3)],
            [(t, f"{t:g}") for t in ticks(0, axes.y1)],
            Text("时", "hour of the day"),
            y_name,
        )
    ]
    hours = [float(h) for h in range(24)]
    for k, (name, value, low, high, css) in enumerate(series):
        out.append(axes.band(hours, low.tolist(), high.tolist(), f"band {css}"))
        out.append(axes.line(hours, value.tolist(), f"line {css}"))
        at = axes.height - _BOTTOM - 14 - 16 * (len(series) - 1 - k)
        out.append(f'<path class="line {css}" d="M{axes.width - 190} {at - 4}h24"/>')
        out.append(label(name, axes.width - 160, at, "name", "start"))
    return svg("".join(out), title)


_DAYS = tuple(
    Text(zh, en)
    for zh, en in zip("一二三四五六日", ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), strict=True)
)


def week_heat(value: NDArray[np.float64], title: Text) -> str:
    """A 7 × 24 grid of hour-of-week values (168,), darker is more; each cell says its number on hover."""
    grid = value.reshape(7, 24)
    top = float(grid.max()) or 1.0
    cell_w, cell_h, left = 24, 22, 44
    out = []
    for day in range(7):
        out.append(label(_DAYS[day], left - 8, day * cell_h + 15, "tick", "end"))
        for hour in range(24):
            share = grid[day, hour] / top
            out.append(
                f'<rect x="{left + hour * cell_w}" y="{day * cell_h}" width="{cell_w - 1}" '
                f'height="{cell_h - 1}" class="heat" fill-opacity="{share:.3f}">'
                f"<title>{hour:02d}:00 {grid[day, hour]:.1f}</title></rect>"
            )
    out += [
        label(f"{hour:02d}", left + hour * cell_w + 11, 7 * cell_h + 14, "tick") for hour in range(0, 24, 3)
    ]
    return svg("".join(out), title, left + 24 * cell_w + 4, 7 * cell_h + 22)


def dumbbells(
    rows: Sequence[tuple[Text, float, float]], unit: str, names: tuple[Text, Text], title: Text
) -> str:
    """Before and after for each row: a hollow dot, a filled dot and the line between them."""
    values = [v for _, a, b in rows for v in (a, b) if math.isfinite(v)] or [0.0, 1.0]
    low, high = min(0.0, *values), max(values) * 1.05 or 1.0
    row_h, left, width = 20, 170, WIDTH
    height = row_h * len(rows) + 50

    def x(value: float) -> float:
        return left + (value - low) / (high - low or 1) * (width - left - 24)

    out = []
    for tick in ticks(low, high):
        out.append(f'<path class="grid" d="M{x(tick):.1f} 24V{height - 24}"/>')
        out.append(label(f"{tick:g}{unit}", x(tick), height - 8, "tick"))
    out.append(f'<circle class="dot present" cx="{left}" cy="9" r="4.5"/>')
    out.append(label(names[0], left + 9, 13, "name", "start"))
    out.append(f'<circle class="dot proposed" cx="{left + 150}" cy="9" r="4.5"/>')
    out.append(label(names[1], left + 159, 13, "name", "start"))
    for k, (name, before, after) in enumerate(rows):
        y = 36 + k * row_h
        out.append(label(name, left - 10, y + 4, "tick", "end"))
        if math.isfinite(before) and math.isfinite(after):
            css = "link worse" if after > before else "link"
            out.append(f'<path class="{css}" d="M{x(before):.1f} {y}H{x(after):.1f}"/>')
            out.append(f'<circle class="dot present" cx="{x(before):.1f}" cy="{y}" r="4.5"/>')
            out.append(f'<circle class="dot proposed" cx="{x(after):.1f}" cy="{y}" r="4.5"/>')
    return svg("".join(out), title, width, height)
