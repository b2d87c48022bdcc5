"""Reports of an analysis: the columns they draw on, then one file per output format."""
