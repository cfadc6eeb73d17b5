"""Anti-dilution: the conversion price of a series after a later issue below it.

After the NVCA Model Certificate of Incorporation (October 2025), 4.4.4. Each series is tested and
adjusted against its own conversion price, with the shares outstanding before the issue, so the
order in which several series are adjusted does not matter.
"""

from __future__ import annotations

from enum import StrEnum
from fractions import Fraction

from engine.documents import InputError


class Protection(StrEnum):
    """What a series is promised; the weighted averages differ in the shares that count."""

    NONE = "none"
    BROAD_BASED = "broad_based"
    """Common and preferred stock as converted, granted options and warrants (NVCA)."""
    BROAD_BASED_WITH_POOL = "broad_based_with_pool"
    """Options not yet granted too."""
    NARROW_BASED = "narrow_based"
    """Common and preferred stock as converted."""
    NARROW_BASED_PREFERRED = "narrow_based_preferred"
    """Preferred stock as converted alone."""
    FULL_RATCHET = "full_ratchet"


def weighted_average_price(
    conversion_price: Fraction,
    outstanding: Fraction,
    issued: Fraction,
    consideration: Fraction,
) -> Fraction:
    """CP2 = CP1 × (A + B) ÷ (A + C), B = consideration ÷ CP1.

    ``outstanding`` is A, ``issued`` C. Never above CP1: an issue at or above it changes nothing.
    """
    if consideration >= conversion_price * issued:
        return conversion_price
    bought = consideration / conversion_price
    return conversion_price * (outstanding + bought) / (outstanding + issued)


def full_ratchet_price(
    conversion_price: Fraction, issued: Fraction, consideration: Fraction
) -> Fraction:
    """CP2 = the price of the new issue, if it is below CP1.

    Raises
    ------
    InputError
        For an issue without consideration: the price would be zero. The NVCA form deems an
        amount received then, which must be given.
    """
    if consideration == 0:
        raise InputError("price", "0", "ratchet_consideration")
    return min(conversion_price, consideration / issued)


def conversion_ratio(issue_price: Fraction, conversion_price: Fraction) -> Fraction:
    """Common shares for one preferred share (NVCA 4.1.1)."""
    return issue_price / conversion_price


def adjusted_price(
    protection: Protection,
    conversion_price: Fraction,
    outstanding: Fraction,
    issued: Fraction,
    consideration: Fraction,
) -> Fraction:
    """The conversion price after an issue, by what the series is promised."""
    if protection is Protection.NONE:
        return conversion_price
    if protection is Protection.FULL_RATCHET:
        return full_ratchet_price(conversion_price, issued, consideration)
    return weighted_average_price(conversion_price, outstanding, issued, consideration)
