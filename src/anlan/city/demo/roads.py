"""The embedded street network of the demo city: the Wuhan urban area, from OpenStreetMap."""

from __future__ import annotations

import io
import lzma
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from anlan.city.roads import Edges, Roads
from anlan.core.columns import Strings

CRS = "EPSG:32650"
"""UTM zone 50 north, in which the source is given and the network is stored to the centimetre."""

ATTRIBUTION = (
    "© OpenStreetMap contributors, Open Database License 1.0 (https://opendatacommons.org/licenses/odbl/1-0/)"
)
SOURCE = (
    "neatnet 0.1.6 source distribution, data/wuhan_8989/original.parquet (OSMnx extract of OpenStreetMap)"
)
NOT_WALKED = ("motorway", "motorway_link")


@lru_cache(maxsize=1)
def demo_roads() -> Roads:
    """The 82,891 junctions and 92,667 street pieces of the Wuhan urban area.

    The source gives a class for each piece and neither directions, speeds nor names: every piece may be
    driven both ways (pedestrian streets too: the units that use the network may enter them), everything but
    motorways may be walked, and speeds are those of the class. Each piece is a straight line between two
    junctions. Its id is the pair of OpenStreetMap node ids, with a number where a pair occurs again.

    The file is written by ``scripts/make_demo_roads.py``: an xz-compressed NumPy archive with the arrays
    ``classes`` (names), ``origin_cm`` (2), ``step_x_cm, step_y_cm, osm`` (n_nodes) and
    ``tail_step, reach, road_class`` (n_edges), where steps are differences of consecutive rows.
    """
    blob = files("anlan.city.demo").joinpath("wuhan_roads.npz.xz").read_bytes()
    with np.load(io.BytesIO(lzma.decompress(blob)), allow_pickle=False) as archive:
        a = {name: archive[name] for name in archive.files}
    node_x = (a["origin_cm"][0] + np.cumsum(a["step_x_cm"], dtype=np.int64)) / 100.0
    node_y = (a["origin_cm"][1] + np.cumsum(a["step_y_cm"], dtype=np.int64)) / 100.0
    u = np.cumsum(a["tail_step"], dtype=np.int64)
    v = u + a["reach"]
    ends = np.stack([u, v], axis=1).ravel()
    x, y = node_x[ends], node_y[ends]
    road_class = a["classes"].astype(object)[a["road_class"]]
    edges = Edges.make(
        id=_ids(a["osm"][u], a["osm"][v]),
        u=u,
        v=v,
        road_class=road_class,
        foot=~np.isin(road_class, NOT_WALKED),
        length_m=np.hypot(x[1::2] - x[::2], y[1::2] - y[::2]),
    )
    return Roads(edges, np.arange(0, 2 * len(u) + 1, 2), x, y, node_x, node_y)


def _ids(a: NDArray[np.int64], b: NDArray[np.int64]) -> Strings:
    seen: dict[str, int] = {}
    out = np.empty(len(a), dtype=object)
    for row, (i, j) in enumerate(zip(np.minimum(a, b).tolist(), np.maximum(a, b).tolist(), strict=True)):
        name = f"{i}-{j}"
        times = seen[name] = seen.get(name, 0) + 1
        out[row] = name if times == 1 else f"{name}-{times}"
    return out
