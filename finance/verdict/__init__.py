"""Verdict on a scenario: its inputs and what they move, checks of the plan, and comparisons."""
