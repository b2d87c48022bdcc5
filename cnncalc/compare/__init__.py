"""Compare networks: align their layers, list the differences of two, and have a row for each of several."""
