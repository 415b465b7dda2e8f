"""What was planted in the demo's calls, written beside them so that analyses can be scored."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from anlan.city.demo.model import DemoModel, Planted
from anlan.city.demo.roads import CRS
from anlan.city.projection import Projection
from anlan.core.errors import AnlanError

FILE = "truth.json"


@dataclass(frozen=True, slots=True)
class Effect:
    """A planted effect and what came of it.

    Attributes
    ----------
    planted : Planted
    expected : float
        Reported background calls of its kinds that were to be expected in its place and span.
    added : int
        Calls that planting added; negative where it took some away.
    """

    planted: Planted
    expected: float
    added: int


@dataclass(frozen=True, slots=True)
class Truth:
    """The model of the sampled calls and the effects planted in them."""

    model: DemoModel
    effects: tuple[Effect, ...]

    def of(self, planting: str) -> tuple[Effect, ...]:
        """The effects of one planting: hot, emerging, prominent or treated."""
        return tuple(e for e in self.effects if e.planted.planting == planting)

    def as_dict(self) -> dict[str, Any]:
        """Plain data: the model's parameters, and each effect with its place in metres and degrees."""
        projection = Projection(CRS)
        effects = []
        for effect in self.effects:
            row = asdict(effect.planted)
            if not effect.planted.sector:
                lon, lat = projection.inverse(effect.planted.x, effect.planted.y)
                row |= {"lon": round(float(lon), 7), "lat": round(float(lat), 7)}
            effects.append(row | {"expected": round(effect.expected, 2), "added": effect.added})
        model = asdict(self.model)
        del model["planted"]
        return {
            "state": "SAMPLED",
            "note": "Relative risks hold for reported calls; see docs/demo-city.md.",
            "crs": CRS,
            "model": model | {"start": self.model.first_day.isoformat()},
            "effects": effects,
        }

    def dumps(self) -> str:
        """The text of ``truth.json``."""
        return json.dumps(self.as_dict(), ensure_ascii=False, indent=2) + "\n"

    @classmethod
    def load(cls, folder: Path | str) -> Truth:
        """Read the ``truth.json`` of a demo city's folder.

        Raises
        ------
        AnlanError
            If the folder has none.
        """
        path = Path(folder) / FILE
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise AnlanError(
                f"{path}", "only a demo city has the truth beside it", "write one with `anlan city demo DIR`",
                code="truth_missing",
            ) from None  # fmt: skip
        effects = []
        for row in document["effects"]:
            names = Planted.__dataclass_fields__
            given: dict[str, Any] = {k: v for k, v in row.items() if k in names}
            planted = Planted(**given | {"kinds": tuple(row["kinds"])})
            effects.append(Effect(planted, row["expected"], row["added"]))
        model = {k: v for k, v in document["model"].items() if k in DemoModel.__dataclass_fields__}
        return cls(DemoModel(**model), tuple(effects))
