"""Sections of the Hardware page."""
