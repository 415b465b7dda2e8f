"""A campaign: where, from when until when, against what it is to be compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from anlan.core.errors import AnlanError


@dataclass(frozen=True)
class Campaign:
    """A time-boxed effort in some areas.

    Attributes
    ----------
    name : str
    treated : tuple of str
        Codes of the areas where something was done.
    begin, end : float
        Unix seconds, half-open ``[begin, end)``.
    controls : mapping of str to tuple of str
        Sets of area codes to compare with, each under its name; chosen before looking at the outcome.
        Empty means: every other area that is not near a treated one.
    displacement, displacement_control : tuple of str
        Areas around the treated ones, and their own controls.
    starts : mapping of str to float
        Areas that began later (or earlier) than `begin`, by code.
    categories : tuple of str
        What is counted; empty means everything.
    harm : mapping of str to float
        Harm of one call of each category, where harm is to be weighed.
    chosen_for_count : bool
        Whether the areas were chosen because they had many calls (then some of the fall would have come
        anyway).
    """

    name: str
    treated: tuple[str, ...]
    begin: float
    end: float
    controls: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    displacement: tuple[str, ...] = ()
    displacement_control: tuple[str, ...] = ()
    starts: Mapping[str, float] = field(default_factory=dict)
    categories: tuple[str, ...] = ()
    harm: Mapping[str, float] = field(default_factory=dict)
    chosen_for_count: bool = False

    def __post_init__(self) -> None:
        if not self.treated:
            raise AnlanError(
                f"campaign {self.name!r} without areas", "it happens somewhere", "name the treated areas"
            )
        if not self.end > self.begin:
            raise AnlanError(
                f"campaign {self.name!r}", "its end comes after its beginning", "correct the two dates"
            )
        groups = {
            "treated": self.treated,
            "displacement": self.displacement,
            "displacement_control": self.displacement_control,
        }
        seen: dict[str, str] = {}
        for group, codes in groups.items():
            for code in codes:
                if code in seen:
                    raise AnlanError(
                        f"area {code} in {seen[code]} and {group}",
                        "an area plays one part in a comparison",
                        "take it out of one of them",
                    )
                seen[code] = group
        for name, codes in self.controls.items():
            both = [c for c in codes if c in seen]
            if both:
                raise AnlanError(
                    f"area {both[0]} in control set {name!r} and {seen[both[0]]}",
                    "a control area is untouched",
                    "take it out of the controls",
                )
