"""Which column of a table means what: found by name, given, or remembered from the last file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import tomli_w

from anlan.city.readers.times import is_clock_column
from anlan.city.readers.words import MEANING, is_personal, plain
from anlan.core.errors import AnlanError
from anlan.core.files import replacing

TIMES = ("received", "dispatched", "en_route", "arrived", "cleared", "start", "end")
FIELDS = (
    "id",
    *TIMES,
    "arrived_after_s",
    "category",
    "priority",
    "source",
    "lon",
    "lat",
    "x",
    "y",
    "point",
    "area",
    "disposition",
)
"""What a column can be mapped to. ``arrived_after_s`` is the seconds from received to arrival; ``x``, ``y``
are projected metres; ``point`` holds both coordinates."""

_PAIR = re.compile(r"-?\d+[.,]?\d*\s*[°]?\s*[,，;\s]\s*-?\d+[.,]?\d*")
Given = Mapping[str, str | Sequence[str] | None]


@dataclass(frozen=True)
class CallMapping:
    """How a call table is to be read.

    Attributes
    ----------
    columns : mapping of str to tuple of str
        Field of `FIELDS` → the table's column; two for a date and a time of day kept apart.
    header : tuple of str
        All columns of the table it was made for.
    tz, date_order, coordinate_system, crs : str
        As for `anlan.city.readers.calls.read_calls`; empty where not given.
    swap : bool
    source : str
        Who noticed the calls of a table that does not say; empty where not given.
    sources : mapping of str to str
        The table's words for who noticed it → one of `anlan.model.SOURCES`.
    name : str
        Of the file it is kept in.
    """

    columns: Mapping[str, tuple[str, ...]]
    header: tuple[str, ...] = ()
    tz: str = ""
    date_order: str = ""
    coordinate_system: str = ""
    crs: str = ""
    swap: bool = False
    source: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)
    name: str = ""

    @property
    def used(self) -> tuple[str, ...]:
        """The table's columns that are read, each once, in the table's order."""
        wanted = {column for columns in self.columns.values() for column in columns}
        ordered = [name for name in self.header if name in wanted]
        return tuple(ordered)

    @property
    def unread(self) -> tuple[str, ...]:
        """The table's columns that are not read."""
        used = set(self.used)
        return tuple(name for name in self.header if name not in used)

    @property
    def personal(self) -> tuple[str, ...]:
        """Unread columns that seem to hold personal data."""
        return tuple(name for name in self.unread if is_personal(name))

    def to_dict(self) -> dict[str, Any]:
        """Plain data; what is empty is left out."""
        columns = {k: v[0] if len(v) == 1 else list(v) for k, v in self.columns.items()}
        out: dict[str, Any] = {"columns": columns, "header": list(self.header)}
        for key in ("tz", "date_order", "coordinate_system", "crs", "swap", "source"):
            if getattr(self, key):
                out[key] = getattr(self, key)
        if self.sources:
            out["sources"] = dict(self.sources)
        return out

    def save(self, folder: Path, name: str) -> Path:
        """Write ``NAME.toml`` into a folder of mappings."""
        path = Path(folder) / f"{name}.toml"
        with replacing(path) as out:
            out.write_text(tomli_w.dumps(self.to_dict()), encoding="utf-8")
        return path

    @classmethod
    def load(cls, path: Path) -> CallMapping:
        """Read a mapping file.

        Raises
        ------
        AnlanError
            If it does not exist or is not a mapping.
        """
        try:
            document = tomllib.loads(Path(path).read_text(encoding="utf-8"))
            columns = {k: (v,) if isinstance(v, str) else tuple(v) for k, v in document["columns"].items()}
            return cls(
                columns=_checked_fields(columns),
                header=tuple(document.get("header", ())),
                tz=str(document.get("tz", "")),
                date_order=str(document.get("date_order", "")),
                coordinate_system=str(document.get("coordinate_system", "")),
                crs=str(document.get("crs", "")),
                swap=bool(document.get("swap", False)),
                source=str(document.get("source", "")),
                sources=dict(document.get("sources", {})),
                name=Path(path).stem,
            )
        except (
            OSError,
            UnicodeDecodeError,
            tomllib.TOMLDecodeError,
            KeyError,
            TypeError,
            AttributeError,
        ) as e:
            raise AnlanError(
                f"mapping {path}",
                f"it is not a mapping file ({type(e).__name__}: {e})",
                "name a file like those in the city's mappings folder",
                code="mapping",
            ) from None


def find_saved(folder: Path, header: Sequence[str]) -> CallMapping | None:
    """The mapping in a folder that was made for a table with this header; None if there is none."""
    for path in sorted(Path(folder).glob("*.toml")):
        saved = CallMapping.load(path)
        if saved.header == tuple(header):
            return saved
    return None


def find_columns(
    names: Sequence[str], preview: Mapping[str, list[str]], given: Given | None, what: str
) -> dict[str, tuple[str, ...]]:
    """Which column means what.

    Parameters
    ----------
    names : sequence of str
        The table's columns.
    preview : mapping
        Each column's first filled cells.
    given : mapping, optional
        Field → column (or columns), or None to leave the field out; the other way round (column → field)
        is understood too. Fields not given are found by name.
    what : str
        The file, for the sentence.

    Raises
    ------
    AnlanError
        If a given field or column does not exist.
    """
    chosen = _by_name(names, preview)
    for key, value in _as_given(given or {}, names, what).items():
        chosen.pop(key, None)
        if value:
            chosen[key] = value
            taken = set(value)
            for other in [k for k in chosen if k != key and k not in (given or {})]:
                # A column that was given one meaning loses the one its name suggested.
                if taken & set(chosen[other]) and not (len(chosen[other]) == 2 and other in TIMES):
                    del chosen[other]
    if "lon" in chosen and "lat" not in chosen:
        del chosen["lon"]
    if "lat" in chosen and "lon" not in chosen:
        del chosen["lat"]
    return {key: chosen[key] for key in FIELDS if key in chosen}


def with_settings(mapping: CallMapping, **settings: Any) -> CallMapping:
    """The same mapping with what the caller states; None and empty texts state nothing."""
    return replace(mapping, **{k: v for k, v in settings.items() if v not in (None, "")})


def _by_name(names: Sequence[str], preview: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    ranked: dict[str, tuple[int, str]] = {}
    for name in names:
        found = MEANING.get(plain(name.rpartition(".")[0] if re.search(r"\.\d+$", name) else name))
        if found is None:
            continue
        meaning, rank = found
        if meaning == "point" and not _holds_points(preview.get(name, [])):
            continue
        # A column that is filled goes before one that begins empty, or that holds no times of day.
        if not preview.get(name) or (meaning == "time" and not is_clock_column(preview[name])):
            rank += 1000
        if meaning not in ranked or rank < ranked[meaning][0]:
            ranked[meaning] = (rank, name)
    best = {meaning: name for meaning, (_, name) in ranked.items()}
    date, time = best.pop("date", None), best.pop("time", None)
    chosen: dict[str, tuple[str, ...]] = {meaning: (name,) for meaning, name in best.items()}
    received = best.get("received")
    if received is None:
        # A column called 时间 may hold the date as well.
        clock = time is not None and is_clock_column(preview.get(time, []))
        columns = (date, time) if clock else (time or date,)
        if any(columns):
            chosen["received"] = tuple(c for c in columns if c)
    elif date and is_clock_column(preview.get(received, [])):
        chosen["received"] = (date, received)
    for one, other in (("start", "end"), ("end", "start"), ("x", "y"), ("y", "x")):
        if one in chosen and other not in chosen:
            del chosen[one]
    return chosen


def _holds_points(values: list[str]) -> bool:
    return sum(1 for v in values if _PAIR.search(v)) > 0.5 * len(values)


def _as_given(given: Given, names: Sequence[str], what: str) -> dict[str, tuple[str, ...] | None]:
    out: dict[str, tuple[str, ...] | None] = {}
    if given and not any(key in FIELDS for key in given) and all(v in FIELDS for v in given.values()):
        turned: dict[str, list[str]] = {}
        for column, meant in given.items():
            turned.setdefault(str(meant), []).append(column)
        given = turned
    for key, value in given.items():
        if key not in FIELDS:
            raise _unknown_field(key)
        columns = None if value is None else (value,) if isinstance(value, str) else tuple(value)
        for column in columns or ():
            if column not in names:
                raise AnlanError(
                    f"mapping {key} = {column!r}",
                    f"{what} has the columns {_listed(names)}",
                    "name one of these",
                    code="mapping",
                )
        if columns is not None and len(columns) > (2 if key in TIMES else 1):
            raise AnlanError(
                f"mapping {key} = {list(columns)}",
                "a time may have two columns, a date and a time of day; everything else has one",
                "name as many",
                code="mapping",
            )
        out[key] = columns
    return out


def _checked_fields(columns: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    for key in columns:
        if key not in FIELDS:
            raise _unknown_field(key)
    return columns


def _unknown_field(key: str) -> AnlanError:
    return AnlanError(
        f"mapping {key!r}",
        f"the fields of a call are {', '.join(FIELDS)}",
        "use one of these",
        code="mapping",
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names[:40]) + (" …" if len(names) > 40 else "")
