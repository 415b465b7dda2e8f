"""What the survey section of a report shows, row by row, written out in both languages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from anlan.core.text import Text


@dataclass(frozen=True)
class ProminentRow:
    """A category that stands out in an area."""

    category: Text
    area: Text
    period: Text
    observed: str
    expected: str
    interval: str
    excess: str
    q: str
    history: Markup
    sentence: Text


@dataclass(frozen=True)
class RisingRow:
    """A group of cells that is becoming hot: calls a week lately and before, and their ratio."""

    place: Text
    recent: str
    usual: str
    ratio: str
    cells: int


@dataclass(frozen=True)
class StreetRow:
    """A hot street segment."""

    place: Text
    length_m: str
    per_week: str
    interval: str
    pattern: Text


@dataclass(frozen=True)
class ClusterRow:
    """A cluster that lasts until now."""

    category: Text
    place: Text
    radius_m: str
    since: str
    observed: int
    expected: str
    q: str


@dataclass(frozen=True)
class TargetRow:
    """A target."""

    place: Text
    per_week: str
    interval: str
    pattern: Text
    kept: str


@dataclass(frozen=True)
class AccuracyRow:
    """How much a way of choosing targets held of the calls that came afterwards."""

    name: Text
    hit_rate: str
    pai: str
    pei: str


@dataclass(frozen=True)
class CategoryRow:
    """One category: calls a week and share of all."""

    name: Text
    per_week: float
    share: float


@dataclass(frozen=True)
class SurveyFindings:
    """What the survey section shows; a part that was not done is None or empty and named in ``missing``."""

    n_calls: int
    window: tuple[str, str]
    year: tuple[str, str]
    n_year: int
    cell_m: int
    per: str
    prominent_text: Text | None
    prominent: Sequence[ProminentRow]
    clusters_text: Text | None
    clusters: Sequence[ClusterRow]
    demand_map: Markup | None
    hot_map: Markup | None
    hot_text: Text | None
    rising_text: Text | None
    rising: Sequence[RisingRow]
    street_map: Markup | None
    street_text: Text | None
    streets: Sequence[StreetRow]
    concentration_text: Text | None
    concentration_chart: Markup | None
    week_chart: Markup | None
    hour_range: tuple[str, str]
    categories: Sequence[CategoryRow]
    targets_text: Text | None
    accuracy: Sequence[AccuracyRow]
    targets: Sequence[TargetRow]
    reporting_text: Text | None
    missing: Sequence[tuple[Text, Text]]
    caveats: Sequence[Text]
    answer: Sequence[Text]
