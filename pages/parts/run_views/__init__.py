"""Views of a run that several pages show."""
