"""Many tests at once: which findings stand when a thousand places were looked at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anlan.core.columns import Bools, Floats
from anlan.core.errors import AnlanError

METHODS = ("bh", "by", "holm")


def adjusted(p: Floats, method: str = "bh", *, family: int | None = None) -> Floats:
    """Adjusted p-values: a test stands at level α where its adjusted p-value is at most α.

    ``bh``: Benjamini, Y. and Hochberg, Y. (1995), *JRSS B* 57, 289-300; controls the share of false
    findings under independence and positive dependence, such as between neighbouring places. ``by``:
    Benjamini, Y. and Yekutieli, D. (2001), *Annals of Statistics* 29, 1165-1188; under any dependence.
    ``holm``: Holm, S. (1979), *Scandinavian Journal of Statistics* 6, 65-70; controls the chance of any
    false finding.

    Parameters
    ----------
    p : ndarray of float64, shape (n,)
        NaN marks a test that was not made: it stays NaN and does not count.
    method : {'bh', 'by', 'holm'}
    family : int, optional
        How many tests were made in all, where some with p = 1 are not listed; the listed ones by default.

    Returns
    -------
    ndarray of float64, shape (n,)
        Called q-values under ``bh`` and ``by``; in [p, 1].

    Raises
    ------
    AnlanError
        If a p-value lies outside [0, 1] or the method is unknown.
    """
    p = np.asarray(p, float)
    if method not in METHODS:
        raise AnlanError(f"method {method!r}", "it is bh, by or holm", "name one of these", code="fdr")
    made = np.isfinite(p)
    if (p[made] < 0).any() or (p[made] > 1).any():
        raise AnlanError("p-values", "they lie between 0 and 1", "give p-values, not z-scores", code="fdr")
    out = np.full(p.shape, np.nan)
    listed = int(made.sum())
    n = listed if family is None else family
    if n < listed:
        raise ValueError(f"{listed} tests in a family of {family}")
    if listed == 0:
        return out
    order = np.argsort(p[made], kind="stable")
    ranked = p[made][order]
    rank = np.arange(1, listed + 1)
    if method == "holm":
        stepped = np.maximum.accumulate(ranked * (n - rank + 1))
    else:
        price = float((1.0 / np.arange(1, n + 1)).sum()) if method == "by" else 1.0
        stepped = np.minimum.accumulate((ranked * n * price / rank)[::-1])[::-1]
    back = np.empty(listed)
    back[order] = np.minimum(stepped, 1.0)
    out[made] = back
    return out


def rejected(p: Floats, level: float = 0.05, method: str = "bh") -> Bools:
    """Which tests stand at a level, shape (n,); see `adjusted`."""
    result: NDArray[np.bool_] = adjusted(p, method) <= level
    return result


def simes(p: NDArray[np.float64]) -> Floats:
    """One p-value for several tests of the same thing, shape (n,) from (n_test, n).

    The least of k p_(j) / j over the ordered p-values. It holds its level under independence and positive
    dependence, as between sums of weeks of which one contains the other. (Simes, R. J. (1986), "An improved
    Bonferroni procedure for multiple tests of significance", *Biometrika* 73, 751-754; Sarkar, S. K. (1998),
    *Annals of Statistics* 26, 494-504.)
    """
    ordered = np.sort(np.atleast_2d(np.asarray(p, float)), axis=0)
    k = len(ordered)
    combined: Floats = np.minimum((ordered * (k / np.arange(1.0, k + 1))[:, None]).min(axis=0), 1.0)
    return combined
