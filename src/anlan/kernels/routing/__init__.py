"""Shortest paths by a customisable contraction hierarchy on a nested-dissection order.

The stages, one module each (Dibbelt, Strasser, Wagner 2016, Customizable Contraction Hierarchies, ACM Journal
of Experimental Algorithmics 21:1.5):

- `order`: a rank for each node by nested dissection; metric-independent.
- `topology`: the chordal completion and its elimination tree; metric-independent.
- `customise`: weights for one set of travel times; this alone is repeated when speeds change.
- `hierarchy`: these three put together.
- `sweep`: one-to-all and many-to-many, 32 sources at a time (PHAST, RPHAST).
- `potential`: one-to-one, nearest units, paths and trees.
- `reach`: everything within a limit, by a bucket queue on the network's own arcs.

Building works in **ranks**: rank r is the r-th lowest in the elimination order. Searching works in **rows**:
row 0 is the highest rank, so that a sweep reads memory forwards. Times are int32 ticks; `customise.INF` is
unreachable, and twice it still fits.
"""
