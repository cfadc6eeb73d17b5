"""The shares that an anti-dilution protection counts, and the classes after an issue of stock."""

from __future__ import annotations

from fractions import Fraction

from finance.capital.antidilution import Protection, adjusted_price
from finance.capital.exact import ZERO
from finance.capital.table import CapTable, Decided, StockClass, Term

_DECIDED_BY = {
    Protection.FULL_RATCHET: Decided.FULL_RATCHET,
    Protection.NARROW_BASED: Decided.NARROW_BASED,
    Protection.NARROW_BASED_PREFERRED: Decided.NARROW_BASED,
}


def counted_against_dilution(table: CapTable, protection: Protection) -> Fraction:
    """Return the shares that a weighted average counts before an issue; 0 for a ratchet."""
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


def repriced(stock_class: StockClass, conversion_price: Fraction, issue: str) -> StockClass:
    """Return a class at a new conversion price, with the term that set it.

    ``issue`` is the name of the round or holding that lowered the price.
    """
    if conversion_price == stock_class.conversion_price:
        return stock_class
    term = Term(
        decided=_DECIDED_BY.get(stock_class.protection, Decided.BROAD_BASED),
        price=conversion_price,
        in_round=issue,
    )
    return stock_class.model_copy(
        update={"conversion_price": conversion_price, "conversion_term": term}
    )


def classes_after_issue(
    table: CapTable, issued: Fraction, consideration: Fraction, issue: str
) -> tuple[StockClass, ...]:
    """Return the classes of a table with conversion prices adjusted for an issue of stock.

    Parameters
    ----------
    issued
        Shares issued, as converted into common.
    consideration
        Amount paid for them, in the table's currency.
    issue
        Name of the holding issued.
    """
    return tuple(
        repriced(
            stock_class,
            adjusted_price(
                stock_class.protection,
                stock_class.conversion_price,
                counted_against_dilution(table, stock_class.protection),
                issued,
                consideration,
            ),
            issue,
        )
        if stock_class.conversion_price is not None
        else stock_class
        for stock_class in table.classes
    )
