"""Figures derived from the books: indicators, unit economics, covenants, projections."""
