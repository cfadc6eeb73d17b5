"""Sections of the Plan page."""
