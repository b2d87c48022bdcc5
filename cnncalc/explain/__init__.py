"""Explanations of figures: the rules with their numbers, as values that a report renders."""
