"""Comparison of networks: alignment of their layers, the differences of two, and a row for each of several."""
