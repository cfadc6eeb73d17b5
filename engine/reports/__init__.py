"""Forecasts, comparisons and scores as tables of text."""
