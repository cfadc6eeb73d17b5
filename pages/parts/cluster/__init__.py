"""Sections of the page of the cluster and the layout of training on it."""
