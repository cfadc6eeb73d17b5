"""Figures that are read off the books: indicators, unit economics, covenants, projections."""
