"""Sections of the page Assumptions."""
