import csv
import itertools
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import kstest

from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.core.time import DAY_S
from anlan.hotspots import Circles, bernoulli_llr, poisson_llr, scan
from anlan.hotspots.scan_models import permutation

WHEN = ("retrospective", "prospective", "spatial")


def xlog(a: float, b: float) -> float:
    return a * math.log(a / b) if a > 0 else 0.0


def plain_poisson(c: float, m: float, n: float) -> float:
    return xlog(c, m) + xlog(n - c, n - m) if c > m else 0.0


def plain_bernoulli(c: float, n: float, cases: float, total: float) -> float:
    if c * (total - n) <= (cases - c) * n:
        return 0.0
    rest, outside = cases - c, total - n
    return (
        xlog(c, n)
        + xlog(n - c, n)
        + xlog(rest, outside)
        + xlog(outside - rest, outside)
        - xlog(cases, total)
        - xlog(total - cases, total)
    )


def plain_circles(x: Any, y: Any) -> list[tuple[int, set[int]]]:
    """All sets of places within some distance of some place."""
    out = []
    for centre in range(len(x)):
        far = np.hypot(x - x[centre], y - y[centre])
        out += [(centre, set(np.flatnonzero(far <= r + 1e-9).tolist())) for r in np.unique(np.round(far, 9))]
    return out


def plain_best(
    model: str, when: str, circles: Any, cases: Any, measure: Any, share: float, longest: int, least: int
) -> float:
    """Every window, one after the other."""
    slots, total, n, best = measure.shape[1], measure.sum(), cases.sum(), 0.0
    for _, places in circles:
        rows = sorted(places)
        if measure[rows].sum() > share * total + 1e-9:
            continue
        for begin, end in itertools.combinations(range(slots + 1), 2):
            if end - begin > longest or (when != "retrospective" and end != slots):
                continue
            c, m = cases[rows, begin:end].sum(), measure[rows, begin:end].sum()
            if c < least:
                continue
            if model == "bernoulli":
                best = max(best, plain_bernoulli(c, m, n, total))
            else:
                best = max(best, plain_poisson(c, m * n / total, n))
    return best


def tiny(rng: Any, slots: int) -> tuple[Any, ...]:
    places, n = int(rng.integers(3, 9)), int(rng.integers(5, 60))
    x, y = rng.integers(0, 4, (2, places)) * 100.0
    if rng.random() < 0.5:
        x, y = x + rng.uniform(0, 50, places), y + rng.uniform(0, 50, places)
    return x, y, rng.integers(0, places, n), rng.integers(0, slots, n), places


def table(place: Any, slot: Any, places: int, slots: int) -> Any:
    out = np.zeros((places, slots))
    np.add.at(out, (place, slot), 1)
    return out


@pytest.mark.parametrize("model", ["permutation", "poisson", "changing population", "bernoulli"])
@pytest.mark.parametrize("when", WHEN)
def test_the_best_window_equals_trying_all(model, when):
    if model == "permutation" and when == "spatial":
        pytest.skip("times cannot be permuted in space alone; that it is refused is tested below")
    rng = np.random.default_rng(WHEN.index(when))
    found = 0
    for _ in range(25):
        slots = 1 if when == "spatial" else int(rng.integers(3, 9))
        x, y, place, slot, places = tiny(rng, slots)
        cases = table(place, slot, places, slots)
        share, longest = float(rng.choice([0.3, 0.5, 1.0])), int(rng.integers(1, slots + 1))
        kind, more = model, {}
        if model == "permutation":
            measure = cases.sum(axis=1)[:, None] * cases.sum(axis=0) / cases.sum()
        elif model == "bernoulli":
            others = int(rng.integers(3, 40))
            cp, cs = rng.integers(0, places, others), rng.integers(0, slots, others)
            measure = cases + table(cp, cs, places, slots)
            more = {"controls": (cp, cs * DAY_S)}
        else:
            kind = "poisson"
            size = rng.integers(1, 9, (places, slots) if model != "poisson" else places).astype(float)
            measure = np.broadcast_to(size if size.ndim == 2 else size[:, None], (places, slots))
            more = {"population": size}
        wanted = plain_best(kind, when, plain_circles(x, y), cases, measure, share, longest, 2)
        try:
            result = scan(
                place, slot * DAY_S, Circles.around(x, y), model=kind, when=when, window=(0, slots * DAY_S),
                max_share=share, max_slots=longest, replications=int(rng.integers(0, 3)), **more,
            )  # fmt: skip
        except AnlanError as error:
            assert error.code in ("max_share", "no_variation")  # noqa: PT017 - drawn worlds, some are refused
            continue
        best = result.clusters[0].llr if result.clusters else 0.0
        assert best == pytest.approx(wanted, abs=1e-6)
        found += best > 0
        for cluster in result.clusters:
            rows = list(cluster.places)
            begin, end = (0, 1) if when == "spatial" else (int(cluster.from_s), int(cluster.to_s))
            begin, end = (begin, end) if when == "spatial" else (begin // 86400, end // 86400)
            assert cluster.observed == cases[rows, begin:end].sum()
            inside = measure[rows, begin:end].sum()
            assert cluster.expected == pytest.approx(inside * cases.sum() / measure.sum())
            ratio = (
                plain_bernoulli(cluster.observed, inside, cases.sum(), measure.sum())
                if kind == "bernoulli"
                else plain_poisson(cluster.observed, cluster.expected, cases.sum())
            )
            assert cluster.llr == pytest.approx(ratio)
    assert found >= 10


@pytest.mark.parametrize("when", ["retrospective", "prospective"])
def test_the_null_worlds_are_searched_exactly(when):
    """A world large enough for groups of circles and chords; the product measure against the plain kernel."""
    rng = np.random.default_rng(9)
    places, slots, n = 60, 40, 1500
    x, y = rng.uniform(0, 1000, (2, places))
    place = rng.choice(places, n, p=rng.dirichlet(np.ones(places)))
    slot = rng.integers(0, slots, n)
    size = rng.uniform(1, 5, places)
    common: Any = {
        "when": when, "window": (0, slots * DAY_S), "model": "poisson", "replications": 40, "seed": 3
    }  # fmt: skip
    fast = scan(place, slot * DAY_S, Circles.around(x, y), population=size, **common)
    slow = scan(
        place, slot * DAY_S, Circles.around(x, y), population=np.repeat(size[:, None], slots, 1), **common
    )
    assert np.allclose(fast.null, slow.null, atol=1e-9)
    assert [c.places for c in fast.clusters[:2]] == [c.places for c in slow.clusters[:2]]
    assert fast.clusters[0].llr == pytest.approx(slow.clusters[0].llr)


def test_published_ratios():
    assert poisson_llr(10, 1, 1175) == pytest.approx(14.060436, abs=1e-6)  # published cut off, not rounded
    assert poisson_llr(2, 1, 1175) == pytest.approx(0.386720, abs=5e-7)
    assert poisson_llr(106, 62.13, 552) == pytest.approx(plain_poisson(106, 62.13, 552))
    assert poisson_llr(1, 2, 1175) == 0.0


def test_rare_cases_make_bernoulli_a_poisson():
    rare = bernoulli_llr(10, 1_000_000, 1175, 1_175_000_000)
    assert rare == pytest.approx(poisson_llr(10, 1, 1175), rel=1e-5)
    assert bernoulli_llr(5, 5, 10, 20) == pytest.approx(plain_bernoulli(5, 5, 10, 20))
    assert bernoulli_llr(1, 10, 10, 20) == 0.0


def grid(side: int = 12) -> tuple[Any, Any]:
    x, y = np.meshgrid(np.arange(side) * 250.0, np.arange(side) * 250.0)
    return x.ravel(), y.ravel()


def planted(seed: int, extra: int = 40) -> tuple[Any, Any, Any, set[int]]:
    """A city of 144 cells and 120 days with uneven places and weekends, and a fortnight of trouble."""
    rng = np.random.default_rng(seed)
    x, y = grid()
    place = rng.choice(144, 3000, p=rng.dirichlet(np.full(144, 2.0)))
    week = np.tile([1, 1, 1, 1, 1.5, 2, 1.5], 18)[:120]
    day = rng.choice(120, 3000, p=week / week.sum())
    hot = np.flatnonzero(np.hypot(x - 1500, y - 1500) < 300)
    place = np.append(place, rng.choice(hot, extra))
    day = np.append(day, rng.integers(106, 120, extra))
    return Circles.around(x, y), place, day * DAY_S + 3600.0, set(hot.tolist())


@pytest.mark.parametrize("when", ["retrospective", "prospective"])
def test_a_planted_cluster_is_found_where_and_when_it_is(when):
    circles, place, time, hot = planted(1)
    found = scan(place, time, circles, when=when, replications=99, seed=1)
    best = found.clusters[0]
    assert best.p_value == 0.01
    assert best.p_gumbel < 0.001
    assert len(hot & set(best.places)) / len(hot | set(best.places)) > 0.6
    assert abs(best.from_s / DAY_S - 106) <= 3
    assert best.to_s == 120 * DAY_S
    assert best.relative_risk == pytest.approx(best.observed / best.expected)
    assert found.significant() == (best,)
    if when == "prospective":
        assert best.recurrence_days > 1000
    taken = [p for c in found.clusters for p in c.places]
    assert len(taken) == len(set(taken))


def test_p_values_without_a_cluster_are_uniform():
    x, y = grid(6)
    circles, p = Circles.around(x, y), []
    for k in range(150):
        rng = np.random.default_rng(1000 + k)
        place, time = rng.integers(0, 36, 300), rng.integers(0, 30, 300) * DAY_S
        found = scan(
            place, time, circles, when="prospective", window=(0, 30 * DAY_S), replications=39, seed=k
        )
        p.append(found.clusters[0].p_value)
    assert kstest(np.array(p) - np.random.default_rng(0).random(150) / 40, "uniform").pvalue > 0.001


def test_a_permutation_keeps_places_and_days():
    rng = np.random.default_rng(2)
    place, slot = rng.integers(0, 9, 500).astype(np.int32), rng.integers(0, 20, 500).astype(np.int32)
    world = permutation(place, slot, 9, 20)
    new_place, new_slot = world.anew(77)
    assert np.array_equal(np.bincount(new_place), np.bincount(place))
    assert np.array_equal(np.bincount(new_slot), np.bincount(slot))
    assert not np.array_equal(new_slot, slot)
    assert np.array_equal(world.anew(77)[1], new_slot)


@pytest.mark.parametrize("model", ["poisson", "bernoulli"])
def test_new_worlds_have_the_expected_cells(model):
    """Mean and variance of a cell over many worlds: multinomial, and drawing without replacement."""
    from anlan.hotspots import scan_models

    rng = np.random.default_rng(3)
    place, slot = rng.integers(0, 3, 60).astype(np.int32), rng.integers(0, 2, 60).astype(np.int32)
    if model == "poisson":
        size = np.array([[0.0, 1.0], [3.0, 2.0], [0.0, 4.0]])
        keep = size[place, slot] > 0
        world = scan_models.poisson(place[keep], slot[keep], 2, size, 3)
        share = size / size.sum()
        variance = world.cases * share * (1 - share)
    else:
        other = (rng.integers(0, 3, 90).astype(np.int32), rng.integers(0, 2, 90).astype(np.int32))
        world = scan_models.bernoulli((place, slot), other, 3, 2)
        share = world.cells() / 150
        variance = 60 * share * (1 - share) * 90 / 149
    worlds = np.array([table(*world.anew(s), 3, 2) for s in range(4000)])
    assert (worlds.sum(axis=(1, 2)) == world.cases).all()
    error = np.sqrt(variance / 4000)
    assert (np.abs(worlds.mean(axis=0) - world.cases * share) <= 4.5 * error + 1e-12).all()
    assert np.allclose(worlds.var(axis=0), variance, rtol=0.15)


def test_seed_threads_and_numbering():
    circles, place, time, _ = planted(4, extra=15)
    one = scan(place, time, circles, replications=19, seed=5, threads=1)
    two = scan(place, time, circles, replications=19, seed=5, threads=2)
    assert np.array_equal(one.null, two.null)
    assert one.clusters == two.clusters
    assert not np.array_equal(one.null, scan(place, time, circles, replications=19, seed=6).null)
    x, y = grid()
    turn = np.random.default_rng(0).permutation(144)
    turned = scan(np.argsort(turn)[place], time, Circles.around(x[turn], y[turn]), replications=0)
    assert turned.clusters[0].llr == pytest.approx(one.clusters[0].llr)
    assert {int(turn[p]) for p in turned.clusters[0].places} == set(one.clusters[0].places)


def test_circles_along_the_streets():
    """Two banks of a river: near as the crow flies, far by the bridge."""
    x = np.arange(10) * 100.0
    bank = np.arange(10) % 2
    far = np.abs(x[:, None] - x) + 5000.0 * (bank[:, None] != bank)
    circles = Circles.along(far, max_distance=400)
    assert set(circles.place[circles.start[4] : circles.start[5]].tolist()) == {0, 2, 4, 6, 8}
    rng = np.random.default_rng(1)
    place = np.append(rng.integers(0, 10, 400), np.repeat([2, 4, 6], 12))
    time = np.append(rng.integers(0, 60, 400), rng.integers(50, 60, 36)) * DAY_S
    found = scan(place, time, circles, when="prospective", replications=99)
    assert set(found.clusters[0].places) == {2, 4, 6}
    assert found.clusters[0].radius <= 400
    from scipy import sparse

    near = np.where(far <= 400, far, 0.0)
    same = Circles.along(sparse.csr_array(near), max_distance=400)
    assert np.array_equal(same.place, circles.place)


def test_stopping_early_and_cancelling():
    circles, place, time, _ = planted(6, extra=0)
    found = scan(place, time, circles, when="prospective", replications=999, stop_after=5, seed=2)
    assert 5 <= len(found.null) < 999
    assert (found.null >= found.clusters[0].llr - 1e-9).sum() == 5
    assert found.clusters[0].p_value == pytest.approx(5 / len(found.null))
    job = Job()
    job.cancel()
    nothing = scan(place, time, circles, when="prospective", job=job)
    assert len(nothing.null) == 0
    assert math.isnan(nothing.clusters[0].p_value)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"place": [0], "time": [0.0]}, "too_few"),
        ({"place": [-1, -1, -1]}, "too_few"),
        ({"place": [1, 1, 1]}, "no_variation"),
        ({"time": [5.0, 5.0, 5.0]}, "no_variation"),
        ({"place": [0, 1, 9]}, "place"),
        ({"place": [0.5, 1.0, 2.0]}, "place"),
        ({"time": None}, "time"),
        ({"time": [0.0]}, "time"),
        ({"window": (0.0, 100.0)}, "window"),
        ({"when": "sometime"}, "when"),
        ({"when": "spatial"}, "model"),
        ({"model": "normal"}, "model"),
        ({"model": "poisson"}, "population"),
        ({"model": "poisson", "population": [0, 0, 0, 0]}, "population"),
        ({"model": "poisson", "population": [1, 1, 0, 1]}, "population"),
        ({"model": "poisson", "population": [1, 1]}, "population"),
        ({"model": "bernoulli"}, "controls"),
        ({"model": "bernoulli", "controls": ([], [])}, "controls"),
        ({"max_share": 0}, "max_share"),
        ({"max_share": 0.01}, "max_share"),
        ({"replications": -1}, "replications"),
        ({"max_slots": 0}, "max_slots"),
    ],
)
def test_bad_input_is_a_sentence(changes, code):
    given: dict[str, Any] = {
        "place": [0, 1, 2],
        "time": [0.0, DAY_S, 3 * DAY_S],
        "circles": Circles.around([0, 1, 2, 3], [0, 0, 0, 0]),
    }
    given |= changes
    with pytest.raises(AnlanError) as error:
        scan(**given)
    assert error.value.code == code


def test_circles_refuse_what_is_no_order():
    for bad, code in (
        (lambda: Circles.around([0, float("nan")], [0, 0]), "places"),
        (lambda: Circles.around([0, 1], [0, 0], max_radius_m=-1), "radius"),
        (lambda: Circles.along(np.array([[0, -1.0], [1, 0]])), "distance"),
        (lambda: Circles.along(np.zeros((2, 3))), "places"),
        (lambda: Circles(np.array([0, 2, 4]), np.array([0, 1, 1, 0]), np.array([0, 1, 5.0, 2])), "order"),
    ):
        with pytest.raises(AnlanError) as error:
            bad()
        assert error.value.code == code


def rows_of(*path: str) -> list[dict[str, str]]:
    data = os.environ.get("ANLAN_DATA")
    if data is None or not Path(data, *path).is_file():
        pytest.skip(f"ANLAN_DATA names no folder with {'/'.join(path)}")
    with Path(data, *path).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def celled(lon: Any, lat: Any, cell: float) -> tuple[Any, Circles]:
    x, y = (lon - lon.min()) * 111_320 * np.cos(np.radians(lat.mean())), (lat - lat.min()) * 110_940
    key, place = np.unique(np.column_stack([x // cell, y // cell]), axis=0, return_inverse=True)
    return place.ravel(), Circles.around(key[:, 0] * cell, key[:, 1] * cell, max_radius_m=5000)


def test_robberies_in_memphis():
    rows = rows_of("memphis", "incidents.csv")
    lon, lat = (np.array([float(r[k]) for r in rows]) for k in ("longitude", "latitude"))
    time = np.array([r["occurred_at"].rstrip("Z") for r in rows], "datetime64[s]").astype(float)
    place, circles = celled(lon, lat, 1000)
    found = scan(place, time, circles, replications=19, max_slots=60, seed=1)
    best = found.clusters[0]
    assert found.cases == len(rows)
    assert best.observed > 2 * best.expected
    assert 0 < best.to_s - best.from_s <= 60 * DAY_S
    assert best.radius <= 5000


def test_shootings_in_manhattan():
    rows = [r for r in rows_of("manhattan", "incidents.csv") if r["borough"] == "MANHATTAN"]
    lon, lat = (np.array([float(r[k]) for r in rows]) for k in ("longitude", "latitude"))
    time = np.array([f"{r['date']}T{r['time']}" for r in rows], "datetime64[s]").astype(float)
    place, circles = celled(lon, lat, 500)
    found = scan(place, time, circles, replications=19, max_slots=12, slot_s=28 * DAY_S, seed=1)
    assert found.cases == len(rows) > 2000
    assert found.clusters[0].llr > 0.8 * found.null.min()
