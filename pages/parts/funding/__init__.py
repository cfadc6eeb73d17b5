"""Sections of the Funding page."""
