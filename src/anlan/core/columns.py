"""Column arrays of one noun: frozen dataclasses whose fields are NumPy arrays of one length."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from anlan.core.errors import AnlanError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Strings = NDArray[np.object_]
"""Python strings in an object array; an absent text is the empty string."""


@dataclass(frozen=True, eq=False)
class Columns:
    """Base of a noun's column form.

    A subclass is a frozen dataclass whose fields are one-dimensional arrays of equal length; `DTYPES`
    names each field's dtype (``object`` for text) and `DEFAULTS` its value where a source lacks it.
    Values are read-only; `where`, `take` and `replaced` publish new ones.
    """

    DTYPES: ClassVar[Mapping[str, Any]] = {}
    DEFAULTS: ClassVar[Mapping[str, Any]] = {}

    def __post_init__(self) -> None:
        length = -1
        for f in fields(self):
            array = np.asarray(getattr(self, f.name))
            wanted = np.dtype(self.DTYPES[f.name])
            if array.dtype != wanted:
                array = array.astype(wanted)
            elif array.flags.writeable:
                array = array.view()
            array.flags.writeable = False
            if array.ndim != 1:
                raise ValueError(f"{type(self).__name__}.{f.name} must have one dimension, got {array.ndim}")
            if length not in (-1, len(array)):
                raise ValueError(
                    f"{type(self).__name__}.{f.name} has {len(array)} rows where the others have {length}"
                )
            length = len(array)
            object.__setattr__(self, f.name, array)

    @classmethod
    def make(cls, n: int | None = None, /, **given: Any) -> Self:
        """Build from the columns at hand; the others take their defaults.

        Raises
        ------
        AnlanError
            If a column without a default is missing.
        """
        if n is None:
            n = len(next(iter(given.values()))) if given else 0
        columns: dict[str, Any] = {}
        for name, dtype in cls.DTYPES.items():
            if name in given:
                columns[name] = _column(given[name], dtype)
            elif name in cls.DEFAULTS:
                columns[name] = np.full(n, cls.DEFAULTS[name], dtype=dtype)
            else:
                raise AnlanError(
                    f"{cls.__name__.lower()} without column {name!r}",
                    f"{name!r} is needed",
                    f"add it; the columns are {', '.join(cls.DTYPES)}",
                    code="column_missing",
                )
        unknown = set(given) - set(cls.DTYPES)
        if unknown:
            raise AnlanError(
                f"{cls.__name__.lower()} column {sorted(unknown)[0]!r}",
                "it is not a column of this noun",
                f"the columns are {', '.join(cls.DTYPES)}",
                code="column_unknown",
            )
        return cls(**columns)

    @classmethod
    def empty(cls) -> Self:
        """No rows."""
        return cls(**{name: np.empty(0, dtype=dtype) for name, dtype in cls.DTYPES.items()})

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))

    def columns(self) -> dict[str, NDArray[Any]]:
        """Name → array, in declared order."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def take(self, rows: NDArray[Any] | slice) -> Self:
        """The rows of an index array, a mask or a slice."""
        return type(self)(**{name: array[rows] for name, array in self.columns().items()})

    def replaced(self, **columns: Any) -> Self:
        """The same rows with some columns replaced."""
        return replace(self, **{k: _column(v, self.DTYPES[k]) for k, v in columns.items()})

    def index_of(self, ids: Any) -> NDArray[np.int64]:
        """Row number of each id; -1 where there is none.

        Only for nouns with an ``id`` (or ``code``) column.
        """
        own = self.columns().get("id", self.columns().get("code"))
        if own is None:
            raise TypeError(f"{type(self).__name__} has no id column")
        rows = {value: row for row, value in enumerate(own.tolist())}
        return np.array([rows.get(value, -1) for value in ids], dtype=np.int64)

    @classmethod
    def concat(cls, parts: list[Self]) -> Self:
        """All rows of several tables, in order."""
        if not parts:
            return cls.empty()
        names = [f.name for f in fields(cls)]
        return cls(**{n: np.concatenate([getattr(p, n) for p in parts]) for n in names})

    def records(self) -> Iterator[dict[str, Any]]:
        """Each row as a plain dictionary of Python values (for JSON; slow on purpose)."""
        names = list(self.columns())
        lists = [a.tolist() for a in self.columns().values()]
        for values in zip(*lists, strict=True):
            yield dict(zip(names, values, strict=True))


def _column(value: Any, dtype: Any) -> NDArray[Any]:
    if np.dtype(dtype) == object and not (isinstance(value, np.ndarray) and value.dtype == object):
        out = np.empty(len(value), dtype=object)
        out[:] = [
            "" if v is None else v for v in (value.tolist() if isinstance(value, np.ndarray) else value)
        ]
        return out
    return np.asarray(value, dtype=dtype)
