"""Measurements of this machine: single operations, short runs, load and memory."""
