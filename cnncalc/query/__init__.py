"""Asking an analysis: one figure by its path, and conditions on figures."""
