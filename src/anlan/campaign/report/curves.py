"""Charts of counts and comparisons: sparklines, the concentration curve, series with a campaign, forests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from anlan.campaign.report.charts import Axes, label, svg, ticks
from anlan.core.text import Text


def spark(values: NDArray[np.float64], marked: int, title: Text) -> str:
    """Bars of weekly counts, one line high; the last ``marked`` are the ones that are spoken of."""
    width, height = 132.0, 22.0
    top = float(values.max(initial=1.0)) or 1.0
    step = width / max(len(values), 1)
    out = []
    for css, rows in (
        ("tally", slice(0, len(values) - marked)),
        ("tally now", slice(len(values) - marked, None)),
    ):
        path = "".join(
            f"M{k * step:.1f} {height}v{-v / top * height:.1f}h{step * 0.8:.1f}V{height}z"
            for k, v in list(enumerate(values.tolist()))[rows]
            if v > 0
        )
        out.append(f'<path class="{css}" d="{path}"/>')
    return (
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" class="spark" role="img" '
        f'aria-label="{escape(str(title))}">{"".join(out)}</svg>'
    )


def concentration(
    at: NDArray[np.float64],
    held: NDArray[np.float64],
    by_chance: NDArray[np.float64],
    marks: Sequence[tuple[float, float]],
    title: Text,
) -> str:
    """Share of calls that the busiest places hold, beside what chance would give.

    Parameters
    ----------
    at, held, by_chance : ndarray of float64, shape (n,)
        Shares of places, and of calls.
    marks : sequence of (share of places, share of calls)
        Pointed out.
    title : Text
    """
    axes = Axes(0, float(at[-1]), 0, 1)
    out = [
        axes.frame(
            [(t, f"{t:.0%}") for t in ticks(0, float(at[-1]), 6)],
            [(t, f"{t:.0%}") for t in ticks(0, 1, 4)],
            Text("最忙路段占全部路段的比例", "busiest street segments, share of all"),
            Text("所含警情的比例", "share of calls they hold"),
        ),
        axes.line(at, by_chance, "line present"),
        axes.line(at, held, "line proposed"),
    ]
    for x, y in marks:
        if x <= at[-1]:
            out.append(f'<circle class="dot proposed" cx="{axes.x(x):.1f}" cy="{axes.y(y):.1f}" r="4.5"/>')
            told = f"{x:.1%} → {y:.0%}"
            out.append(label(told, axes.x(x) + 9, axes.y(y) + 12, "tick", "start"))
    names = ((Text("随机分布", "by chance"), "present"), (Text("实际", "as reported"), "proposed"))
    for k, (name, css) in enumerate(names):
        y = axes.height - 56 - 16 * (1 - k)
        out.append(f'<path class="line {css}" d="M{axes.width - 170} {y - 4}h24"/>')
        out.append(label(name, axes.width - 140, y, "name", "start"))
    return svg("".join(out), title)


def weekly_lines(
    series: Sequence[tuple[Text, NDArray[np.float64], str]],
    change: int,
    first_labels: Sequence[tuple[int, str]],
    y_name: Text,
    title: Text,
) -> str:
    """Weekly series with the campaign shaded.

    Parameters
    ----------
    series : sequence of (name, values (n_week,), css class)
    change : int
        First week of the campaign.
    first_labels : sequence of (week, text)
        Dates along the axis.
    y_name, title : Text
    """
    n = max(len(v) for _, v, _ in series)
    top = max(float(np.nanmax(v)) for _, v, _ in series) or 1.0
    axes = Axes(0, max(n - 1, 1), 0, top * 1.1)
    x0, x1 = axes.x(change - 0.5), axes.x(n - 1)
    out = [
        f'<rect class="campaign" x="{x0:.1f}" y="26" width="{max(x1 - x0, 1):.1f}" '
        f'height="{axes.height - 26 - 42}"/>',
        axes.frame(
            [(float(k), text) for k, text in first_labels],
            [(t, f"{t:g}") for t in ticks(0, axes.y1)],
            Text("周", "week"),
            y_name,
        ),
    ]
    for k, (name, values, css) in enumerate(series):
        out.append(axes.line(range(len(values)), np.nan_to_num(values).tolist(), f"line {css}"))
        x = 70 + 190 * k
        out.append(f'<path class="line {css}" d="M{x} 20h24"/>')
        out.append(label(name, x + 30, 24, "name", "start"))
    return svg("".join(out), title)


def forest(
    rows: Sequence[tuple[Text, float, tuple[float, float], str]], none: float, x_name: Text, title: Text
) -> str:
    """Estimates with their intervals, one a row, and the line of no change.

    Parameters
    ----------
    rows : sequence of (name, estimate, (low, high), css class)
        An interval that is not finite is left out: only the point is drawn.
    none : float
        The value of no change.
    x_name, title : Text
    """
    ends = [v for _, e, (a, b), _ in rows for v in (e, a, b) if math.isfinite(v)] + [none]
    low, high = min(ends), max(ends)
    pad = 0.06 * ((high - low) or 1.0)
    low, high = low - pad, high + pad
    row_h, left, width = 30, 305, 770
    height = row_h * len(rows) + 56

    def x(value: float) -> float:
        return left + (value - low) / (high - low) * (width - left - 20)

    out = []
    for tick in ticks(low, high):
        out.append(f'<path class="grid" d="M{x(tick):.1f} 8V{height - 42}"/>')
        out.append(label(f"{tick:g}".replace("-", "−"), x(tick), height - 28, "tick"))
    out.append(f'<path class="axis" d="M{x(none):.1f} 8V{height - 42}"/>')
    out.append(label(x_name, (left + width - 20) / 2, height - 6, "name"))
    for k, (name, estimate, (a, b), css) in enumerate(rows):
        y = 22 + k * row_h
        out.append(label(name, left - 12, y + 4, "tick", "end"))
        if math.isfinite(a) and math.isfinite(b):
            out.append(f'<path class="link {css}" d="M{x(a):.1f} {y}H{x(b):.1f}M{x(a):.1f} {y - 4}v8'
                       f'M{x(b):.1f} {y - 4}v8"/>')  # fmt: skip
        if math.isfinite(estimate):
            out.append(f'<circle class="dot {css}" cx="{x(estimate):.1f}" cy="{y}" r="4.5"/>')
    return svg("".join(out), title, width, height)
