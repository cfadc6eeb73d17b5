"""Costs other than compute: data, people, marketing and other spending.

The package also holds training schedules and events; :mod:`finance.compute` computes their cost.
"""
