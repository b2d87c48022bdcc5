"""Lookup of figures by their paths, and conditions on figures."""
