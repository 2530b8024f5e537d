"""A report of an experiment: one HTML file that needs nothing beside it."""
