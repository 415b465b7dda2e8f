import importlib.util
import io
import lzma
import os
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from anlan.city.demo import ATTRIBUTION, demo_roads
from anlan.city.demo.kinds import ROAD_GROUPS
from anlan.city.speed import CLASS_KMH

EMBEDDED = files("anlan.city.demo").joinpath("wuhan_roads.npz.xz")


def source() -> bytes:
    folder = os.environ.get("ANLAN_DATA")
    path = Path(folder or "") / "wuhan" / "roads_original.parquet"
    if not folder or not path.exists():
        pytest.skip("ANLAN_DATA names no folder with wuhan/roads_original.parquet")
    return path.read_bytes()


def script() -> Any:
    path = Path(__file__).parents[2] / "scripts" / "make_demo_roads.py"
    spec = importlib.util.spec_from_file_location("make_demo_roads", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_whole_network_is_there_and_in_one_piece():
    roads = demo_roads()
    assert (roads.n_nodes, len(roads)) == (82_891, 92_667)
    assert roads.edges.length_m.sum() / 1000 == pytest.approx(7185.056, abs=0.01)
    graph = coo_matrix((np.ones(len(roads)), (roads.edges.u, roads.edges.v)), (82_891, 82_891))
    assert connected_components(graph, directed=False)[0] == 1
    assert len(set(roads.edges.id.tolist())) == len(roads)


def test_the_embedded_file_is_small_and_its_attribution_names_the_licence():
    assert len(EMBEDDED.read_bytes()) <= 4_000_000
    assert "OpenStreetMap contributors" in ATTRIBUTION
    assert "Open Database License" in ATTRIBUTION


def test_shapes_join_at_their_junctions():
    roads = demo_roads()
    first, last = roads.start[:-1], roads.start[1:] - 1
    for vertex, node in ((first, roads.edges.u), (last, roads.edges.v)):
        assert (roads.x[vertex] == roads.node_x[node]).all()
        assert (roads.y[vertex] == roads.node_y[node]).all()


def test_every_road_class_has_a_group_and_all_but_the_pedestrian_streets_a_default_speed():
    classes = set(demo_roads().edges.road_class.tolist())
    assert classes <= set(ROAD_GROUPS)
    assert classes - set(CLASS_KMH) == {"pedestrian"}


def test_it_is_the_original_street_by_street_to_the_centimetre():
    table = pq.read_table(io.BytesIO(source()))
    lines = shapely.from_wkb(table["geometry"].to_numpy())

    def rows(ends: Any, classes: list[str]) -> list[Any]:
        ends = np.rint(np.asarray(ends).reshape(-1, 2, 2) * 100).astype(np.int64)
        swap = (ends[:, 0] > ends[:, 1])[:, 0] | (
            (ends[:, 0, 0] == ends[:, 1, 0]) & (ends[:, 0, 1] > ends[:, 1, 1])
        )
        ends[swap] = ends[swap][:, ::-1]
        return sorted(zip(map(tuple, ends.reshape(-1, 4).tolist()), classes, strict=True))

    roads = demo_roads()
    ours = rows(np.column_stack([roads.x, roads.y]), roads.edges.road_class.tolist())
    assert ours == rows(shapely.get_coordinates(lines), table["highway"].to_pylist())
    assert roads.edges.length_m.sum() == pytest.approx(shapely.length(lines).sum(), rel=1e-6)


def test_ids_are_the_openstreetmap_nodes_of_the_source():
    table = pq.read_table(io.BytesIO(source()), columns=["u", "v"])
    pairs = {frozenset(p) for p in zip(table["u"].to_pylist(), table["v"].to_pylist(), strict=True)}
    own = [frozenset(map(int, name.split("-")[:2])) for name in demo_roads().edges.id.tolist()]
    # A few places carry two OpenStreetMap nodes; there the smaller number is used.
    assert sum(p in pairs for p in own) >= 0.999 * len(own)


def test_the_script_makes_the_embedded_arrays_again():
    made = script().encode(source())
    assert lzma.decompress(made) == lzma.decompress(EMBEDDED.read_bytes())
