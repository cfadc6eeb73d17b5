"""Sections of the Evidence page."""
