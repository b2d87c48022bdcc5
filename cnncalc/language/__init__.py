"""The spec language: text → tokens → nodes → graph, and YAML, which makes the same nodes."""
