"""What a company spends besides compute: data, people, sales and marketing, the rest.

Training is here too, as events that need compute; :mod:`finance.compute` pays for it.
"""
