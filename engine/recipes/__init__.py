"""Recipes of training runs and their checks; this package imports no torch."""
