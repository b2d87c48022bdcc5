"""Reports of an analysis: the columns they are made of, and one file per output format."""
