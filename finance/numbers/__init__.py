"""Kinds of numbers, checks of amounts, and ratios. Depends on no other part of finance."""
