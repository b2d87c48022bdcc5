"""Why the figures are what they are: the rules with numbers in them, as values that a report writes out."""
