"""The parameters of the demo's sampled calls."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Literal

from anlan.city.demo.holidays import FIRST_YEAR, LAST_YEAR
from anlan.city.demo.kinds import BY_KEY
from anlan.core.errors import AnlanError
from anlan.core.time import zone

TIME_ZONE = "Asia/Shanghai"

_CALENDAR = f"it is an ISO date, and calls lie in {FIRST_YEAR} to {LAST_YEAR}"

Planting = Literal["hot", "emerging", "prominent", "treated"]


@dataclass(frozen=True, slots=True)
class Planted:
    """An effect that is put into the calls, so that analyses can be scored against it.

    Within the place and the span, **reported** calls of the kinds come at ``relative_risk`` times the
    background's rate; discovered calls and device alarms are not touched.

    Attributes
    ----------
    planting : str
        ``hot`` (always), ``emerging`` (a place, lately), ``prominent`` (a kind in a sector, lately) or
        ``treated`` (a place after a measure was taken there).
    zh, en : str
        What it stands for.
    kinds : tuple of str
    relative_risk : float
        Above 1 calls are added, below 1 they are thinned.
    since, until : str
        Local dates, ISO; half-open ``[since, until)``.
    x, y, radius_m : float
        A circle in the city's metres; radius 0 where `sector` names the place.
    sector : str
        Code of a county-level area; empty for a circle.
    """

    planting: Planting
    zh: str
    en: str
    kinds: tuple[str, ...]
    relative_risk: float
    since: str
    until: str
    x: float = 0.0
    y: float = 0.0
    radius_m: float = 0.0
    sector: str = ""

    def __post_init__(self) -> None:
        unknown = [k for k in self.kinds if k not in BY_KEY]
        if unknown or not self.kinds:
            raise AnlanError(
                f"planted kinds {list(self.kinds)}",
                "each is a kind of call of the demo city",
                f"choose from {', '.join(BY_KEY)}",
                code="demo_kind",
            )
        if not 0.0 <= self.relative_risk < 1000.0:
            raise AnlanError(
                f"relative_risk = {self.relative_risk}", "it is 0 or more", "1 means no effect",
                code="demo_risk",
            )  # fmt: skip
        if (self.radius_m > 0) == bool(self.sector):
            raise AnlanError(
                f"planted {self.en!r}", "it lies in a circle or in a sector", "give radius_m or sector",
                code="demo_place",
            )  # fmt: skip


@dataclass(frozen=True, slots=True)
class DemoModel:
    """What the sampled calls depend on; the same model gives the same calls.

    Attributes
    ----------
    seed : int
    n_calls : int
        Expected background calls a year; planted ones come on top.
    years : int
        How many years of calls.
    end : str
        Local date at whose midnight the calls stop.
    relative_risk : float
        Of everything that is planted by default; 1 plants nothing.
    hot_spots : int
        How many lasting hot spots (0–4).
    emerging_weeks, prominent_weeks : int
        How long before the end the emerging place and the prominent kind begin; 0 plants none.
    unevenness : float
        Strength of the street effect: 0 makes streets that look alike on the map alike in calls.
    day_spread : float
        Log standard deviation of a factor common to all calls of a day (weather, events).
    growth : float
        Relative change of all background calls from one year to the next.
    planted : tuple of Planted
        Effects besides the default ones.
    """

    seed: int = 2022
    n_calls: int = 300_000
    years: int = 3
    end: str = "2022-06-27"
    relative_risk: float = 3.0
    hot_spots: int = 4
    emerging_weeks: int = 8
    prominent_weeks: int = 4
    unevenness: float = 1.0
    day_spread: float = 0.05
    growth: float = 0.0
    planted: tuple[Planted, ...] = field(default=())

    def __post_init__(self) -> None:
        wrong = (
            ("n_calls", self.n_calls, self.n_calls >= 1, "there is at least one call a year"),
            ("years", self.years, 1 <= self.years <= 5, "1 to 5 years can be sampled"),
            ("hot_spots", self.hot_spots, 0 <= self.hot_spots <= 4, "0 to 4 hot spots are planted"),
            ("relative_risk", self.relative_risk, self.relative_risk >= 1, "planted effects raise the risk"),
            ("emerging_weeks", self.emerging_weeks, 0 <= self.emerging_weeks <= 52, "at most a year"),
            ("prominent_weeks", self.prominent_weeks, 0 <= self.prominent_weeks <= 52, "at most a year"),
            ("unevenness", self.unevenness, 0 <= self.unevenness <= 2, "it is 0 to 2"),
            ("day_spread", self.day_spread, 0 <= self.day_spread <= 1, "it is 0 to 1"),
            ("growth", self.growth, -0.5 <= self.growth <= 1, "it is -0.5 to 1"),
            ("end", self.end, _in_calendar(self.end, self.years), _CALENDAR),
        )  # fmt: skip
        for name, value, right, rule in wrong:
            if not right:
                raise AnlanError(f"{name} = {value!r}", rule, "choose another value", code="demo_model")

    @property
    def last_day(self) -> date:
        """The first day without calls."""
        return date.fromisoformat(self.end)

    @property
    def first_day(self) -> date:
        """The first day with calls: the weekday of `end`, whole weeks before it."""
        return date.fromordinal(self.last_day.toordinal() - 7 * round(self.years * 365.25 / 7))

    @property
    def span_s(self) -> tuple[float, float]:
        """Unix seconds of the first and the last midnight."""
        return midnight(self.first_day), midnight(self.last_day)


def midnight(day: date) -> float:
    """Unix seconds of local midnight at the start of a day."""
    return datetime.combine(day, time(), tzinfo=zone(TIME_ZONE)).timestamp()


def _in_calendar(end: str, years: int) -> bool:
    try:
        last = date.fromisoformat(end)
    except ValueError:
        return False
    return FIRST_YEAR + years <= last.year and last.year <= LAST_YEAR
