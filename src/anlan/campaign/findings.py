"""What the main job found, as the values that the report shows; nothing here is computed by the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from anlan.campaign.survey_rows import SurveyFindings
from anlan.core.text import Text

Verdict = Literal["better", "worse", "unclear"]


@dataclass(frozen=True)
class LayerRow:
    """One layer of the city: rows kept and dropped, and where it came from."""

    name: Text
    kept: int
    dropped: int | None
    source: str


@dataclass(frozen=True)
class QualityRow:
    """One finding of the data-quality report."""

    severity: str
    text: Text


@dataclass(frozen=True)
class MeasureRow:
    """One measure, present against proposed, already written with its unit."""

    name: Text
    present: str
    proposed: str
    difference: str
    low: str
    high: str
    verdict: Verdict


@dataclass(frozen=True)
class AreaRow:
    """One area: calls, mean response now and proposed, the difference, and the shares within the rings."""

    name: Text
    calls: int
    present: str
    proposed: str
    difference: str
    rings: tuple[str, ...]


@dataclass(frozen=True)
class HourRow:
    """One hour of the day."""

    hour: str
    calls: int
    present: str
    proposed: str
    difference: str


@dataclass(frozen=True)
class AlternativeRow:
    """A layout or rule against the present one, already written with its unit."""

    name: Text
    mean: str
    mean_change: str
    mean_verdict: Verdict
    late: str
    late_change: str
    late_verdict: Verdict
    moves: str
    km: str
    driving: str
    busy: str


@dataclass(frozen=True)
class GroupRow:
    """An hour or area: calls, the present mean, and the change under each alternative."""

    group: Text
    calls: int
    present: str
    changes: tuple[str, ...]


@dataclass(frozen=True)
class Alternatives:
    """Everything the report says of them.

    Attributes
    ----------
    late : str
        Minutes beyond which a call counts as late.
    rows : sequence of AlternativeRow
    columns : sequence of Text
        What the changes of the group rows are of.
    hours, areas : sequence of GroupRow
    text : Text
        What stands out.
    """

    late: str
    rows: Sequence[AlternativeRow]
    columns: Sequence[Text]
    hours: Sequence[GroupRow]
    areas: Sequence[GroupRow]
    text: Text


@dataclass(frozen=True)
class PostRow:
    """One proposed post; ``loss`` is the share of the siting objective that is lost if it closes."""

    id: str
    units: int
    lon: float
    lat: float
    area: Text
    street: str
    served: float
    loss: str


@dataclass(frozen=True)
class Note:
    """A named line of the method section."""

    name: Text
    text: Text | str


@dataclass(frozen=True)
class Page:
    """What every report shows around its sections.

    Texts are bilingual; `Markup` fields are finished drawings.
    """

    title: Text
    state: str
    period: tuple[str, str]
    n_calls: int
    symbol: Markup
    method: Sequence[Note]
    caveats: Sequence[Text]
    attribution: Text
    version: str


@dataclass(frozen=True)
class Findings(Page):
    """Everything the plan's report shows."""

    headline: Text
    cards: Sequence[MeasureRow]
    replications: int
    test_weeks: int
    layers: Sequence[LayerRow]
    quality: Sequence[QualityRow]
    n_train: int
    train: tuple[str, str]
    cell_m: int
    survey: SurveyFindings
    siting_text: Text
    siting_notes: Sequence[Text]
    site_map: Markup
    proof_text: Text
    measures: Sequence[MeasureRow]
    curve_chart: Markup
    hour_chart: Markup
    area_chart: Markup
    areas_shown: int
    areas: Sequence[AreaRow]
    hours: Sequence[HourRow]
    alternatives: Alternatives
    rings: Sequence[str]
    posts: Sequence[PostRow]
