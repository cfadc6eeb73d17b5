"""Sections of the page of costs and people."""
