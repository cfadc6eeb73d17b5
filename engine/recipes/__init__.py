"""Recipes of training runs and their checks. Imports no torch."""
