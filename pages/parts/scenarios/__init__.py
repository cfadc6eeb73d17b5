"""Scenarios as the frame and the page Start manage them."""
