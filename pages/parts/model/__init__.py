"""Sections of the page Models."""
