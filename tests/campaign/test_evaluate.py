"""The account of a campaign in Strip Town: twelve precincts side by side, sixty weeks, a planted fall."""

import csv
import json
import subprocess
import sys

import geopandas as gpd
import numpy as np
import pytest
import shapely

from anlan.campaign.account import AccountOptions, account_for
from anlan.campaign.evaluate import evaluate_city
from anlan.campaign.naming import days
from anlan.city.city import City
from anlan.core.errors import AnlanError
from anlan.core.time import WEEK_S
from anlan.model import Areas, Calls

WEEKS, DURING, PER_WEEK = 72, 8, 25
TREATED = ("p05", "p06")


def strips(city):
    """Twelve precincts, one a column of streets, in two parts of the town."""
    x0, y0 = city.roads.x.min() - 125, city.roads.y.min() - 125
    boxes = [shapely.box(x0 + 250 * k, y0, x0 + 250 * (k + 1), y0 + 3000) for k in range(12)]
    degrees = [shapely.transform(b, lambda p: np.stack(city.unproject(p[:, 0], p[:, 1]), 1)) for b in boxes]
    return Areas.make(
        code=["w", "e", *(f"p{k:02d}" for k in range(12))],
        parent=["", "", *("w" if k < 6 else "e" for k in range(12))],
        level=["county"] * 2 + ["precinct"] * 12,
        name_zh=["西片", "东片", *(f"{k}号所" for k in range(12))],
        name_en=["West", "East", *(f"Strip {k}" for k in range(12))],
        geometry=[shapely.union_all(degrees[:6]), shapely.union_all(degrees[6:]), *degrees],
    )


def strip_town(folder, left=1.0, weeks=WEEKS, seed=5):
    """A share ``left`` of the treated strips' calls remains in the last eight weeks."""
    city = City.load(folder)
    rng = np.random.default_rng(seed)
    begin = city.calls.received.min() // WEEK_S * WEEK_S
    n = 12 * weeks * PER_WEEK
    strip = rng.integers(0, 12, n)
    received = begin + rng.random(n) * weeks * WEEK_S
    gone = (received >= begin + (weeks - DURING) * WEEK_S) & np.isin(strip, [5, 6]) & (rng.random(n) > left)
    strip, received = strip[~gone], received[~gone]
    order = np.argsort(received, kind="stable")
    strip, received = strip[order], received[order]
    calls = Calls.make(
        id=[f"s{k}" for k in range(len(strip))],
        category=rng.choice(["theft", "noise"], len(strip)),
        source=["reported"] * len(strip),
        received=received,
        x=city.roads.x.min() + 250.0 * strip + rng.uniform(-20, 20, len(strip)),
        y=city.roads.y.min() + rng.uniform(0, 2700, len(strip)),
    )
    city = city.replaced(areas=strips(city), calls=Calls.empty())
    return city.replaced(calls=city.placed(calls))


def dates(city, during=DURING):
    """First and last day of the planted eight weeks."""
    end = city.calls.received.max()
    begin = city.calls.received.min() // WEEK_S * WEEK_S + (WEEKS - during) * WEEK_S
    return days((begin + 86_400, end - 86_400), city.tz)


@pytest.fixture(scope="module")
def fallen(town_folder):
    return strip_town(town_folder, left=0.4)


def asked(city, **more):
    begin, until = dates(city)
    return AccountOptions(**{"treated": ",".join(TREATED), "begin": begin, "until": until, **more})


@pytest.fixture(scope="module")
def account(fallen):
    return account_for(fallen, asked(fallen))


def test_a_planted_fall_is_found_by_the_strongest_method(account):
    assert account.chosen.method == "wdd"
    low, high = account.chosen.interval
    assert high < 0
    weeks = account.account.weeks
    assert low <= -0.6 * 2 * PER_WEEK * weeks <= high


def test_neighbours_are_never_controls_by_rule(account):
    assert account.near == ("p04", "p07")
    for one in account.sets:
        assert not set(one.areas) & {*TREATED, "p04", "p07"}
    assert {account.role(f"p{k:02d}") for k in (0, 4, 5)} == {"control", "near", "treated"}


def test_where_nothing_was_done_no_change_is_claimed(town_folder):
    city = strip_town(town_folder)
    found = account_for(city, asked(city))
    low, high = found.chosen.interval
    assert low < 0 < high


def test_named_controls_stand_beside_those_made_by_rule(fallen):
    found = account_for(fallen, asked(fallen, controls={"mine": "p00, p01"}))
    names = [f.name.en for f in found.account.findings if f.method == "wdd"]
    assert len(names) >= 2
    assert any("mine" in n for n in names)
    mine = next(s for s in found.sets if s.name == "mine")
    assert mine.warning  # one of two areas always has more than a fifth
    assert found.sets[1].rule.en.startswith("all other areas")
    assert not found.sets[1].warning


def test_displacement_gets_controls_of_its_own(fallen):
    found = account_for(fallen, asked(fallen, displacement="p04,p07"))
    campaign = found.account.campaign
    assert campaign.displacement == ("p04", "p07")
    assert campaign.displacement_control
    assert not set(campaign.displacement_control) & {c for s in found.sets for c in s.areas}
    wdd = next(f for f in found.account.findings if f.method == "wdd" and f.applies)
    assert "displacement counted" in wdd.why.en


def test_an_area_stands_for_those_within_it_by_code_or_name(fallen):
    by_name = account_for(fallen, asked(fallen, treated="西片"))
    assert by_name.account.campaign.treated == tuple(f"p{k:02d}" for k in range(6))
    by_code = account_for(fallen, asked(fallen, treated="w"))
    assert by_code.account.campaign.treated == by_name.account.campaign.treated


def test_shapes_from_a_file_become_areas(fallen, tmp_path):
    shape = strips(fallen).geometry[7]  # the strip p05
    gpd.GeoDataFrame({"name": ["plaza"]}, geometry=[shape], crs="EPSG:4326").to_file(tmp_path / "z.geojson")
    found = account_for(fallen, asked(fallen, treated=str(tmp_path / "z.geojson")))
    assert found.account.campaign.treated == ("z:plaza",)
    row = found.account.areas.index("z:plaza")
    inside = int((fallen.calls.area == "p05").sum())
    assert found.account.weekly[row].sum() == pytest.approx(inside, rel=0.03)
    assert "p04" in found.near


def test_without_areas_a_file_is_compared_with_cells(fallen, tmp_path):
    shape = strips(fallen).geometry[7]
    gpd.GeoDataFrame(geometry=[shape], crs="EPSG:4326").to_file(tmp_path / "z.geojson")
    bare = fallen.replaced(
        areas=Areas.empty(), calls=fallen.calls.replaced(area=np.full(len(fallen.calls), "", dtype=object))
    )
    found = account_for(bare, asked(fallen, treated=str(tmp_path / "z.geojson")))
    assert found.account.campaign.treated == ("z:1",)
    assert all(code.startswith(("h1000", "z:")) for code in found.account.areas)


def test_with_the_past_alone_it_says_so(fallen):
    found = account_for(fallen, asked(fallen, without_controls=True))
    assert found.sets == []
    assert found.chosen.method in ("interrupted", "before_after")
    assert not any(f.applies for f in found.account.findings if f.method == "wdd")


def test_a_later_start_makes_it_staggered(fallen):
    begin, _ = dates(fallen)
    later = str(np.datetime64(begin) + 28)
    found = account_for(fallen, asked(fallen, starts={"p06": later}))
    assert next(f for f in found.account.findings if f.method == "staggered").applies


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"treated": "p5"}, "p05"),
        ({"treated": "w,e"}, "no untouched area"),
        ({"begin": "2019-01-01", "until": "2019-02-01"}, "the calls run from"),
        ({"until": "2031-01-01"}, "the calls run from"),
        ({"begin": "soon"}, "YYYY-MM-DD"),
        ({"categories": ("arson",)}, "noise, theft"),
        ({"treated": "no-such.geojson"}, "no such file"),
        ({"starts": {"p00": "2023-01-01"}}, "treated"),
    ],
    ids=["unknown", "no controls", "too early", "too late", "no date", "category", "no file", "start"],
)
def test_what_cannot_be_accounted_for_says_why(fallen, change, named):
    with pytest.raises(AnlanError, match=named):
        account_for(fallen, asked(fallen, **change))


def test_one_week_of_history_says_so(fallen):
    calls = fallen.calls
    first = calls.received.max() - (DURING + 1) * WEEK_S
    late = fallen.replaced(calls=calls.take(calls.received > first))
    with pytest.raises(AnlanError, match="four whole weeks before"):
        account_for(late, asked(fallen))


def test_calls_at_one_point_say_so(fallen):
    same = {
        name: np.full_like(getattr(fallen.calls, name), getattr(fallen.calls, name)[0])
        for name in ("x", "y", "lon", "lat")
    }
    with pytest.raises(AnlanError, match="one and the same point"):
        account_for(fallen.replaced(calls=fallen.calls.replaced(**same)), asked(fallen))


def test_a_category_that_changed_its_code_says_so(fallen):
    middle = fallen.calls.received.min() + 40 * WEEK_S
    category = fallen.calls.category.copy()
    category[(category == "theft") & (fallen.calls.received > middle)] = "theft-new"
    city = fallen.replaced(calls=fallen.calls.replaced(category=category))
    with pytest.raises(AnlanError, match="--category theft --category theft-new"):
        account_for(city, asked(fallen, categories=("theft",)))
    both = account_for(city, asked(fallen, categories=("theft", "theft-new")))
    assert both.chosen.interval[1] < 0


@pytest.fixture(scope="module")
def written(fallen, tmp_path_factory):
    return evaluate_city(fallen, tmp_path_factory.mktemp("account"), asked(fallen, chosen_for_count=True))


def test_the_report_says_it_in_both_languages_and_draws_the_areas(written):
    html = (written.out / "report.html").read_text(encoding="utf-8")
    assert "<script" not in html
    assert "really fewer" in html
    assert "确有下降" in html
    assert html.count('class="zone treated"') == 3  # two areas and the legend
    assert "regression to the mean" in html


def test_the_tables_carry_every_area_and_comparison(written):
    with (written.out / "weekly.csv").open(encoding="utf-8-sig") as table:
        rows = {r["area"]: r for r in csv.DictReader(table)}
    assert len(rows) == 12
    assert rows["p05"]["role"] == "treated"
    last = list(rows["p05"])[-4:]
    assert np.mean([float(rows["p05"][w]) for w in last]) < 0.7 * np.mean(
        [float(rows["p00"][w]) for w in last]
    )
    told = json.loads((written.out / "account.json").read_text(encoding="utf-8"))
    assert {c["method"] for c in told["comparisons"]} >= {
        "wdd",
        "interrupted",
        "synthetic",
        "regression_to_mean",
    }
    layer = gpd.read_file(written.out / "areas.geojson")
    assert sorted(layer.loc[layer["role"] == "treated", "id"]) == list(TREATED)


def test_the_terminal_lines_have_units_and_list_only_tables_as_tables(written):
    lines = written.lines()
    told = [line for line in lines if line.startswith("  ")]
    assert len(told) == len(written.findings.comparisons)
    assert any("ratio 0." in line or "ratio 1." in line for line in told)
    assert any(" calls (95 % interval " in line for line in told)
    assert all(("ratio " in line) != (" calls" in line.partition(":")[2]) for line in told)
    assert not any("p = <" in line for line in told)
    tables = next(line for line in lines if line.startswith("tables: "))
    assert "report.html" not in tables
    assert "comparisons.csv" in tables


def test_one_seed_gives_the_same_bytes(written, fallen, tmp_path):
    evaluate_city(fallen, tmp_path, asked(fallen, chosen_for_count=True))
    for name in written.files:
        assert (tmp_path / name).read_bytes() == (written.out / name).read_bytes(), name


def test_the_command_prints_the_account(fallen, tmp_path):
    fallen.save(tmp_path / "town")
    begin, until = dates(fallen)
    done = subprocess.run(
        [
            sys.executable, "-c", "from anlan.cli.main import run; run()", "evaluate", str(tmp_path / "town"),
            "--treated", "p05,6号所", "--from", begin, "--until", until, "--controls", "p00,p01,p02", "--out",
            str(tmp_path / "a"), "--json",
        ],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["treated"] == list(TREATED)
    assert "named 1" in told["controls"]
    assert told["chosen"] == "wdd"
