"""Launching and watching runs. A run is a folder; one supervisor process owns it."""
