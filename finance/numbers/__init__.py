"""Kinds of numbers, checks of amounts, and ratios. No other part of finance is imported."""
