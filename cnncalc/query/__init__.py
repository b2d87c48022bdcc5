"""Look up a figure of an analysis by its path, and test conditions on figures."""
