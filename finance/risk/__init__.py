"""Closed forms that simulations of risk are checked against."""
