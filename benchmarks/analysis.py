"""`./run bench analysis [NAME …]`: hot spots and evaluation beside their peers; docs/benchmarks/analysis.md.

Every module of `benchmarks/_analysis` with a function ``rows`` adds lines to the table, every one with a
function ``tables`` prints tables of its own.
"""

from __future__ import annotations

import importlib
import pkgutil

import benchmarks._analysis as parts
from benchmarks._analysis.row import HEADER, Row
from benchmarks._table import table


def main(argv: list[str]) -> None:
    names = sorted(m.name for m in pkgutil.iter_modules(parts.__path__) if m.name != "row")
    wanted = argv or names
    unknown = sorted(set(wanted) - set(names))
    if unknown:
        print(f"analysis has no part {unknown[0]!r}; the parts are {', '.join(names)}")
        return
    modules = [importlib.import_module(f"benchmarks._analysis.{name}") for name in wanted]
    rows: list[Row] = [row for m in modules if hasattr(m, "rows") for row in m.rows()]
    if rows:
        table("Analysis: median wall time", HEADER, [row.cells() for row in rows])
    for module in modules:
        if hasattr(module, "tables"):
            module.tables()
