"""The spec language: text → tokens → nodes → graph, and YAML, which yields the same nodes."""
