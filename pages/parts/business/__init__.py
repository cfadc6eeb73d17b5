"""Sections of the Business page."""
