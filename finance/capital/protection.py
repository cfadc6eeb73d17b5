"""Which shares a protection counts on a cap table, and the classes after an issue."""

from __future__ import annotations

from fractions import Fraction

from finance.capital.antidilution import Protection, adjusted_price
from finance.capital.table import ZERO, CapTable, Decided, StockClass, Term

_BY_PROTECTION = {
    Protection.FULL_RATCHET: Decided.FULL_RATCHET,
    Protection.NARROW_BASED: Decided.NARROW_BASED,
    Protection.NARROW_BASED_PREFERRED: Decided.NARROW_BASED,
}


def counted_against_dilution(table: CapTable, protection: Protection) -> Fraction:
    """The shares that a protection's average counts before an issue; a ratchet counts none."""
    match protection:
        case Protection.BROAD_BASED:
            return table.outstanding
        case Protection.BROAD_BASED_WITH_POOL:
            return table.fully_diluted
        case Protection.NARROW_BASED:
            return table.common + table.preferred
        case Protection.NARROW_BASED_PREFERRED:
            return table.preferred
        case _:
            return ZERO


def repriced(stock_class: StockClass, conversion_price: Fraction, by: str) -> StockClass:
    """The class at a conversion price, with the term that brought it there."""
    if conversion_price == stock_class.conversion_price:
        return stock_class
    term = Term(
        decided=_BY_PROTECTION.get(stock_class.protection, Decided.BROAD_BASED),
        price=conversion_price,
        in_round=by,
    )
    return stock_class.model_copy(
        update={"conversion_price": conversion_price, "conversion_term": term}
    )


def after_issue(
    table: CapTable, issued: Fraction, consideration: Fraction, by: str
) -> tuple[StockClass, ...]:
    """The classes after an issue of so many common shares, or what converts into them."""
    return tuple(
        repriced(
            one,
            adjusted_price(
                one.protection,
                one.conversion_price,
                counted_against_dilution(table, one.protection),
                issued,
                consideration,
            ),
            by,
        )
        if one.conversion_price is not None
        else one
        for one in table.classes
    )
