"""Unit factors that the engine, the finance package and the pages share.

Every name has the form ``<SMALL UNIT>_PER_<LARGE UNIT>``. A year has 365.25 days and a month is a
twelfth of a year, except in payment terms, which count months of 30 days
(:data:`DAYS_PER_PAYMENT_MONTH`).
"""

from __future__ import annotations

SECONDS_PER_HOUR = 3600.0
SECONDS_PER_DAY = 86_400
MINUTES_PER_HOUR = 60
HOURS_PER_DAY = 24
DAYS_PER_PAYMENT_MONTH = 30
"""Days in a month by the usage of invoices and payment terms."""
DAYS_PER_YEAR = 365.25
HOURS_PER_YEAR = HOURS_PER_DAY * DAYS_PER_YEAR
MONTHS_PER_YEAR = 12
HOURS_PER_MONTH = HOURS_PER_YEAR / MONTHS_PER_YEAR

BYTES_PER_MB = 1e6
BYTES_PER_GB = 1e9
BYTES_PER_GIB = 2.0**30

TOKENS_PER_MILLION = 1_000_000
"""Tokens in the unit in which their prices are quoted."""

FLOPS_PER_TFLOP = 1e12
WATTS_PER_KW = 1000.0
GRAMS_PER_KG = 1000.0
MICROSECONDS_PER_SECOND = 1e6
