"""A priced round applied to a cap table."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from engine.documents import InputError
from finance.capital.antidilution import Protection
from finance.capital.conversion import Deciding
from finance.capital.events import ConvertedInto, PricedRound, Rank
from finance.capital.exact import cents_of
from finance.capital.instruments import Note, Safe
from finance.capital.pricing import price_round
from finance.capital.prorata import pro_rata_shares
from finance.capital.protection import counted_against_dilution, repriced
from finance.capital.round_terms import (
    Conversion,
    Converting,
    PricedShares,
    Protected,
    RoundTerms,
)
from finance.capital.table import ZERO, CapTable, Decided, Holding, StockClass, Term

_LONGEST_DENOMINATOR = 10**400
"""Beyond it one more exact round takes seconds. Rounded prices stay far below."""


def close_round(table: CapTable, deal: PricedRound) -> tuple[CapTable, PricedShares]:
    """The table after a round, and the round's own figures."""
    due = _due(table, deal)
    protected = [one for one in table.classes if one.protection is not Protection.NONE]
    priced = price_round(_terms(table, deal, due, protected))
    series = _series(table, deal, priced.price)
    shadows, converted = _converted(table, deal, priced, series, due)
    adjusted = dict(zip((one.name for one in protected), priced.conversion_prices, strict=True))
    classes = [
        repriced(one, adjusted[one.name], deal.series) if one.name in adjusted else one
        for one in table.classes
    ]
    names = {one.name for one in due}
    with_conversions = table.changed(
        date=deal.date,
        classes=(*classes, series, *shadows),
        holdings=(*table.holdings, *converted),
        safes=tuple(one for one in table.safes if one.name not in names),
        notes=tuple(one for one in table.notes if one.name not in names),
        pool=priced.pool,
    )
    bought = _bought(with_conversions, deal, priced, due)
    return with_conversions.changed(holdings=(*with_conversions.holdings, *bought)), priced


def converting(table: CapTable, one: Safe | Note, deal: PricedRound | None = None) -> Converting:
    """What a SAFE or a note brings to a conversion on the table's day or a round's."""
    on = table.date if deal is None else deal.date
    amount = one.claim(on) if isinstance(one, Note) else Fraction(one.amount)
    return Converting(
        amount=table.in_currency(amount, one.currency),
        cap=None if one.cap is None else table.in_currency(one.cap, one.currency),
        discount=Fraction(one.discount),
        counted=one.counted,
        cap_shares=one.cap_shares if isinstance(one, Note) else None,
    )


def _due(table: CapTable, deal: PricedRound) -> list[Safe | Note]:
    """What converts: every SAFE, and the notes that the round is large enough for."""
    new_money = table.in_currency(deal.new_money, deal.currency)
    notes = [
        one
        for one in table.notes
        if new_money >= table.in_currency(one.qualified_amount, one.currency)
    ]
    return [*table.safes, *notes]


def _terms(
    table: CapTable, deal: PricedRound, due: list[Safe | Note], protected: list[StockClass]
) -> RoundTerms:
    return RoundTerms(
        pre_money=table.in_currency(deal.pre_money, deal.currency),
        new_money=table.in_currency(deal.new_money, deal.currency),
        outstanding=_countable(table.outstanding),
        granted=table.granted,
        pool=table.pool,
        pool_change=deal.pool,
        convention=deal.convention,
        converting=tuple(converting(table, one, deal) for one in due),
        protected=tuple(
            Protected(
                shares=_promised(table, one.name),
                issue_price=one.issue_price,
                conversion_price=one.conversion_price,
                protection=one.protection,
                outstanding=counted_against_dilution(table, one.protection),
            )
            for one in protected
            if one.issue_price is not None and one.conversion_price is not None
        ),
        adjustments_in_pre_money=deal.adjustments_in_pre_money,
        rounding=deal.rounding,
    )


def _promised(table: CapTable, stock_class: str) -> Fraction:
    """Shares of a class, those that warrants may still buy included."""
    held = [one.shares for one in table.holdings if one.stock_class == stock_class]
    held += [one.shares for one in table.warrants if one.stock_class == stock_class]
    return sum(held, ZERO)


def _countable(outstanding: Fraction) -> Fraction:
    if outstanding == 0:
        raise InputError("pre_money", "—", "stock_before_round")
    if outstanding.denominator > _LONGEST_DENOMINATOR:
        raise InputError("rounding", "exact", "too_long_fractions")
    return outstanding


def _series(table: CapTable, deal: PricedRound, price: Fraction) -> StockClass:
    highest = max(one.seniority for one in table.classes)
    first = not any(one.preferred for one in table.classes)
    return StockClass.parse(
        {
            "name": deal.series,
            "issue_price": price,
            "conversion_price": price,
            "seniority": highest + 1 if first or deal.rank is Rank.SENIOR else highest,
            "liquidation_multiple": deal.liquidation_multiple,
            "participating": deal.participating,
            "participation_cap": deal.participation_cap,
            "protection": deal.protection,
            "pro_rata_right": deal.pro_rata_right,
        }
    )


def _converted(
    table: CapTable,
    deal: PricedRound,
    priced: PricedShares,
    series: StockClass,
    due: list[Safe | Note],
) -> tuple[list[StockClass], list[Holding]]:
    """The shadow series, and what each SAFE and note became."""
    shadows: dict[Fraction, StockClass] = {}
    holdings = []
    for one, done in zip(due, priced.conversions, strict=True):
        into = series
        if done.price != priced.price and deal.converted_into is ConvertedInto.OWN_SERIES:
            into = shadows.setdefault(
                done.price,
                series.model_copy(
                    update={
                        "name": f"{series.name}-{len(shadows) + 1}",
                        "issue_price": done.price,
                        "conversion_price": done.price,
                    }
                ),
            )
        holdings.append(
            Holding.parse(
                {
                    "name": one.name,
                    "holder": one.holder,
                    "stock_class": into.name,
                    "shares": done.shares,
                    "paid": cents_of(table.in_currency(one.amount, one.currency)),
                    "date": deal.date,
                    "term": _term(one, done, priced.price, deal.series),
                }
            )
        )
    return list(shadows.values()), holdings


def _term(one: Safe | Note, done: Conversion, round_price: Fraction, series: str) -> Term:
    return Term(
        decided=Decided(done.deciding),
        price=done.price,
        round_price=round_price,
        cap=one.cap if done.deciding is Deciding.CAP else None,
        discount=one.discount if done.deciding is Deciding.DISCOUNT else None,
        of=one.mfn_of if isinstance(one, Safe) else None,
        in_round=series,
    )


def _bought(
    table: CapTable, deal: PricedRound, priced: PricedShares, due: list[Safe | Note]
) -> list[Holding]:
    """The new shares: the others' for their amounts, pro rata, and the rest the lead's."""
    left, money = priced.new_shares, cents_of(table.in_currency(deal.new_money, deal.currency))
    lots: list[tuple[str, str, Fraction, Decimal, Decided]] = []
    for one in deal.others:
        paid = table.in_currency(one.amount, deal.currency)
        shares = deal.rounding.sold(paid / priced.price)
        lots.append((deal.series, one.holder, shares, cents_of(paid), Decided.BOUGHT))
    for holder in deal.pro_rata:
        shares = deal.rounding.converted(
            pro_rata_shares(_with_right(table, due, holder), priced.capitalization, left)
        )
        paid_here = cents_of(shares * priced.price)
        lots.append((f"{deal.series} pro rata", holder, shares, paid_here, Decided.PRO_RATA))
    rest = left - sum((lot[2] for lot in lots), ZERO)
    rest_paid = money - sum(lot[3] for lot in lots)
    if rest < 0 or rest_paid < 0:
        raise InputError("others", f"{money - rest_paid:,}", "within_new_money", limit=f"{money:,}")
    if rest > 0:
        lots.append((deal.series, deal.lead, rest, rest_paid, Decided.BOUGHT))
    return [
        Holding.parse(
            {
                "name": f"{certificate}: {holder}",
                "holder": holder,
                "stock_class": deal.series,
                "shares": shares,
                "paid": paid,
                "date": deal.date,
                "term": Term(decided=decided, price=priced.price, in_round=deal.series),
            }
        )
        for certificate, holder, shares, paid, decided in lots
    ]


def _with_right(table: CapTable, due: list[Safe | Note], holder: str) -> Fraction:
    """Shares, as converted, of a holder that carry a pro rata right."""
    from_due = {one.name for one in due if one.pro_rata_right}
    due_names = {one.name for one in due}
    held = [
        one
        for one in table.holdings
        if one.holder == holder
        and (
            one.name in from_due
            or (one.name not in due_names and table.stock_class(one.stock_class).pro_rata_right)
        )
    ]
    if not held:
        raise InputError("pro_rata", holder, "pro_rata_holder")
    return table.as_converted(held)
