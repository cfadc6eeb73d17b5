"""Sections of the page that answers what to train."""
