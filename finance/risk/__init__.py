"""Closed forms that simulations must agree with."""
