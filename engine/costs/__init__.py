"""Costs of computing: failures, energy, GPU-hours, and the options to pay for them."""
