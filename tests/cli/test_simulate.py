import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from anlan.cli.main import app
from anlan.core.errors import AnlanError

RUNNER = CliRunner()


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """A cross of streets, one station, six weeks of calls at its corners."""
    import numpy as np

    from anlan.city.city import City
    from anlan.city.roads import Edges, Roads
    from anlan.model import Calls, Sites

    east, north = 500_000.0, 3_400_000.0
    x = east + np.array([0, -900, 900, 0, 0])
    y = north + np.array([0, 0, 0, -900, 900])
    u, v = np.zeros(4, np.int64), np.arange(1, 5)
    roads = Roads(
        edges=Edges.make(
            id=[f"e{k}" for k in range(4)],
            u=u,
            v=v,
            road_class=["residential"] * 4,
            length_m=np.full(4, 900.0),
        ),
        start=np.arange(5) * 2,
        x=np.stack([x[u], x[v]], 1).ravel(),
        y=np.stack([y[u], y[v]], 1).ravel(),
        node_x=x,
        node_y=y,
    )
    random = np.random.default_rng(1)
    n = 900
    corner = random.integers(1, 5, n)
    received = np.sort(1_646_582_400.0 + random.uniform(0, 6 * 7 * 86400, n))
    calls = Calls.make(
        id=[f"c{k}" for k in range(n)],
        category=random.choice(["noise", "theft"], n),
        priority=random.choice([1, 2], n),
        source=["reported"] * n,
        received=received,
        arrived=received + 120,
        cleared=received + 120 + random.exponential(900, n),
        x=x[corner],
        y=y[corner],
    )
    sites = Sites.make(
        id=["S1"], kind=["station"], lon=[np.nan], lat=[np.nan], x=x[:1], y=y[:1], capacity=[2]
    )
    folder = tmp_path_factory.mktemp("cross") / "cross"
    City.build(roads, name_en="Cross", tz="Asia/Shanghai", crs="EPSG:32650", sites=sites, calls=calls).save(
        folder
    )
    return folder


def run(*arguments):
    return RUNNER.invoke(app, [str(a) for a in arguments], catch_exceptions=False, standalone_mode=False)


def test_two_policies_are_compared(town, tmp_path):
    shared = ("--weeks", 1, "--replications", 2, "--learn-weeks", 4)
    done = run("simulate", town, "--policy", "closest", "--policy", "dmexclp", *shared, "--by", "priority", "--json",
               "--events", tmp_path / "events.parquet")  # fmt: skip
    value = json.loads(done.stdout)
    assert [r["name"] for r in value["runs"]] == ["present/closest", "present/dmexclp"]
    assert value["runs"][0]["response"]["calls"] == 2 * sum(
        g["calls"] // 2 for g in value["runs"][0]["by"]["priority"].values()
    )
    assert {row["measure"] for row in value["comparisons"][0]["rows"]} >= {"mean_s", "p90_s", "within_180_s"}

    import pyarrow.parquet as pq

    steps = set(pq.read_table(tmp_path / "events.parquet")["transition"].to_pylist())
    assert steps >= {"received", "dispatched", "departed", "arrived", "cleared"}


def test_a_plan_folder_called_plan_is_named_by_the_folder_above():
    from anlan.simulation.study import Study

    assert Study(Path("town"), Path("spring/plan"), "closest").label == "spring/closest"
    assert Study(Path("town"), Path("plans/autumn")).label == "autumn"


def test_a_table_for_people_and_what_was_learnt(town):
    done = run("simulate", town, "--policy", "closest", "--against", "dmexclp", "--weeks", 1, "--learn-weeks", 4,
               "--replications", 1, "--synthetic", "--fit")  # fmt: skip
    assert "present/closest against present/dmexclp" in done.stdout
    assert "cannot be told apart" in done.stdout
    head = next(line for line in done.stdout.splitlines() if line.startswith("  measure"))
    assert head.split() == [
        "measure",
        "present/dmexclp",
        "present/closest",
        "difference",
        "interval",
        "verdict",
    ]
    first = next(line for line in done.stdout.splitlines() if line.startswith("  mean_s"))
    assert first[: head.index("present/closest") + len("present/closest")].endswith("s")
    assert "predicted" in done.stdout
    assert "Poisson" in done.stdout


def test_a_list_of_scenarios(town, tmp_path):
    (tmp_path / "list.toml").write_text(
        f"weeks = 1\nlearn_weeks = 4\nreplications = 1\n[[scenario]]\ncity = '{town}'\nseed = [1, 2]"
    )
    for reused in (0, 2):
        done = run("simulate", "--scenarios", tmp_path / "list.toml", "--out", tmp_path / "out")
        assert f"2 scenarios done ({reused} of them earlier)" in done.stdout
    assert len((tmp_path / "out" / "results.csv").read_text().splitlines()) == 3


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--by", "colour"), "colour"),
        (("--factor", 2), "synthetic"),
        (("--weeks", 50), "weeks"),
        (("--policy", "psychic"), "psychic"),
    ],
)
def test_mistakes_are_told(town, arguments, named):
    with pytest.raises(AnlanError, match=named):
        run("simulate", town, *arguments)


def test_neither_a_city_nor_a_list():
    with pytest.raises(AnlanError, match="--scenarios"):
        run("simulate")
