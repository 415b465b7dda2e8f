"""The account of a campaign: what changed where something was done, beside where nothing was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anlan.campaign.naming import days
from anlan.campaign.period import day, midnight
from anlan.campaign.survey import of_categories
from anlan.campaign.zones import Zones, resolve, zones_of
from anlan.city.city import City
from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.core.text import Text
from anlan.core.time import WEEK_S
from anlan.evaluation import Account, Finding, Trend, evaluate, trend
from anlan.hotspots import admit, recodings, weekly_series
from anlan.hotspots.profiles import whole_days
from anlan.model import Calls
from anlan.model.campaign import Campaign

LARGEST_SHARE = 0.2
"""One area may not carry more than this share of a control set's calls without a warning."""


@dataclass(frozen=True)
class AccountOptions:
    """What an account is asked.

    Attributes
    ----------
    treated : str
        Codes or names of areas, or a file of shapes; see `anlan.campaign.zones.resolve`.
    begin, until : str
        First and last day of the campaign (included), ``YYYY-MM-DD``, local.
    controls : mapping of str to str
        Sets of areas to compare with, by name; none means sets made by rule (see `control_sets`).
    displacement, displacement_controls : str, optional
        Areas to which crime may have moved, and their own controls.
    starts : mapping of str to str
        Areas that began on another day.
    categories : sequence of str
        What is counted; by default everything.
    chosen_for_count : bool
        The areas were chosen because they had many calls.
    without_controls : bool
        Compare with the past only.
    name : str
        Of the campaign.
    seed : int
    """

    treated: str
    begin: str
    until: str
    controls: Mapping[str, str] = field(default_factory=dict)
    displacement: str | None = None
    displacement_controls: str | None = None
    starts: Mapping[str, str] = field(default_factory=dict)
    categories: Sequence[str] = ()
    chosen_for_count: bool = False
    without_controls: bool = False
    name: str = ""
    seed: int = 1


@dataclass(frozen=True)
class ControlSet:
    """Areas to compare with, how they were chosen, and how even they are.

    Attributes
    ----------
    name : str
    rule : Text
    areas : tuple of str
    largest, largest_share
        The area with most calls before the campaign, and its share of the set's.
    """

    name: str
    rule: Text
    areas: tuple[str, ...]
    largest: str = ""
    largest_share: float = 0.0

    @property
    def warning(self) -> bool:
        """Whether one area carries more than a fifth of the weight."""
        return self.largest_share > LARGEST_SHARE


@dataclass(frozen=True, eq=False)
class Accounted:
    """An account with everything that a reader needs to judge it.

    Attributes
    ----------
    account : Account
    zones : Zones
    sets : sequence of ControlSet
    near : tuple of str
        Areas next to the treated ones; never controls unless named as such.
    chosen : Finding or None
        The comparison that speaks for the account.
    trend : Trend or None
        Of the treated areas' calls over all weeks; None where these are too few.
    window : (float, float)
        The counted weeks, Unix seconds.
    """

    account: Account
    zones: Zones
    sets: Sequence[ControlSet]
    near: tuple[str, ...]
    chosen: Finding | None
    trend: Trend | None
    window: tuple[float, float]

    def role(self, code: str) -> str:
        """treated, displacement, displacement_control, control, near or other."""
        campaign = self.account.campaign
        if code in campaign.treated:
            return "treated"
        if code in campaign.displacement:
            return "displacement"
        if code in campaign.displacement_control:
            return "displacement_control"
        if any(code in s.areas for s in self.sets):
            return "control"
        return "near" if code in self.near else "other"


def account_for(city: City, options: AccountOptions, job: Job | None = None) -> Accounted:
    """Compare what happened in a campaign's areas with what its design allows to expect.

    Raises
    ------
    AnlanError
        If an area, date or category is not there, nothing is left to compare with, or the history is too
        short.
    """
    job = job or Job()
    calls = _counted(city, options)
    if options.categories:
        _same_code(options, city)
    begin, end = _dates(calls, options, city)
    if np.ptp(calls.x) == 0 and np.ptp(calls.y) == 0:
        raise AnlanError(
            f"{len(calls)} calls",
            "all lie at one and the same point, so that no area can be compared with another",
            "give each call its own coordinates",
            code="one_point",
        )
    whole = zones_of(city, calls)
    zones, treated = resolve(city, whole, options.treated, "--treated")
    displacement: tuple[str, ...] = ()
    displaced_control: tuple[str, ...] = ()
    if options.displacement:
        zones, displacement = resolve(city, zones, options.displacement, "--displacement")
    if options.displacement_controls:
        zones, displaced_control = resolve(
            city, zones, options.displacement_controls, "--displacement-controls"
        )
    named: dict[str, tuple[str, ...]] = {}
    for name, given in options.controls.items():
        zones, named[name] = resolve(city, zones, given, "--controls")
    job.check()
    near = tuple(c for c in zones.next_to(treated) if c not in displacement)
    used = {*treated, *displacement, *displaced_control}
    sets = [] if options.without_controls else control_sets(city, zones, treated, used, near, named, begin)
    if displacement and not displaced_control and sets:
        sets, displaced_control = _shared(sets, displacement, treated)
    if not sets and not options.without_controls:
        raise AnlanError(
            f"--treated {options.treated}",
            "no untouched area is left to compare with",
            "treat fewer areas, name untouched ones with --controls, or compare with the past alone with "
            "--without-controls",
            code="no_controls",
        )
    starts = _starts(city, zones, options, treated)
    campaign = Campaign(
        name=options.name or f"{city.name()} {options.begin} – {options.until}",
        treated=treated,
        begin=begin,
        end=end,
        controls={s.name: s.areas for s in sets},
        displacement=displacement if displaced_control else (),
        displacement_control=displaced_control,
        starts=starts,
        categories=tuple(options.categories),
        chosen_for_count=options.chosen_for_count,
    )
    counted = zones.calls
    if options.without_controls:
        # With nothing named the comparison would take all other areas.
        counted = counted.take(np.isin(counted.area.astype(str), list(treated)))
    account = evaluate(campaign, counted, tz=city.tz, near=near, seed=options.seed)
    job.check()
    first = campaign.begin - account.change * WEEK_S
    return Accounted(
        account,
        zones,
        [_weighed(s, account) for s in sets],
        near,
        _chosen(account),
        _trend(account, treated),
        (first, campaign.begin + account.weeks * WEEK_S),
    )


def _counted(city: City, options: AccountOptions) -> Calls:
    calls = of_categories(city.calls, options.categories)
    return admit(calls.take(np.isfinite(calls.received) & np.isfinite(calls.x)), "reported").calls


def _dates(calls: Calls, options: AccountOptions, city: City) -> tuple[float, float]:
    begin = midnight(day(options.begin, "--from"), city.tz)
    end = midnight(day(options.until, "--until") + timedelta(days=1), city.tz)
    if not begin < end:
        raise AnlanError(
            f"--from {options.begin} --until {options.until}",
            "the last day does not lie before the first",
            "swap or correct the two dates",
            code="date",
        )
    there = whole_days(calls.received, city.tz)
    if begin < there[0] or end > there[1]:
        first, last = days(there, city.tz)
        raise AnlanError(
            f"--from {options.begin} --until {options.until}",
            f"the calls run from {first} to {last}",
            "choose dates within them, or load the calls that are missing",
            code="dates_outside",
        )
    return begin, end


def _same_code(options: AccountOptions, city: City) -> None:
    """Refuse a category whose code changed while it was being counted."""
    everything = city.calls.take(np.isfinite(city.calls.received))
    admitted = admit(everything, "reported")
    there = whole_days(admitted.calls.received, city.tz)
    series = weekly_series(admitted, None, there, city.tz)
    for found in recodings(series, series.count.shape[1] - 1):
        pair = {found.old, found.new}
        asked = pair & set(options.categories)
        if asked and asked != pair:
            raise AnlanError(
                f"--category {min(asked)}",
                f"{found.old} stops around {found.week.isoformat()} where {found.new} begins, as if its code had "
                "changed",
                f"count both: --category {found.old} --category {found.new}",
                code="recoded",
            )


def control_sets(
    city: City,
    zones: Zones,
    treated: Sequence[str],
    used: set[str],
    near: Sequence[str],
    named: Mapping[str, tuple[str, ...]],
    begin: float,
) -> list[ControlSet]:
    """Sets of untouched areas, chosen by rule before any outcome is looked at.

    The sets that were named, and beside them: all areas that are not next to a treated one; those of them
    in the same part of the city; and those with about as many calls before the campaign (half to twice the
    treated mean).
    """
    carried = sorted(set(zones.calls.area.tolist()) - {""})
    taken = {code for codes in named.values() for code in codes}
    free = [c for c in carried if c not in used]
    away = [c for c in free if c not in near]
    out = [
        ControlSet(name, Text("由使用者指定", "named by the user"), codes) for name, codes in named.items()
    ]
    letters = [c for c in "ABCDEFG" if c not in named]
    rules: list[tuple[Text, list[str]]] = []
    if len(away) >= 2 or not free:
        rules.append(
            (Text("所有不与行动区相邻的其他辖区", "all other areas that are not next to a treated one"), away)
        )
    else:
        rules.append(
            (Text("所有其他辖区（含相邻的）", "all other areas, those next to a treated one included"), free)
        )
    parent = dict(zip(city.areas.code.tolist(), city.areas.parent.tolist(), strict=True))
    around = {parent.get(c, "") for c in treated} - {""}
    rules.append(
        (
            Text("其中与行动区同属一个上级辖区的", "those of them in the same higher area as a treated one"),
            [c for c in away if parent.get(c, "") in around],
        )
    )
    before = zones.calls.take(zones.calls.received < begin)
    codes, counts = np.unique(before.area.astype(str), return_counts=True)
    count = dict(zip(codes.tolist(), counts.tolist(), strict=True))
    middle = float(np.mean([count.get(c, 0) for c in treated]))
    rules.append(
        (
            Text("其中行动前警情量相近的（一半至两倍）", "those of them with half to twice the calls before"),
            [c for c in away if middle / 2 <= count.get(c, 0) <= middle * 2],
        )
    )
    seen = {tuple(codes) for codes in named.values()}
    for rule, chosen in rules:
        least = 1 if rule is rules[0][0] else 3
        if len(chosen) >= least and tuple(chosen) not in seen and not (taken and set(chosen) <= taken):
            out.append(ControlSet(letters.pop(0), rule, tuple(chosen)))
            seen.add(tuple(chosen))
    return out


def _shared(
    sets: Sequence[ControlSet], displacement: Sequence[str], treated: Sequence[str]
) -> tuple[list[ControlSet], tuple[str, ...]]:
    """Give every second control area, by code, to the displacement areas, and the rest to the treated."""
    pool = sorted({c for s in sets for c in s.areas})
    theirs = tuple(pool[1::2])
    left = [
        ControlSet(s.name, s.rule, tuple(c for c in s.areas if c not in theirs))
        for s in sets
        if any(c not in theirs for c in s.areas)
    ]
    return (left, theirs) if theirs else (list(sets), ())


def _starts(city: City, zones: Zones, options: AccountOptions, treated: Sequence[str]) -> dict[str, float]:
    out = {}
    for given, when in options.starts.items():
        _, codes = resolve(city, zones, given, "--start")
        for code in codes:
            if code not in treated:
                raise AnlanError(
                    f"--start {given}",
                    "it is not among the treated areas",
                    "add it to --treated",
                    code="area",
                )
            out[code] = midnight(day(when, "--start"), city.tz)
    return out


def _weighed(one: ControlSet, account: Account) -> ControlSet:
    rows = np.array([account.areas.index(c) for c in one.areas if c in account.areas], np.int64)
    before: NDArray[np.float64] = account.weekly[rows, : account.change].sum(axis=1)
    if not before.sum() > 0:
        return one
    top = int(before.argmax())
    return ControlSet(
        one.name, one.rule, one.areas, account.areas[rows[top]], float(before[top] / before.sum())
    )  # fmt: skip


def _chosen(account: Account) -> Finding | None:
    """The comparison that the verdict is taken from."""
    return next(
        (f for f in account.findings if f.applies and account.verdict.en.startswith(f"{f.name.en}:")), None
    )


def _trend(account: Account, treated: Sequence[str]) -> Trend | None:
    rows = [account.areas.index(c) for c in treated]
    series = account.weekly[rows].sum(axis=0)
    return trend(series) if len(series) >= 26 and series.sum() > 0 else None


def facts(found: Accounted) -> dict[str, Any]:
    """An account for programs."""
    campaign = found.account.campaign
    return {
        "campaign": campaign.name,
        "treated": list(campaign.treated),
        "displacement": list(campaign.displacement),
        "displacement_control": list(campaign.displacement_control),
        "next_to_treated": list(found.near),
        "controls": {
            s.name: {
                "areas": list(s.areas), "rule": {"zh": s.rule.zh, "en": s.rule.en}, "largest": s.largest,
                "largest_share": s.largest_share, "warning": s.warning,
            }
            for s in found.sets
        },
        "weeks_before": found.account.change,
        "weeks": found.account.weeks,
        "verdict": {"zh": found.account.verdict.zh, "en": found.account.verdict.en},
        "chosen": None if found.chosen is None else found.chosen.method,
        "comparisons": [
            {
                "method": f.method, "name": {"zh": f.name.zh, "en": f.name.en}, "applies": f.applies,
                "why": {"zh": f.why.zh, "en": f.why.en}, "estimate": f.estimate,
                "interval": list(f.interval), "p": f.p_value, "unit": f.unit,
                "caveats": [{"zh": c.zh, "en": c.en} for c in f.caveats],
            }
            for f in found.account.findings
        ],
        "trend": None
        if found.trend is None
        else {
            "yearly_ratio": found.trend.yearly_ratio, "interval": list(found.trend.interval),
            "p": found.trend.p_value,
        },
    }  # fmt: skip
