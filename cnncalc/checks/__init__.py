"""Checks of files: their syntax, the budgets that they and the project's configuration set, and what changes."""
