"""Comparison of accelerators on the page Cluster and layout."""
