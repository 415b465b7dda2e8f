from typing import Any

import numpy as np
import pytest

from anlan import hotspots
from anlan.city.roads import Edges, Roads
from anlan.core.errors import AnlanError
from anlan.model import Positions


def streets(pairs: Any, lengths: Any) -> Roads:
    """A network drawn on a line: only its topology and lengths matter here."""
    n = len(pairs)
    u, v = np.array(pairs, dtype=np.int32).T
    edges = Edges.make(id=[f"e{i}" for i in range(n)], u=u, v=v, road_class=["street"] * n, length_m=lengths)
    nodes = int(max(u.max(), v.max())) + 1
    xy = np.column_stack([u, v]).ravel().astype(float)
    return Roads(
        edges,
        np.arange(0, 2 * n + 1, 2),
        xy,
        np.zeros(2 * n),
        np.arange(nodes).astype(np.float64),
        np.zeros(nodes),
    )


def event(edge: int, offset: float) -> Positions:
    return Positions(np.array([edge], np.int32), np.array([offset]))


def mesh(seed: int, n: int = 6, short: float = 20.0) -> Roads:
    """A square grid town with random block lengths and one dead end."""
    rng = np.random.default_rng(seed)
    at: Any = np.arange(n * n).reshape(n, n)
    pairs: list[Any] = [*zip(at[:, :-1].ravel(), at[:, 1:].ravel()), *zip(at[:-1].ravel(), at[1:].ravel())]  # noqa: B905
    pairs.append((at[0, 0], n * n))
    return streets(pairs, rng.uniform(short, 100.0, len(pairs)))


def quartic(t: float, h: float) -> float:
    return 15 / (16 * h) * (1 - (t / h) ** 2) ** 2 if t < h else 0.0


def by_paths(roads: Roads, edge: int, offset: float, h: float, lixel: Any, split: str) -> Any:
    """Okabe and Sugihara's algorithm: follow every path from the event until the kernel ends."""
    e, length = roads.edges, roads.edges.length_m
    out = np.zeros(len(lixel.value))
    middle = (lixel.from_m + lixel.to_m) / 2
    incident: list[list[tuple[int, int]]] = [[] for _ in range(roads.n_nodes)]
    for i in range(len(roads)):
        incident[e.u[i]].append((i, 0))
        incident[e.v[i]].append((i, 1))
    for i in range(lixel.first[edge], lixel.first[edge + 1]):
        out[i] += quartic(abs(middle[i] - offset), h)
    stack = [
        (int(e.v[edge]), (edge, 1), length[edge] - offset, 1.0),
        (int(e.u[edge]), (edge, 0), offset, 1.0),
    ]
    while stack:
        node, back, gone, share = stack.pop()
        if gone >= h:
            continue
        n = len(incident[node])
        for arc in incident[node]:
            onward = 0.0 if arc == back else 1 / (n - 1)
            part = 2 / n - (arc == back) if split == "continuous" else onward
            if part == 0:
                continue
            i, end = arc
            for q in range(lixel.first[i], lixel.first[i + 1]):
                away = middle[q] if end == 0 else length[i] - middle[q]
                out[q] += share * part * quartic(gone + away, h)
            far = (int(e.v[i]), (i, 1)) if end == 0 else (int(e.u[i]), (i, 0))
            stack.append((*far, gone + length[i], share * part))
    return out * 1000


@pytest.mark.parametrize("split", ["continuous", "discontinuous"])
@pytest.mark.parametrize("short", [20.0, 80.0])
def test_density_equals_the_sum_over_all_paths(split, short):
    roads = mesh(4, short=short)
    rng = np.random.default_rng(0)
    edge = rng.integers(0, len(roads), 5).astype(np.int32)
    offset = rng.uniform(0, roads.edges.length_m[edge])
    found = hotspots.network_kde(roads, Positions(edge, offset), bandwidth_m=260.0, lixel_m=15.0, split=split)
    true = sum(
        by_paths(roads, int(e), float(o), 260.0, found, split) for e, o in zip(edge, offset, strict=True)
    )
    assert np.abs(found.value - true).max() < 1e-3 * true.max()


def test_one_long_street_is_the_plain_kernel():
    roads = streets([(0, 1)], [1000.0])
    found = hotspots.network_kde(roads, event(0, 500.0), bandwidth_m=200.0, lixel_m=10.0)
    middle = (found.from_m + found.to_m) / 2
    assert found.value == pytest.approx([1000 * quartic(abs(m - 500), 200) for m in middle])


def test_cutting_a_street_in_two_changes_nothing():
    whole = hotspots.network_kde(streets([(0, 1)], [400.0]), event(0, 120.0), bandwidth_m=150.0)
    cut = streets([(0, 1), (1, 2)], [200.0, 200.0])
    halves = hotspots.network_kde(cut, event(0, 120.0), bandwidth_m=150.0)
    assert halves.value == pytest.approx(whole.value, abs=1e-3 * whole.value.max())


@pytest.mark.parametrize("kernel", ["quartic", "gaussian"])
def test_the_continuous_kernel_keeps_every_call(kernel):
    roads = mesh(9, n=12)
    rng = np.random.default_rng(1)
    edge = rng.integers(0, len(roads), 300).astype(np.int32)
    at = Positions(edge, rng.uniform(0, roads.edges.length_m[edge]))
    found = hotspots.network_kde(roads, at, bandwidth_m=120.0, lixel_m=4.0, kernel=kernel)
    mass = (found.value / 1000 * (found.to_m - found.from_m)).sum()
    assert mass == pytest.approx(300, rel=1e-3)
    weighed = hotspots.network_kde(
        roads, at, np.full(300, 2.0), bandwidth_m=120.0, lixel_m=4.0, kernel=kernel
    )
    assert weighed.value == pytest.approx(2 * found.value)


def test_the_discontinuous_kernel_splits_evenly_at_a_crossing():
    """A cross of four streets, one event on the first, at its junction end."""
    roads = streets([(0, 4), (1, 4), (2, 4), (3, 4)], [300.0] * 4)
    found = hotspots.network_kde(
        roads, event(0, 299.0), bandwidth_m=100.0, lixel_m=10.0, split="discontinuous"
    )
    ends = [found.value[found.first[e + 1] - 1] for e in range(4)]
    assert ends[1:] == pytest.approx([1000 * quartic(6.0, 100.0) / 3] * 3, rel=1e-3)
    assert found.by_edge()[1] == pytest.approx(found.by_edge()[3])


def test_bad_settings_get_a_sentence():
    roads = streets([(0, 1)], [100.0])
    with pytest.raises(AnlanError, match="snap the calls"):
        hotspots.network_kde(roads, event(-1, 0.0), bandwidth_m=50.0)
    with pytest.raises(AnlanError, match="continuous or discontinuous"):
        hotspots.network_kde(roads, event(0, 0.0), bandwidth_m=50.0, split="no")
