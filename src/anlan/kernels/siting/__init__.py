"""Location search: covering sets, interchange, Lagrangian bounds. Demands are rows, sites are columns."""
