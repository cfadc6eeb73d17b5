"""From a round's exact price to share counts, by the rounding that it agreed on."""

from __future__ import annotations

from fractions import Fraction

from engine.documents import InputError
from finance.capital.antidilution import adjusted_price
from finance.capital.conversion import Deciding
from finance.capital.round_terms import ZERO, Conversion, Converting, PricedShares, RoundTerms


def settled(
    terms: RoundTerms, exact_price: Fraction, exact_pool: Fraction, by_cap: tuple[bool, ...]
) -> PricedShares:
    """Share counts from the exact price, pool and picks, by the round's rounding.

    The order is that of YC's guide: the price, then what converts at prices, then what counts
    itself, each step on rounded figures.
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
    gained = sum(
        (
            series.shares * series.issue_price * (1 / after - 1 / series.conversion_price)
            for series, after in zip(terms.protected, conversion_prices, strict=True)
        ),
        ZERO,
    )
    before = terms.outstanding + (gained if terms.adjustments_in_pre_money else 0)

    def base(one: Converting) -> Fraction:
        if one.cap_shares is not None:
            return one.cap_shares
        in_pool = pool if one.counted.pool_increase else terms.pool
        return before + (in_pool if one.counted.pool else 0)

    conversions: list[Conversion | None] = []
    for one, capped in zip(terms.converting, by_cap, strict=True):
        if capped and one.counts_itself:
            conversions.append(None)  # once all others are known
            continue
        if one.cap is not None and capped:
            at, deciding = rounding.price(one.cap / base(one)), Deciding.CAP
        else:
            at = rounding.price(price * (1 - one.discount))
            deciding = Deciding.DISCOUNT if one.discount else Deciding.ROUND_PRICE
        conversions.append(Conversion(rounding.converted(one.amount / at), at, deciding))

    known = sum((one.shares for one in conversions if one is not None), ZERO)
    promised = [
        (one.amount / one.cap, base(one))
        for one, done in zip(terms.converting, conversions, strict=True)
        if done is None and one.cap is not None
    ]
    converted = (known + sum((part * of for part, of in promised), ZERO)) / (
        1 - sum((part for part, _ in promised), ZERO)
    )
    for i, one in enumerate(terms.converting):
        if conversions[i] is None and one.cap is not None:
            capitalization = rounding.converted(base(one) + converted)
            conversions[i] = Conversion(
                rounding.converted(one.amount / one.cap * capitalization),
                rounding.price(one.cap / capitalization),
                Deciding.CAP,
            )
    done = tuple(one for one in conversions if one is not None)
    converting_shares = sum((one.shares for one in done), ZERO)
    return PricedShares(
        price=price,
        new_shares=new_shares,
        pool=pool,
        pool_increase=pool - terms.pool,
        conversions=done,
        conversion_prices=conversion_prices,
        adjustment_shares=gained,
        capitalization=before + terms.pool + converting_shares,
        total=terms.outstanding + gained + pool + converting_shares + new_shares,
    )
