"""Make the embedded street network of the demo city from the source distribution of a public package.

The package index serves ``neatnet`` 0.1.6 as a source distribution whose test data hold the street network of
the Wuhan urban area (``data/wuhan_8989/original.parquet``), extracted from OpenStreetMap with OSMnx. This
script fetches that archive with pip, checks it, and writes ``src/anlan/city/demo/wuhan_roads.npz.xz``. The
same archive gives the same bytes.

    ./run python scripts/make_demo_roads.py [--archive neatnet-0.1.6.tar.gz] [--out FILE]

© OpenStreetMap contributors, Open Database License 1.0.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import lzma
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import depth_first_order

PACKAGE = "neatnet==0.1.6"
ARCHIVE_SHA256 = "a1f760e0875a7f42a778d86293c397b37ee61e71fba49769c2b3db30271a7fff"
MEMBER = "neatnet-0.1.6/data/wuhan_8989/original.parquet"
OUT = Path(__file__).parents[1] / "src/anlan/city/demo/wuhan_roads.npz.xz"


def main(argv: list[str] | None = None) -> None:
    """Fetch, check, convert, write."""
    parser = argparse.ArgumentParser(description="Make the embedded street network of the demo city.")
    parser.add_argument("--archive", type=Path, help="the source distribution, if it is already here")
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        archive = given.archive or download(Path(folder))
        table = read(archive)
    blob = encode(table)
    given.out.write_bytes(blob)
    print(f"{given.out.name}: {len(blob):,} bytes, sha256 {hashlib.sha256(blob).hexdigest()}")


def download(folder: Path) -> Path:
    """The source distribution, from whichever index pip is configured for."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--no-binary", "neatnet", "--dest", str(folder), PACKAGE]
    subprocess.run(command, check=True)
    (archive,) = folder.glob("neatnet-*.tar.gz")
    return archive


def read(archive: Path) -> bytes:
    """The Parquet file inside the archive, after its checksum was compared."""
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if digest != ARCHIVE_SHA256:
        raise SystemExit(f"{archive.name}: sha256 is {digest}, expected {ARCHIVE_SHA256}")
    with tarfile.open(archive) as tar:
        member = tar.extractfile(MEMBER)
        if member is None:
            raise SystemExit(f"{archive.name} has no {MEMBER}")
        return member.read()


def encode(parquet: bytes) -> bytes:
    """The compact form: see `anlan.city.demo.roads` for its arrays.

    Every street piece of the source is a straight line between two junctions, so nodes and pairs are the
    whole geometry. Nodes are numbered along a depth-first walk: neighbours get neighbouring numbers,
    differences are small, and the result compresses well and is kind to caches.
    """
    table = pq.read_table(io.BytesIO(parquet))
    lines = shapely.from_wkb(table["geometry"].to_numpy())
    ends = shapely.get_coordinates(lines)
    if len(ends) != 2 * len(lines):
        raise SystemExit("a street piece has more than two vertices")
    centimetres = np.rint(ends * 100.0).astype(np.int64)
    place, index = np.unique(centimetres, axis=0, return_inverse=True)
    pair = index.reshape(-1, 2)
    osm = osm_ids(table["u"].to_numpy(), table["v"].to_numpy(), pair, len(place))

    order = walk(pair, len(place))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    pair = np.sort(rank[pair], axis=1)
    classes, road_class = np.unique(
        table["highway"].to_numpy(zero_copy_only=False).astype(str), return_inverse=True
    )
    by = np.lexsort((road_class, pair[:, 1], pair[:, 0]))
    pair, road_class = pair[by], road_class[by]
    place = place[order]
    origin = place[0].copy()

    arrays = {
        "classes": np.array(classes.tolist()),
        "origin_cm": origin,
        "step_x_cm": np.diff(place[:, 0], prepend=origin[0]).astype(np.int32),
        "step_y_cm": np.diff(place[:, 1], prepend=origin[1]).astype(np.int32),
        "osm": osm[order],
        "tail_step": np.diff(pair[:, 0], prepend=0).astype(np.int32),
        "reach": (pair[:, 1] - pair[:, 0]).astype(np.int32),
        "road_class": road_class.astype(np.uint8),
    }
    raw = io.BytesIO()
    np.savez(raw, allow_pickle=False, **arrays)
    return lzma.compress(raw.getvalue(), preset=9 | lzma.PRESET_EXTREME)


def osm_ids(u: NDArray[np.int64], v: NDArray[np.int64], pair: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """OpenStreetMap's id of each place, shape (n,).

    The source's u and v are not in the order of the line's vertices. A node's place is the one that all its
    pieces share; a node with one neighbour takes the end that its neighbour leaves over. Where two
    OpenStreetMap nodes share a place, the smaller id is taken.
    """
    node, number = np.unique(np.concatenate([u, v]), return_inverse=True)
    u, v = np.split(number, 2)
    seen: list[set[int]] = [set() for _ in node]
    for a, b, ends in zip(u.tolist(), v.tolist(), map(set, pair.tolist()), strict=True):
        for i in (a, b):
            seen[i] = seen[i] & ends if seen[i] else ends
    for a, b in zip(u.tolist(), v.tolist(), strict=True):
        if len(seen[a]) == 2:
            seen[a] = seen[a] - seen[b]
        if len(seen[b]) == 2:
            seen[b] = seen[b] - seen[a]
    out = np.full(n, np.iinfo(np.int64).max)
    np.minimum.at(out, np.array([min(places) for places in seen]), node)
    if any(len(places) != 1 for places in seen) or out.max() == np.iinfo(np.int64).max:
        raise SystemExit("some nodes of the source cannot be placed")
    return out


def walk(pair: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """A depth-first order of all nodes; the network is one piece."""
    graph = coo_matrix((np.ones(len(pair)), (pair[:, 0], pair[:, 1])), (n, n)).tocsr()
    order, _ = depth_first_order(graph, 0, directed=False)
    if len(order) != n:
        raise SystemExit("the street network is not in one piece")
    return order.astype(np.int64)


if __name__ == "__main__":
    main()
