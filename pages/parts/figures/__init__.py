"""Figures as plain data: their marks, their axes in the reader's units, and their data as CSV."""
