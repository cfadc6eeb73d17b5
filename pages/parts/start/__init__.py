"""Sections of the page Start: my scenarios, the six questions of a new one, and imports."""
