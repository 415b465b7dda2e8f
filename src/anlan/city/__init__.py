"""The ground: roads, areas, sites, lines and calls; their readers; travel times."""
