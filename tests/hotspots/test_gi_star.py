import warnings

import numpy as np
import pytest
from scipy import sparse

from anlan import hotspots
from anlan.city.roads import Edges, Roads
from anlan.core.errors import AnlanError
from anlan.hotspots import Box, Disk, Rook
from anlan.hotspots.neighbours import grid_weights, neighbour_counts, street_weights, sums

NEAR = [Disk(1.5), Disk(3.0), Disk(2.3), Disk(21.0), Box(1), Box(3), Rook()]


@pytest.mark.parametrize("near", NEAR)
def test_sums_are_sums(near):
    values = np.random.default_rng(0).uniform(0, 5, (17, 23))
    foot = near.footprint()
    r = foot.shape[0] // 2
    padded = np.pad(values, r)
    by_hand = sum(
        foot[i, j] * padded[i : i + 17, j : j + 23] for i in range(2 * r + 1) for j in range(2 * r + 1)
    )
    assert np.abs(sums(values, near) - by_hand).max() < 1e-10
    whole = np.rint(values)
    assert (sums(whole, near) == np.rint(sums(whole, near))).all()


@pytest.mark.parametrize("shape", [(1, 1), (2, 9), (7, 7), (30, 5), (51, 64)])
@pytest.mark.parametrize("near", NEAR)
def test_neighbours_are_counted(near, shape):
    assert (neighbour_counts(shape, near) == sums(np.ones(shape), near)).all()


@pytest.mark.parametrize("near", [n for n in NEAR if n != Disk(21.0)])
def test_equal_to_esda(near):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from esda.getisord import G_Local
        from libpysal.weights import WSP

    values = np.random.default_rng(1).poisson(2.0, (14, 11)).astype(float)
    weights = grid_weights(near, values.shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        w = WSP(sparse.csr_matrix(weights)).to_W(silence_warnings=True)
        theirs = G_Local(values.ravel(), w, transform="B", permutations=0, star=True)
    assert np.abs(hotspots.gi_star(values, near).z.ravel() - theirs.Zs).max() < 1e-9
    assert np.abs(hotspots.gi_star(values.ravel(), weights).z - theirs.Zs).max() < 1e-9


def test_no_data_counts_nowhere():
    values = np.random.default_rng(2).poisson(3.0, (12, 12)).astype(float)
    holes = values.copy()
    holes[3:6, 4:8] = np.nan
    inside = np.isfinite(holes)
    found = hotspots.gi_star(holes, Disk(2.0))
    assert np.isnan(found.z[~inside]).all()
    weights = grid_weights(Disk(2.0), holes.shape, inside)
    keep = inside.ravel()
    small = weights[keep][:, keep]
    assert found.z[inside] == pytest.approx(hotspots.gi_star(holes[inside], small).z)
    assert hotspots.gi_star(values, Disk(2.0), inside=inside).z[inside] == pytest.approx(found.z[inside])


def test_distance_weights_follow_the_formula():
    rng = np.random.default_rng(3)
    x, w = rng.poisson(4.0, 30).astype(float), rng.uniform(0.1, 1.0, (30, 30))
    w *= rng.random((30, 30)) < 0.3
    np.fill_diagonal(w, 1.0)
    total, s2 = w.sum(1), (w**2).sum(1)
    by_hand = (w @ x - x.mean() * total) / (x.std() * np.sqrt((30 * s2 - total**2) / 29))
    assert hotspots.gi_star(x, sparse.csr_array(w)).z == pytest.approx(by_hand)


def test_a_planted_cluster_is_hot_and_the_rest_is_not():
    rng = np.random.default_rng(4)
    values = rng.poisson(2.0, (60, 60))
    values[20:26, 30:36] = rng.poisson(8.0, (6, 6))
    hot = hotspots.gi_star(values, Disk(2.0)).hot()
    assert hot[21:25, 31:35].all()
    hot[17:29, 27:39] = False
    assert hot.sum() <= 5


def test_a_neighbourhood_of_the_whole_city_says_nothing():
    found = hotspots.gi_star(np.arange(9.0).reshape(3, 3), Box(5))
    assert (found.z == 0).all()


def test_equal_values_get_a_sentence():
    with pytest.raises(AnlanError, match="all 4"):
        hotspots.gi_star(np.full((5, 5), 4.0), Rook())
    with pytest.raises(AnlanError, match="at least three values"):
        hotspots.gi_star(np.array([[1.0, np.nan]]), Rook())


def test_street_neighbours_share_a_junction_or_lie_within_reach():
    u, v = np.array([0, 1, 2, 1], np.int32), np.array([1, 2, 3, 4], np.int32)
    edges = Edges.make(id=list("abcd"), u=u, v=v, road_class=["street"] * 4, length_m=[100.0, 50, 30, 400])
    roads = Roads(edges, np.arange(0, 9, 2), np.zeros(8), np.zeros(8), np.zeros(5), np.zeros(5))
    near = street_weights(roads).toarray()
    assert near[0].tolist() == [0, 1, 0, 1]
    assert near[2].tolist() == [0, 1, 0, 0]
    far = street_weights(roads, within_m=130.0).toarray()
    assert far[0].tolist() == [0, 1, 1, 0]  # middles are 75 and 115 m away; the long street 250 m
