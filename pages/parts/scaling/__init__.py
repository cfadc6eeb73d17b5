"""Budgets, fitted runs and repeated data on the page What to train."""
