import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anlan.city import City
from anlan.city.readers.node_arc import read_node_arc
from anlan.city.streets import Streets
from anlan.core.errors import AnlanError

DATA = Path(os.environ.get("ANLAN_DATA", "/nowhere")) / "manhattan"

NODES = "id,lon,lat\n1,114.30,30.60\n2,114.31,30.60\n3,114.31,30.61\n9,114.40,30.60\n"
ARCS = "from,to,seconds,length_m,name\n1,2,60,1000,东街\n2,1,60,1000,东街\n2,3,120,,北街\n3,3,5,,\n"


def read(
    folder: Path, nodes: str = NODES, arcs: str = ARCS, encoding: str = "utf-8", **options: Any
) -> Streets:
    (folder / "nodes.csv").write_bytes(nodes.encode(encoding))
    (folder / "arcs.csv").write_bytes(arcs.encode(encoding))
    return read_node_arc(folder / "nodes.csv", folder / "arcs.csv", **options)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_arcs_keep_direction_time_and_length(tmp_path, encoding):
    streets = read(tmp_path, encoding=encoding)
    edges = streets.edges
    east, north = (edges.name.tolist().index(n) for n in ("东街", "北街"))
    assert len(edges) == 2
    assert (edges.forward[east], edges.backward[east]) == (True, True)
    assert (edges.forward[north], edges.backward[north]) == (True, False)
    assert edges.length_m[east] == 1000
    assert edges.speed_kmh[east] == pytest.approx(60)
    assert edges.speed_kmh[north] == pytest.approx(1112 / 120 * 3.6, rel=0.001)
    assert streets.reading.counts == {
        "arcs from a junction to itself, left out": 1,
        "junctions without an arc, left out": 1,
        "opposite one-way rows joined into two-way streets": 1,
    }


def test_arcs_may_be_two_way_unless_marked(tmp_path):
    arcs = "u;v;oneway;speed\n1;2;;40\n2;3;yes;30 mph\n"
    edges = read(tmp_path, arcs=arcs, directed=False).edges
    assert sorted(zip(edges.forward.tolist(), edges.backward.tolist(), strict=True)) == [
        (True, False),
        (True, True),
    ]
    assert sorted(edges.speed_kmh.tolist()) == pytest.approx([40, 48.28], abs=0.01)


def test_the_preamble_of_a_study_is_skipped_and_its_unit_told(tmp_path):
    nodes = "nodes,3,,\nindex,x,y,\n1.0,114.30,30.60\n2.0,114.31,30.60\n"
    arcs = "miscData,1\narcForm,numModes\n\narcs,1\nindex,fromNode,toNode,mode_1\n1.0,1.0,2.0,0.001\n"
    edges = read(tmp_path, nodes, arcs, columns={"seconds": "mode_1"}, seconds_per_unit=86_400.0).edges
    assert edges.speed_kmh[0] == pytest.approx(957.1 / 86.4 * 3.6, rel=0.001)


@pytest.mark.parametrize(
    ("nodes", "arcs", "sentence"),
    [
        (NODES, "from,to\n1,7\n", "junction '7'"),
        (NODES, "a,b\n1,2\n", "none of its first lines"),
        (NODES.replace("9,", "1,"), ARCS, "occurs twice"),
        ("id,lon,lat\n1,30.60,114.30\n2,30.60,114.31\n", "from,to\n1,2\n", "swapped"),
        ("id,lon,lat\n1,east,114.30\n", "from,to\n1,2\n", "holds numbers"),
    ],
)
def test_tables_that_do_not_fit_say_where(tmp_path, nodes, arcs, sentence):
    with pytest.raises(AnlanError, match=sentence):
        read(tmp_path, nodes, arcs)


def test_a_missing_table_and_a_wrong_mapping_say_so(tmp_path):
    with pytest.raises(AnlanError, match="no such file"):
        read_node_arc(tmp_path / "a.csv", tmp_path / "b.csv")
    with pytest.raises(AnlanError, match="'hours'"):
        read(tmp_path, columns={"seconds": "hours"})


def test_a_folder_of_both_tables_is_a_source(tmp_path):
    read(tmp_path)
    city = City.build(tmp_path, name_en="Tiny", tz="Asia/Shanghai")
    assert (len(city.roads), city.roads.n_nodes) == (2, 3)
    assert city.settings.layers["roads"].source == "nodes.csv and arcs.csv"


@pytest.mark.skipif(not DATA.is_dir(), reason="ANLAN_DATA names no folder with manhattan/")
def test_travel_times_of_manhattan_survive():
    city = City.build(
        DATA,
        name_en="Manhattan",
        tz="America/New_York",
        options={"roads": {"columns": {"seconds": "mode_2"}, "seconds_per_unit": 86_400.0}},
    )
    edges = city.roads.edges
    assert (edges.forward.sum() + edges.backward.sum(), city.roads.n_nodes) == (24_437, 16_811)
    seconds = edges.length_m / edges.speed_kmh * 3.6
    rows = (row.split(",") for row in (DATA / "arcs.csv").read_text().splitlines()[6:])
    stated = sum(float(row[4]) for row in rows if len(row) > 4) * 86_400
    assert (seconds * (edges.forward.astype(int) + edges.backward)).sum() == pytest.approx(stated, rel=2e-3)
    assert np.isfinite(seconds).all()
