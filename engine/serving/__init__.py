"""Serving a trained model: what a replica holds, how fast it answers, what a load takes."""
