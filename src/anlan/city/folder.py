"""The city folder on disk: one layer in, layers out, and never half of one."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from anlan.city.layers import column_range, layer_info, read_layer, write_layer
from anlan.city.nouns import LAYERS, SHAPED, from_columns, to_columns
from anlan.city.projection import Projection
from anlan.city.report import BuildReport
from anlan.city.settings import Settings
from anlan.core.errors import AnlanError
from anlan.core.files import replacing, replacing_folder


def check_folder(folder: Path) -> None:
    """Refuse a folder without roads.

    Raises
    ------
    AnlanError
    """
    if not layer_path(folder, "roads").exists():
        raise AnlanError(
            f"{folder}",
            "a city needs its roads.parquet",
            "restore the file or build the city again",
            code="roads_missing",
        )


def layer_path(folder: Path, layer: str) -> Path:
    """The file of a layer."""
    return folder / f"{layer}.parquet"


def read_noun(folder: Path | None, layer: str, projection: Projection) -> Any:
    """A layer as its noun; an empty one where there is no file."""
    path = None if folder is None else layer_path(folder, layer)
    if path is None or not path.exists():
        return LAYERS[layer].empty()
    return from_columns(layer, read_layer(path, geometry=layer in SHAPED), projection, path)


def describe_file(folder: Path, layer: str) -> dict[str, Any] | None:
    """Facts of a layer from its footer; None where there is no file."""
    path = layer_path(folder, layer)
    if not path.exists():
        return None
    footer = layer_info(path)
    span = column_range(path, "received") if layer == "calls" else None
    facts = {"rows": footer.rows, "bytes": footer.bytes, "bounds": footer.bounds, **footer.notes}
    return facts | _span(span)


def describe_noun(layer: str, noun: Any, projection: Projection) -> dict[str, Any] | None:
    """The same facts of a layer in memory; None where it is empty."""
    if not len(noun):
        return None
    span = None
    if layer == "calls" and np.isfinite(noun.received).any():
        span = float(np.nanmin(noun.received)), float(np.nanmax(noun.received))
    return {"rows": len(noun), **to_columns(layer, noun, projection)[2]} | _span(span)


def _span(span: tuple[float, float] | None) -> dict[str, float]:
    return {} if span is None else {"first_received": span[0], "last_received": span[1]}


def write_changed(
    folder: Path, settings: Settings, changed: Mapping[str, Any], projection: Projection
) -> None:
    """Replace layers of an existing city: all are written before the first takes its place.

    Raises
    ------
    AnlanError
        If something cannot be written; the city is as it was.
    """
    with ExitStack() as stack:
        for layer, noun in changed.items():
            _write(layer, noun, projection, stack.enter_context(replacing(layer_path(folder, layer))))
        toml = stack.enter_context(replacing(folder / "city.toml"))
        toml.write_text(settings.dumps(), encoding="utf-8")


def write_new(
    folder: Path,
    settings: Settings,
    changed: Mapping[str, Any],
    projection: Projection,
    report: BuildReport | None,
    copied_from: Path | None,
) -> None:
    """Write a whole city beside its place, then rename it.

    Parameters
    ----------
    changed : mapping of str to noun
        Layers to write; empty ones are left out.
    copied_from : Path, optional
        The folder from which everything else is copied.

    Raises
    ------
    AnlanError
        If the place holds something that is not a city, or cannot be written.
    """
    _check_target(folder)
    with replacing_folder(folder) as out:
        for layer, noun in changed.items():
            if len(noun):
                _write(layer, noun, projection, layer_path(out, layer))
        (out / "city.toml").write_text(settings.dumps(), encoding="utf-8")
        if report is not None:
            report.save(out)
        for path in () if copied_from is None else sorted(copied_from.iterdir()):
            replaced = path.name in {layer_path(out, layer).name for layer in changed}
            if not replaced and not (out / path.name).exists():
                if path.is_dir():
                    shutil.copytree(path, out / path.name)
                else:
                    shutil.copyfile(path, out / path.name)


def _write(layer: str, noun: Any, projection: Projection, path: Path) -> None:
    columns, geometry, notes = to_columns(layer, noun, projection)
    write_layer(path, columns, geometry, notes)


def _check_target(folder: Path) -> None:
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "city.toml").exists():
        raise AnlanError(
            f"{folder}",
            "it holds something that is not a city, and would be replaced",
            "choose a new or empty folder",
            code="not_a_city",
        )
    if folder.exists() and not folder.is_dir():
        raise AnlanError(f"{folder}", "it is a file", "name a folder", code="not_a_city")
