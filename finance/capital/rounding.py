"""Turn the exact price of a round into share counts, by the rounding that the round agreed on."""

from __future__ import annotations

from fractions import Fraction

from engine.documents import InputError
from finance.capital.antidilution import adjusted_price
from finance.capital.conversion import Deciding
from finance.capital.exact import ZERO
from finance.capital.round_terms import Conversion, Converting, PricedShares, RoundTerms


def rounded_shares(
    terms: RoundTerms, exact_price: Fraction, exact_pool: Fraction, by_cap: tuple[bool, ...]
) -> PricedShares:
    """Return the share counts of a round from its exact solution.

    The order is that of YC's guide: first the price, then the securities that convert at a price
    that is known, last those whose cap counts their own shares. Each step uses the rounded
    figures of the steps before it.

    Parameters
    ----------
    exact_price
        Price of one share before rounding.
    exact_pool
        Options not granted after the round, before rounding.
    by_cap
        For each of ``terms.converting``, whether it converts at its cap.

    Raises
    ------
    InputError
        If the price rounds to zero.
    """
    rounding = terms.rounding
    price = rounding.price(exact_price)
    if price == 0:
        raise InputError("rounding.price_decimals", rounding.price_decimals, "rounds_to_zero")
    new_shares = rounding.sold(terms.new_money / price)
    pool = terms.pool + rounding.converted(exact_pool - terms.pool)
    conversion_prices = tuple(
        rounding.price(
            adjusted_price(
                series.protection, series.conversion_price, series.outstanding,
                new_shares, terms.new_money,
            )
        )
        for series in terms.protected
    )  # fmt: skip
    adjustment_shares = sum(
        (
            series.shares * series.issue_price * (1 / after - 1 / series.conversion_price)
            for series, after in zip(terms.protected, conversion_prices, strict=True)
        ),
        ZERO,
    )
    before = terms.outstanding + (adjustment_shares if terms.adjustments_in_pre_money else 0)

    def shares_counted(security: Converting) -> Fraction:
        """Return the shares that a cap is divided by, without those that convert."""
        if security.cap_shares is not None:
            return security.cap_shares
        in_pool = pool if security.counted.pool_increase else terms.pool
        return before + (in_pool if security.counted.pool else 0)

    conversions: list[Conversion | None] = []
    for security, at_cap in zip(terms.converting, by_cap, strict=True):
        if at_cap and security.counts_itself:
            conversions.append(None)  # computed below, when all others are known
            continue
        if security.cap is not None and at_cap:
            at = rounding.price(security.cap / shares_counted(security))
            deciding = Deciding.CAP
        else:
            at = rounding.price(price * (1 - security.discount))
            deciding = Deciding.DISCOUNT if security.discount else Deciding.ROUND_PRICE
        conversions.append(Conversion(rounding.converted(security.amount / at), at, deciding))

    # Let b be the shares that a security counts, f = amount ÷ cap its part, and C all shares that
    # convert. It gets f·(b + C), so that C = known + Σ f·b + C·Σ f.
    known = sum((conversion.shares for conversion in conversions if conversion is not None), ZERO)
    parts = [
        (security.amount / security.cap, shares_counted(security))
        for security, conversion in zip(terms.converting, conversions, strict=True)
        if conversion is None and security.cap is not None
    ]
    converted = (known + sum((part * counted for part, counted in parts), ZERO)) / (
        1 - sum((part for part, _ in parts), ZERO)
    )
    for i, security in enumerate(terms.converting):
        if conversions[i] is None and security.cap is not None:
            capitalization = rounding.converted(shares_counted(security) + converted)
            conversions[i] = Conversion(
                rounding.converted(security.amount / security.cap * capitalization),
                rounding.price(security.cap / capitalization),
                Deciding.CAP,
            )
    complete = tuple(conversion for conversion in conversions if conversion is not None)
    converting_shares = sum((conversion.shares for conversion in complete), ZERO)
    return PricedShares(
        price=price,
        new_shares=new_shares,
        pool=pool,
        pool_increase=pool - terms.pool,
        conversions=complete,
        conversion_prices=conversion_prices,
        adjustment_shares=adjustment_shares,
        capitalization=before + terms.pool + converting_shares,
        total=terms.outstanding + adjustment_shares + pool + converting_shares + new_shares,
    )
