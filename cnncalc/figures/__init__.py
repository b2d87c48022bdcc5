"""The figures that are counted on a graph: one file for each kind."""
