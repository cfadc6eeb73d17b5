"""Sections of the Scaling page."""
