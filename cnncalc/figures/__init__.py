"""Figures computed on a graph, one file for each kind."""
