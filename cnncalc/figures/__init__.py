"""What is counted on a graph: one file for each kind of figure."""
