"""Sections of the page Summary."""
