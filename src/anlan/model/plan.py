"""A plan: which sites, which posts when, which units, under which policy — a folder anyone can read."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import tomli_w

from anlan.core.columns import Columns
from anlan.core.errors import AnlanError
from anlan.core.files import replacing_folder
from anlan.model.post import Posts
from anlan.model.site import Sites
from anlan.model.unit import Units

FORMAT = 1
T = TypeVar("T", bound=Columns)


@dataclass(frozen=True, eq=False)
class Plan:
    """Sites, posts, units and a policy.

    Attributes
    ----------
    name : str
    sites : Sites
        Every site the plan uses.
    posts : Posts
        Where units stand by, by hour of the week.
    units : Units
    policy : mapping
        As `anlan.policy.build` reads it.
    provenance : mapping
        Where it came from: method, seed, versions, city, objective, bound and gap.
    """

    name: str
    sites: Sites
    posts: Posts
    units: Units
    policy: Mapping[str, Any] = field(default_factory=lambda: {"dispatch": {"rule": "closest_idle"}})
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        """Write ``plan.toml``, ``sites.csv``, ``posts.csv``, ``units.csv`` and ``policy.toml``."""
        with replacing_folder(Path(folder)) as out:
            head = {"format": FORMAT, "name": self.name, "provenance": dict(self.provenance)}
            (out / "plan.toml").write_text(tomli_w.dumps(head), encoding="utf-8")
            (out / "policy.toml").write_text(tomli_w.dumps(dict(self.policy)), encoding="utf-8")
            for name, table in (("sites", self.sites), ("posts", self.posts), ("units", self.units)):
                _write_csv(out / f"{name}.csv", table)

    @classmethod
    def load(cls, folder: Path) -> Plan:
        """Read a plan folder.

        Raises
        ------
        AnlanError
            If the folder, a file or a column is missing, or the format is newer than this version's.
        """
        folder = Path(folder)
        head = tomllib.loads(_text(folder / "plan.toml"))
        if head.get("format", 0) > FORMAT:
            raise AnlanError(
                f"{folder}/plan.toml, format {head['format']}",
                f"this version reads plan format {FORMAT} and older",
                "update anlan",
                code="format_newer",
            )
        return cls(
            name=head.get("name", folder.name),
            sites=_read_csv(folder / "sites.csv", Sites),
            posts=_read_csv(folder / "posts.csv", Posts),
            units=_read_csv(folder / "units.csv", Units),
            policy=tomllib.loads(_text(folder / "policy.toml")),
            provenance=head.get("provenance", {}),
        )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise AnlanError(
            f"{path}",
            "a plan is a folder with this file in it",
            "name a folder that `anlan plan` wrote",
            code="plan_missing",
        ) from None


def _write_csv(path: Path, table: Columns) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(table.columns()))
        writer.writeheader()
        writer.writerows(table.records())


def _read_csv(path: Path, noun: type[T]) -> T:
    rows = list(csv.DictReader(_text(path).lstrip("\ufeff").splitlines()))
    names = list(rows[0]) if rows else []
    if not rows:
        return noun.empty()
    return noun.make(**{name: [row[name] for row in rows] for name in names if name in noun.DTYPES})
