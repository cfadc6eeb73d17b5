"""The conversion price of a SAFE or a note when the price of the round is known."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from engine.documents import InputError


class Deciding(StrEnum):
    """Term that sets a conversion price."""

    CAP = "cap"
    DISCOUNT = "discount"
    ROUND_PRICE = "round_price"


@dataclass(frozen=True, slots=True)
class ConversionPrice:
    """A conversion price and the term that set it."""

    price: Fraction
    deciding: Deciding


def conversion_price(
    round_price: Fraction | None,
    discount: Fraction = Fraction(0),
    cap_price: Fraction | None = None,
) -> ConversionPrice:
    """Return the lower of cap price and discounted round price; a tie goes to the cap.

    Raises
    ------
    InputError
        If there is neither a round's price nor a cap.
    """
    offers = []
    if cap_price is not None:
        offers.append(ConversionPrice(cap_price, Deciding.CAP))
    if round_price is not None:
        deciding = Deciding.DISCOUNT if discount else Deciding.ROUND_PRICE
        offers.append(ConversionPrice(round_price * (1 - discount), deciding))
    if not offers:
        raise InputError("price", "—", "conversion_price")
    return min(offers, key=lambda offer: offer.price)


def simplified_cap_price(cap: Fraction, pre_money: Fraction, round_price: Fraction) -> Fraction:
    """Return the round's price × cap ÷ pre-money, if both count the same shares (FundersClub)."""
    return round_price * cap / pre_money


def break_even_pre_money(cap: Fraction, discount: Fraction) -> Fraction:
    """Return the pre-money valuation at which cap and discount give the same price.

    Below it the discount is worth more. Cap and pre-money count the same shares, as in
    :func:`simplified_cap_price`.
    """
    return cap / (1 - discount)
