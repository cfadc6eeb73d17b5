"""Apply a priced round to a cap table.

The amounts of the round, of its SAFEs and of its notes are converted once, on entry, into the
currency of the table (:class:`_RoundMoney` and :class:`_Due`); everything after that is in one
currency, in exact fractions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from engine.documents import InputError
from finance.capital.antidilution import Protection
from finance.capital.conversion import Deciding
from finance.capital.events import ConvertedInto, PricedRound, Rank
from finance.capital.exact import ZERO, cents_of
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
from finance.capital.table import CapTable, Decided, Holding, StockClass, Term

_LONGEST_DENOMINATOR = 10**400
"""Largest denominator of a share count that a round accepts. Beyond it another exact round would
take seconds; rounded prices stay far below."""


def close_round(table: CapTable, deal: PricedRound) -> tuple[CapTable, PricedShares]:
    """Return the cap table after a round, and the round's own figures.

    Parameters
    ----------
    table
        The cap table on the day of the round.

    Raises
    ------
    InputError
        If the round cannot be priced, sells more than its new money buys, grants pro rata to a
        holder without the right, or an amount has no exchange rate.
    """
    money = _RoundMoney.of(table, deal)
    _check_countable(table.outstanding)
    due = _due(table, money.new_money)
    protected = _protected(table)
    priced = price_round(_terms(table, deal, money, due, protected))
    series = _series(table, deal, priced.price)
    shadows, converted = _converted(deal, priced, series, due)
    adjusted = dict(zip(protected, priced.conversion_prices, strict=True))
    classes = [
        repriced(stock_class, adjusted[stock_class.name], deal.series)
        if stock_class.name in adjusted
        else stock_class
        for stock_class in table.classes
    ]
    converted_names = {holding.name for holding in converted}
    with_conversions = table.changed(
        classes=(*classes, series, *shadows),
        holdings=(*table.holdings, *converted),
        safes=tuple(safe for safe in table.safes if safe.name not in converted_names),
        notes=tuple(note for note in table.notes if note.name not in converted_names),
        pool=priced.pool,
    )
    bought = _bought(with_conversions, deal, money, priced, due)
    return with_conversions.changed(holdings=(*with_conversions.holdings, *bought)), priced


def converting_terms(table: CapTable, security: Safe | Note) -> Converting:
    """Return the terms at which a SAFE or a note converts on the table's day.

    Amounts are in the table's currency; the amount of a note includes its interest.
    """
    if isinstance(security, Note):
        amount, cap_shares = security.claim(table.date), security.cap_shares
    else:
        amount, cap_shares = Fraction(security.amount), None
    return Converting(
        amount=table.in_currency(amount, security.currency),
        cap=None if security.cap is None else table.in_currency(security.cap, security.currency),
        discount=Fraction(security.discount),
        counted=security.counted,
        cap_shares=cap_shares,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """A purchase of new shares by an investor other than the lead."""

    holder: str
    amount: Fraction
    """Amount to pay, in the table's currency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _RoundMoney:
    """The amounts of a round, in the table's currency."""

    pre_money: Fraction
    new_money: Fraction
    orders: tuple[_Order, ...]

    @classmethod
    def of(cls, table: CapTable, deal: PricedRound) -> _RoundMoney:
        """Convert the amounts of ``deal``."""
        return cls(
            pre_money=table.in_currency(deal.pre_money, deal.currency),
            new_money=table.in_currency(deal.new_money, deal.currency),
            orders=tuple(
                _Order(
                    holder=purchase.holder,
                    amount=table.in_currency(purchase.amount, deal.currency),
                )
                for purchase in deal.others
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Due:
    """A SAFE or a note that converts in the round."""

    security: Safe | Note
    terms: Converting
    """Terms of its conversion, with amounts in the table's currency."""
    paid: Fraction
    """Amount that its holder paid for it, in the table's currency, without interest."""

    @property
    def name(self) -> str:
        return self.security.name


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lot:
    """Shares of the new series that one buyer gets in one certificate."""

    certificate: str
    """Prefix of the certificate's name; the holder's name follows it."""
    holder: str
    shares: Fraction
    paid: Decimal
    """Amount paid, in the table's currency."""
    decided: Decided


def _due(table: CapTable, new_money: Fraction) -> list[_Due]:
    """Return every SAFE, and each note whose qualified amount the new money reaches."""
    securities: list[Safe | Note] = [*table.safes]
    securities += [
        note
        for note in table.notes
        if new_money >= table.in_currency(note.qualified_amount, note.currency)
    ]
    return [
        _Due(
            security=security,
            terms=converting_terms(table, security),
            paid=table.in_currency(security.amount, security.currency),
        )
        for security in securities
    ]


def _protected(table: CapTable) -> dict[str, Protected]:
    """Return the protected series by the names of their classes, in the table's order."""
    return {
        stock_class.name: Protected(
            shares=_shares_and_warrants(table, stock_class.name),
            issue_price=stock_class.issue_price,
            conversion_price=stock_class.conversion_price,
            protection=stock_class.protection,
            outstanding=counted_against_dilution(table, stock_class.protection),
        )
        for stock_class in table.classes
        if stock_class.protection is not Protection.NONE
        and stock_class.issue_price is not None
        and stock_class.conversion_price is not None
    }


def _terms(
    table: CapTable,
    deal: PricedRound,
    money: _RoundMoney,
    due: Sequence[_Due],
    protected: dict[str, Protected],
) -> RoundTerms:
    return RoundTerms(
        pre_money=money.pre_money,
        new_money=money.new_money,
        outstanding=table.outstanding,
        granted=table.granted,
        pool=table.pool,
        pool_change=deal.pool,
        convention=deal.convention,
        converting=tuple(converting.terms for converting in due),
        protected=tuple(protected.values()),
        adjustments_in_pre_money=deal.adjustments_in_pre_money,
        rounding=deal.rounding,
    )


def _shares_and_warrants(table: CapTable, stock_class: str) -> Fraction:
    """Return the shares of a class, including those that warrants may still buy."""
    shares = [holding.shares for holding in table.holdings if holding.stock_class == stock_class]
    shares += [warrant.shares for warrant in table.warrants if warrant.stock_class == stock_class]
    return sum(shares, ZERO)


def _check_countable(outstanding: Fraction) -> None:
    if outstanding == 0:
        raise InputError("pre_money", "—", "stock_before_round")
    if outstanding.denominator > _LONGEST_DENOMINATOR:
        raise InputError("rounding", "exact", "too_long_fractions")


def _series(table: CapTable, deal: PricedRound, price: Fraction) -> StockClass:
    """Return the stock class that the round sells."""
    highest = max(stock_class.seniority for stock_class in table.classes)
    is_first = not any(stock_class.preferred for stock_class in table.classes)
    return StockClass.parse(
        {
            "name": deal.series,
            "issue_price": price,
            "conversion_price": price,
            "seniority": highest + 1 if is_first or deal.rank is Rank.SENIOR else highest,
            "liquidation_multiple": deal.liquidation_multiple,
            "participating": deal.participating,
            "participation_cap": deal.participation_cap,
            "protection": deal.protection,
            "pro_rata_right": deal.pro_rata_right,
        }
    )


def _converted(
    deal: PricedRound, priced: PricedShares, series: StockClass, due: Sequence[_Due]
) -> tuple[list[StockClass], list[Holding]]:
    """Return the shadow series, and the holding that each SAFE and note converts into."""
    shadows: dict[Fraction, StockClass] = {}
    holdings = []
    for converting, conversion in zip(due, priced.conversions, strict=True):
        into = series
        if conversion.price != priced.price and deal.converted_into is ConvertedInto.OWN_SERIES:
            into = shadows.setdefault(
                conversion.price,
                series.model_copy(
                    update={
                        "name": f"{series.name}-{len(shadows) + 1}",
                        "issue_price": conversion.price,
                        "conversion_price": conversion.price,
                    }
                ),
            )
        security = converting.security
        holdings.append(
            Holding.parse(
                {
                    "name": security.name,
                    "holder": security.holder,
                    "stock_class": into.name,
                    "shares": conversion.shares,
                    "paid": cents_of(converting.paid),
                    "date": deal.date,
                    "term": _conversion_term(security, conversion, priced.price, deal.series),
                }
            )
        )
    return list(shadows.values()), holdings


def _conversion_term(
    security: Safe | Note, conversion: Conversion, round_price: Fraction, series: str
) -> Term:
    return Term(
        decided=Decided(conversion.deciding),
        price=conversion.price,
        round_price=round_price,
        cap=security.cap if conversion.deciding is Deciding.CAP else None,
        discount=security.discount if conversion.deciding is Deciding.DISCOUNT else None,
        of=security.mfn_of if isinstance(security, Safe) else None,
        in_round=series,
    )


def _bought(
    table: CapTable,
    deal: PricedRound,
    money: _RoundMoney,
    priced: PricedShares,
    due: Sequence[_Due],
) -> list[Holding]:
    """Return the holdings of new shares: of the orders, of pro rata rights, of the lead."""
    new_money = cents_of(money.new_money)
    lots = [
        _Lot(
            certificate=deal.series,
            holder=order.holder,
            shares=deal.rounding.sold(order.amount / priced.price),
            paid=cents_of(order.amount),
            decided=Decided.BOUGHT,
        )
        for order in money.orders
    ]
    for holder in deal.pro_rata:
        with_right = _shares_with_right(table, due, holder)
        shares = deal.rounding.converted(
            pro_rata_shares(with_right, priced.capitalization, priced.new_shares)
        )
        lots.append(
            _Lot(
                certificate=f"{deal.series} pro rata",
                holder=holder,
                shares=shares,
                paid=cents_of(shares * priced.price),
                decided=Decided.PRO_RATA,
            )
        )
    rest = priced.new_shares - sum((lot.shares for lot in lots), ZERO)
    rest_paid = new_money - sum(lot.paid for lot in lots)
    if rest < 0 or rest_paid < 0:
        raise InputError(
            "others", f"{new_money - rest_paid:,}", "within_new_money", limit=f"{new_money:,}"
        )
    if rest > 0:
        lots.append(
            _Lot(
                certificate=deal.series,
                holder=deal.lead,
                shares=rest,
                paid=rest_paid,
                decided=Decided.BOUGHT,
            )
        )
    return [
        Holding.parse(
            {
                "name": f"{lot.certificate}: {lot.holder}",
                "holder": lot.holder,
                "stock_class": deal.series,
                "shares": lot.shares,
                "paid": lot.paid,
                "date": deal.date,
                "term": Term(decided=lot.decided, price=priced.price, in_round=deal.series),
            }
        )
        for lot in lots
    ]


def _shares_with_right(table: CapTable, due: Sequence[_Due], holder: str) -> Fraction:
    """Return a holder's shares with a pro rata right, as converted into common.

    A share has the right if the SAFE or note that it comes from has it, or else if its class
    has it.
    """
    right_of_due = {converting.name: converting.security.pro_rata_right for converting in due}
    with_right = [
        holding
        for holding in table.holdings
        if holding.holder == holder
        and right_of_due.get(holding.name, table.stock_class(holding.stock_class).pro_rata_right)
    ]
    if not with_right:
        raise InputError("pro_rata", holder, "pro_rata_holder")
    return table.as_converted(with_right)
