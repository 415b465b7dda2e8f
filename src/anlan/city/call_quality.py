"""What the calls of a city are like: their times, their places, who noticed them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from anlan.city.add_calls import calls_shift
from anlan.city.city import City
from anlan.city.finding import Finding
from anlan.city.shift import Shift
from anlan.core.columns import Bools, Floats
from anlan.core.time import DAY_S, to_datetime, utc_offset_s
from anlan.model.call import Calls

STEPS = ("received", "dispatched", "en_route", "arrived", "cleared")
BINS_M = (5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0)
"""Upper ends of the bins of the distance to the road; beyond the last a call is off the network."""

_FAR_M = 75.0  # half the calls farther than this is more than rough geocoding in a city does
_MOST_MIDNIGHT = 0.02
_MOST_STACKED = 0.05
_FEW = 200  # below so many calls a share says little


@dataclass(frozen=True)
class CallQuality:
    """What a city's calls are like.

    Attributes
    ----------
    rows : int
    first, last : str
        Local dates of the first and last call received.
    missing : mapping of str to int
        Time of `STEPS` → calls without it; times that no call has are left out.
    impossible : mapping of str to int
        Time → calls in which it comes before the call or more than a day after it.
    distance : tuple of int
        Calls by distance to their position on the road, by `BINS_M` and one more for those off the network.
    median_m : float
        Median distance to the road of the calls on the network.
    off_network : int
        Calls without a position on the network.
    unreachable : int
        Calls on a road that cannot be reached, or not be left.
    without_area : int or None
        Calls in no area; None where the city has no areas.
    duplicate_ids : int
    sources : mapping of str to int
    categories : int
    silent_days : int
        Whole days between the first and last call without any.
    midnight : int
        Calls received exactly at 00:00:00 local time.
    stacked : int
        Calls at the most frequent of all places (to a metre).
    stacked_at : tuple of float
        Where that is: longitude, latitude.
    shift : Shift or None
    """

    rows: int
    first: str = ""
    last: str = ""
    missing: Mapping[str, int] = field(default_factory=dict)
    impossible: Mapping[str, int] = field(default_factory=dict)
    distance: tuple[int, ...] = ()
    median_m: float = np.nan
    off_network: int = 0
    unreachable: int = 0
    without_area: int | None = None
    duplicate_ids: int = 0
    sources: Mapping[str, int] = field(default_factory=dict)
    categories: int = 0
    silent_days: int = 0
    midnight: int = 0
    stacked: int = 0
    stacked_at: tuple[float, float] = (np.nan, np.nan)
    shift: Shift | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        out = asdict(self)
        out["distance_bins_m"] = list(BINS_M)
        out["median_m"] = None if np.isnan(self.median_m) else round(self.median_m, 1)
        out["stacked_at"] = None if np.isnan(self.stacked_at[0]) else list(self.stacked_at)
        out["shift"] = None if self.shift is None else self.shift.to_dict()
        return out

    def lines(self, language: str = "en") -> list[str]:
        """The figures as lines of plain text."""
        zh = language.startswith("zh")
        out = [f"警情 {self.first} 至 {self.last}" if zh else f"calls from {self.first} to {self.last}"]
        out.append(("来源：" if zh else "noticed by: ") + _counts(self.sources))
        out.append(("缺失时间：" if zh else "times missing: ") + (_counts(self.missing) or "0"))
        if self.impossible:
            out.append(("不可能的时间：" if zh else "times impossible: ") + _counts(self.impossible))
        out.append("距道路：" if zh else "distance to the road:")
        labels = [f"≤ {b:g} m" for b in BINS_M] + ["路网之外" if zh else "off the network"]
        most = max(self.distance, default=0)
        for label, n in zip(labels, self.distance, strict=False):
            bar = "█" * round(30 * n / most) if most else ""
            out.append(f"  {label:>15} {n:>10,}  {n / self.rows:>6.1%} {bar}")
        return out


def measure_calls(city: City) -> CallQuality:
    """Measure the calls of a city; a few seconds for a million."""
    calls = city.calls
    if not len(calls):
        return CallQuality(0)
    received = calls.received
    known = np.isfinite(received)
    local = np.floor((received[known] + utc_offset_s(received[known], city.tz)) / DAY_S * DAY_S)
    days = np.unique(np.floor(local / DAY_S))
    off = calls.edge < 0
    x, y = city.locate(calls.positions)
    away = np.hypot(calls.x - x, calls.y - y)
    counts = np.histogram(away[~off], [0.0, *BINS_M[:-1], np.inf])[0]
    place, stacked = _stacked(calls)
    return CallQuality(
        rows=len(calls),
        first=f"{to_datetime(received[known].min(), city.tz):%Y-%m-%d}" if known.any() else "",
        last=f"{to_datetime(received[known].max(), city.tz):%Y-%m-%d}" if known.any() else "",
        missing=_missing(calls),
        impossible=_impossible(calls),
        distance=(*counts.tolist(), int(off.sum())),
        median_m=float(np.median(away[~off])) if not off.all() else np.nan,
        off_network=int(off.sum()),
        unreachable=int(np.sum(~city.network.core_edges[calls.edge[~off]])),
        without_area=int(np.sum(calls.area == "")) if len(city.areas) else None,
        duplicate_ids=_duplicate_ids(calls),
        sources={s: int(np.sum(calls.source == s)) for s in sorted(set(calls.source.tolist()))},
        categories=len(calls.categories),
        silent_days=int(days[-1] - days[0] + 1 - len(days)) if len(days) else 0,
        midnight=int(np.sum(np.mod(local, DAY_S) == 0)),
        stacked=stacked,
        stacked_at=place,
        shift=calls_shift(city, calls),
    )


def call_findings(q: CallQuality) -> list[Finding]:
    """What there is to say about the calls."""
    if not q.rows:
        return [
            Finding(
                "warning",
                "no_calls",
                "The city has no calls; add a table with `anlan city add-calls`.",
                "城市中没有警情；请用 anlan city add-calls 添加。",
            )
        ]
    out: list[Finding] = []
    if q.shift is not None and (loud := q.shift.finding()) is not None:
        out.append(loud)

    def say(severity: str, code: str, n: int, en: tuple[str, str], zh: tuple[str, str]) -> None:
        if n:
            english = f"{en[0]}: {n:,} of {q.rows:,} ({n / q.rows:.1%}){en[1]}."
            chinese = f"{zh[0]}：{q.rows:,} 条中有 {n:,} 条（{n / q.rows:.1%}）{zh[1]}。"
            out.append(Finding(severity, code, english, chinese, n))

    say(
        "warning" if q.off_network > 0.01 * q.rows else "note", "off_network", q.off_network,
        ("Calls farther than a kilometre from every road", "; no unit can be routed to them"),
        ("距所有道路超过一公里的警情", "，无法计算路径"),
    )  # fmt: skip
    say(
        "warning" if q.unreachable > 0.01 * q.rows else "note", "unreachable", q.unreachable,
        ("Calls on a road that cannot be reached or left by car", ""),
        ("位于车辆无法到达或驶离的道路上的警情", ""),
    )  # fmt: skip
    say(
        "warning", "times_impossible_left", sum(q.impossible.values()),
        ("Calls with a step before the call or more than a day after it", ""),
        ("某个环节早于接警或晚于接警一天以上的警情", ""),
    )  # fmt: skip
    say(
        "warning", "received_missing", q.missing.get("received", 0),
        ("Calls without the time they were received at", "; they take no part in what goes by the hour"),
        ("没有接警时间的警情", "，不参与按小时的分析"),
    )  # fmt: skip
    say("note", "without_area", q.without_area or 0, ("Calls in no area", ""), ("不在任何辖区内的警情", ""))
    say(
        "error", "duplicate_ids", q.duplicate_ids,
        ("Calls that share their id with another one", ""), ("与其他警情编号相同的警情", ""),
    )  # fmt: skip
    unknown = q.sources.get("unknown", 0)
    if not q.sources.get("reported"):
        out.append(
            Finding(
                "warning",
                "none_reported",
                "No call is known to be reported by the public, and hot spots learn from those only: add the"
                " table again with --source reported (source='reported' from Python) if all of them are.",
                "没有一条警情标明为群众报警，而热点分析只依据群众报警："
                "若全部是，请以 --source reported（Python 中为 source='reported'）重新添加。",
                q.rows,
            )
        )
    else:
        say(
            "warning" if unknown > 0.2 * q.rows else "note", "source_unknown", unknown,
            ("Calls that do not say who noticed them", "; they are left out where hot spots are learnt"),
            ("未说明由谁发现的警情", "，不参与热点学习"),
        )  # fmt: skip
    if q.rows >= _FEW:
        say(
            "warning", "midnight", q.midnight if q.midnight > _MOST_MIDNIGHT * q.rows else 0,
            ("Calls received at 00:00:00 sharp", "; their hour is likely unknown"),
            ("接警时间恰为 00:00:00 的警情", "，很可能时刻未知"),
        )  # fmt: skip
        lon, lat = q.stacked_at
        say(
            "warning", "stacked", q.stacked if q.stacked > _MOST_STACKED * q.rows else 0,
            (f"Calls at one point, {lon:.5f}, {lat:.5f}", "; often a default such as the station itself"),
            (f"位于同一点（{lon:.5f}, {lat:.5f}）的警情", "，常为默认坐标，如派出所本身"),
        )  # fmt: skip
        if q.median_m > _FAR_M and not (q.shift is not None and q.shift.suspicious):
            out.append(
                Finding(
                    "warning",
                    "far_from_roads",
                    f"Half of the calls are more than {q.median_m:.0f} m from any road: their coordinates are"
                    " rough, or of a datum that was not declared (--calls-crs; crs= from Python).",
                    f"半数警情距任何道路超过 {q.median_m:.0f} 米：坐标粗略，"
                    "或未声明其坐标基准（--calls-crs；Python 中为 crs=）。",
                    q.rows,
                )
            )
    if q.silent_days:
        out.append(
            Finding(
                "warning" if q.rows >= _FEW else "note",
                "silent_days",
                f"Days between {q.first} and {q.last} without any call: {q.silent_days}; is a file missing?",
                f"{q.first} 至 {q.last} 之间有 {q.silent_days} 天没有任何警情：是否缺少文件？",
                q.silent_days,
            )
        )
    if not any(f.severity in ("warning", "error") for f in out):
        out.append(
            Finding(
                "ok",
                "calls",
                f"{q.rows:,} calls from {q.first} to {q.last} are in order.",
                f"{q.first} 至 {q.last} 的 {q.rows:,} 条警情正常。",
                q.rows,
            )
        )
    return out


def _missing(calls: Calls) -> dict[str, int]:
    out = {}
    for name in STEPS:
        n = int(np.sum(np.isnan(getattr(calls, name))))
        if name == "received" or n < len(calls):
            out[name] = n
    return {name: n for name, n in out.items() if n}


def _impossible(calls: Calls) -> dict[str, int]:
    out = {}
    for name in STEPS[1:]:
        after: Floats = getattr(calls, name) - calls.received
        with np.errstate(invalid="ignore"):
            wrong: Bools = (after < 0) | (after > DAY_S)
        if wrong.any():
            out[name] = int(wrong.sum())
    return out


def _duplicate_ids(calls: Calls) -> int:
    ids = [value for value in calls.id.tolist() if value]
    return len(ids) - len(set(ids))


def _stacked(calls: Calls) -> tuple[tuple[float, float], int]:
    known = np.isfinite(calls.lon) & np.isfinite(calls.lat)
    if not known.any():
        return (np.nan, np.nan), 0
    lon = np.round(calls.lon[known] * 1e5).astype(np.int64)
    lat = np.round(calls.lat[known] * 1e5).astype(np.int64)
    places, counts = np.unique(lon * 100_000_000 + lat, return_counts=True)
    row = int(np.flatnonzero(lon * 100_000_000 + lat == places[counts.argmax()])[0])
    return (float(calls.lon[known][row]), float(calls.lat[known][row])), int(counts.max())


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {n:,}" for name, n in counts.items())
