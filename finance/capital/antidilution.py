"""Anti-dilution: the conversion price of a series after a later issue below it.

The formulas are those of the NVCA Model Certificate of Incorporation (October 2025), 4.4.4. Each
series is tested and adjusted against its own conversion price, with the shares outstanding before
the issue, so that the order in which several series are adjusted does not matter.
"""

from __future__ import annotations

from enum import StrEnum
from fractions import Fraction

from engine.documents import InputError


class Protection(StrEnum):
    """Protection of a series; the weighted averages differ in the shares that they count."""

    NONE = "none"
    BROAD_BASED = "broad_based"
    """Counts common and preferred stock as converted, granted options and warrants (NVCA)."""
    BROAD_BASED_WITH_POOL = "broad_based_with_pool"
    """Counts the same shares and the options not yet granted."""
    NARROW_BASED = "narrow_based"
    """Counts common and preferred stock as converted."""
    NARROW_BASED_PREFERRED = "narrow_based_preferred"
    """Counts only preferred stock, as converted."""
    FULL_RATCHET = "full_ratchet"
    """Lowers the conversion price to the price of the new issue."""


def weighted_average_price(
    conversion_price: Fraction,
    outstanding: Fraction,
    issued: Fraction,
    consideration: Fraction,
) -> Fraction:
    """Return CP2 = CP1 × (A + B) ÷ (A + C), where B = consideration ÷ CP1.

    A is ``outstanding``, C is ``issued``, CP1 is ``conversion_price``. An issue at or above CP1
    changes nothing.
    """
    if consideration >= conversion_price * issued:
        return conversion_price
    bought = consideration / conversion_price
    return conversion_price * (outstanding + bought) / (outstanding + issued)


def full_ratchet_price(
    conversion_price: Fraction, issued: Fraction, consideration: Fraction
) -> Fraction:
    """Return the lower of the conversion price and the price of the new issue.

    Raises
    ------
    InputError
        If the issue has no consideration: the price would be zero. The NVCA form then deems an
        amount received, which must be stated.
    """
    if consideration == 0:
        raise InputError("price", "0", "ratchet_consideration")
    return min(conversion_price, consideration / issued)


def conversion_ratio(issue_price: Fraction, conversion_price: Fraction) -> Fraction:
    """Return the common shares that one preferred share converts into (NVCA 4.1.1)."""
    return issue_price / conversion_price


def adjusted_price(
    protection: Protection,
    conversion_price: Fraction,
    outstanding: Fraction,
    issued: Fraction,
    consideration: Fraction,
) -> Fraction:
    """Return the conversion price of a series after an issue, by its protection."""
    if protection is Protection.NONE:
        return conversion_price
    if protection is Protection.FULL_RATCHET:
        return full_ratchet_price(conversion_price, issued, consideration)
    return weighted_average_price(conversion_price, outstanding, issued, consideration)
