"""Covering sets: which sites reach a demand, demands with equal sets merged, the transposed view."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
F64 = NDArray[np.float64]
U64 = NDArray[np.uint64]
B8 = NDArray[np.bool_]


@njit(cache=True, nogil=True)
def rows_in_reach(
    cost: NDArray[np.floating], reach: float, allowed: B8, first: int, start: I64, column: I32
) -> int:
    """The allowed columns with ``cost <= reach`` of the rows of a dense matrix, from row ``first`` on.

    Fills ``start`` (n + 1,) and ``column`` and stops before a row that might not fit.

    Returns
    -------
    The row to go on from, n when all are done.
    """
    n, m = cost.shape
    room = len(column)
    k = np.int64(0)
    start[first] = 0
    for i in range(first, n):
        if k + m > room:
            return i
        for j in range(m):
            column[k] = j
            k += (cost[i, j] <= reach) & allowed[j]
        start[i + 1] = k
    return n


@njit(cache=True, nogil=True)
def sparse_in_reach(
    indptr: I64, indices: I32, data: NDArray[np.floating], reach: float, allowed: B8
) -> tuple[I64, I32]:
    """As `rows_in_reach`, for a compressed sparse row matrix whose absent cells are out of reach."""
    n = len(indptr) - 1
    start = np.zeros(n + 1, np.int64)
    k = np.int64(0)
    for i in range(n):
        for a in range(indptr[i], indptr[i + 1]):
            k += (data[a] <= reach) & allowed[indices[a]]
        start[i + 1] = k
    column = np.empty(k, np.int32)
    k = np.int64(0)
    for a in range(len(indices)):
        if data[a] <= reach and allowed[indices[a]]:
            column[k] = indices[a]
            k += 1
    return start, column


@njit(cache=True, nogil=True)
def merge_rows(start: I64, column: I32, key: U64, group: I32, first: I32) -> int:
    """Group rows with the same set of columns.

    ``key`` (2, m) holds random 64-bit words: a set's name is the pair of sums of its words (mod 2**64),
    so two different sets share a name with probability 2**-128 per pair of rows.

    Fills ``group`` (n,), the group of each row, numbered by first appearance, -1 for empty rows, and
    ``first`` (n,), the first row of each group.

    Returns
    -------
    The number of groups.
    """
    n = len(start) - 1
    size = 16
    while size < 2 * n:
        size *= 2
    mask = size - 1
    table = np.full(size, -1, np.int32)
    name = np.empty((n, 2), np.uint64)
    k = 0
    for i in range(n):
        group[i] = -1
        if start[i] == start[i + 1]:
            continue
        h0 = np.uint64(0)
        h1 = np.uint64(0)
        for a in range(start[i], start[i + 1]):
            h0 += key[0, column[a]]
            h1 += key[1, column[a]]
        at = np.int64(h0 & np.uint64(mask))
        while True:
            g = table[at]
            if g < 0:
                table[at] = k
                name[k, 0] = h0
                name[k, 1] = h1
                first[k] = i
                group[i] = k
                k += 1
                break
            if name[g, 0] == h0 and name[g, 1] == h1:
                group[i] = g
                break
            at = (at + 1) & mask
    return k


@njit(cache=True, nogil=True)
def take_rows(start: I64, column: I32, rows: I32) -> tuple[I64, I32]:
    """Some rows of a row-wise structure, in the given order."""
    out = np.zeros(len(rows) + 1, np.int64)
    for k in range(len(rows)):
        out[k + 1] = out[k] + start[rows[k] + 1] - start[rows[k]]
    taken = np.empty(out[-1], np.int32)
    for k in range(len(rows)):
        a = start[rows[k]]
        for b in range(out[k], out[k + 1]):
            taken[b] = column[a]
            a += 1
    return out, taken


@njit(cache=True, nogil=True)
def transpose(start: I64, column: I32, m: int) -> tuple[I64, I32]:
    """The rows of each column, ascending."""
    out = np.zeros(m + 1, np.int64)
    for a in range(len(column)):
        out[column[a] + 1] += 1
    for j in range(m):
        out[j + 1] += out[j]
    at = np.empty(m, np.int64)
    for j in range(m):
        at[j] = out[j]
    row = np.empty(len(column), np.int32)
    for i in range(len(start) - 1):
        for a in range(start[i], start[i + 1]):
            j = column[a]
            row[at[j]] = i
            at[j] += 1
    return out, row


@njit(cache=True, nogil=True)
def two_nearest(cost: NDArray[np.floating], sites: I64) -> tuple[I64, F64, I64, F64]:
    """The nearest and second nearest of some sites for each row of a dense matrix.

    Returns positions in ``sites`` (-1 where out of reach) and costs (infinite there). The first of equal
    ones wins.
    """
    n = cost.shape[0]
    one = np.full(n, -1, np.int64)
    two = np.full(n, -1, np.int64)
    d1 = np.full(n, np.inf)
    d2 = np.full(n, np.inf)
    for i in range(n):
        for k in range(len(sites)):
            d = cost[i, sites[k]]
            if d < d1[i]:
                d2[i] = d1[i]
                two[i] = one[i]
                d1[i] = d
                one[i] = k
            elif d < d2[i]:
                d2[i] = d
                two[i] = k
    return one, d1, two, d2


@njit(cache=True, nogil=True)
def sparse_two_nearest(
    indptr: I64, indices: I32, data: NDArray[np.floating], position: I64
) -> tuple[I64, F64, I64, F64]:
    """As `two_nearest` for a sparse matrix; ``position`` (m,) is a site's place among the open ones or -1."""
    n = len(indptr) - 1
    one = np.full(n, -1, np.int64)
    two = np.full(n, -1, np.int64)
    d1 = np.full(n, np.inf)
    d2 = np.full(n, np.inf)
    for i in range(n):
        for a in range(indptr[i], indptr[i + 1]):
            k = position[indices[a]]
            if k < 0:
                continue
            d = data[a]
            if d < d1[i]:
                d2[i] = d1[i]
                two[i] = one[i]
                d1[i] = d
                one[i] = k
            elif d < d2[i]:
                d2[i] = d
                two[i] = k
    return one, d1, two, d2


@njit(cache=True, nogil=True)
def transpose_places(start: I64, column: I32, m: int) -> tuple[I64, I64, I32]:
    """The places of each column in ``column``, ascending, and the row of each place."""
    out = np.zeros(m + 1, np.int64)
    for a in range(len(column)):
        out[column[a] + 1] += 1
    for j in range(m):
        out[j + 1] += out[j]
    at = np.empty(m, np.int64)
    for j in range(m):
        at[j] = out[j]
    place = np.empty(len(column), np.int64)
    row = np.empty(len(column), np.int32)
    for i in range(len(start) - 1):
        for a in range(start[i], start[i + 1]):
            j = column[a]
            place[at[j]] = a
            at[j] += 1
            row[a] = i
    return out, place, row
