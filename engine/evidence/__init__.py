"""Measured runs: reading them, fitting the predictor to them, and how far off it is."""
