"""Rounds, ownership and exits of a company, as founders and investors view them."""
