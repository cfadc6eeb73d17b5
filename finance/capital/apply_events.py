"""What each kind of event but a priced round does to a cap table."""

from __future__ import annotations

from fractions import Fraction
from functools import singledispatch
from typing import TypeVar

from engine.documents import Document, InputError
from finance.capital.close_round import converting
from finance.capital.conversion import conversion_price
from finance.capital.events import (
    Event,
    Exercise,
    Lapse,
    MfnElection,
    PoolIncrease,
    Repayment,
    Split,
    StatedConversion,
    StockIssue,
    Tranche,
    Transfer,
)
from finance.capital.exact import cents_of
from finance.capital.instruments import Note, OptionGrant, Safe, Warrant
from finance.capital.protection import after_issue
from finance.capital.table import CapTable, Decided, Holding, Term

_Named = TypeVar("_Named", Holding, OptionGrant, Warrant, Safe, Note)
_Counted = TypeVar("_Counted", Holding, OptionGrant, Warrant)


@singledispatch
def after(event: Event, table: CapTable) -> CapTable:
    """The table after an event on the table's day; InputError if it cannot happen."""
    raise TypeError(event)


@after.register
def _(event: StockIssue, table: CapTable) -> CapTable:
    stock_class = table.stock_class(event.stock_class)
    term = Term(decided=Decided.ISSUED, price=event.price)
    holding = Holding.parse(
        {
            "name": event.name,
            "holder": event.holder,
            "stock_class": stock_class.name,
            "shares": event.shares,
            "paid": cents_of(event.shares * event.price),
            "date": event.date,
            "term": term,
            "vesting": event.vesting,
        }
    )
    classes = table.classes
    if not event.exempted:
        issued = event.shares * stock_class.common_per_share
        classes = after_issue(table, issued, event.shares * event.price, event.name)
    return table.changed(classes=classes, holdings=(*table.holdings, holding))


@after.register
def _(event: PoolIncrease, table: CapTable) -> CapTable:
    return table.changed(pool=table.pool + event.shares)


@after.register
def _(event: OptionGrant, table: CapTable) -> CapTable:
    _at_most(event.shares, table.pool)
    return table.changed(grants=(*table.grants, event), pool=table.pool - event.shares)


@after.register
def _(event: Warrant, table: CapTable) -> CapTable:
    return table.changed(warrants=(*table.warrants, event))


@after.register
def _(event: Safe, table: CapTable) -> CapTable:
    table.in_currency(event.amount, event.currency)
    return table.changed(safes=(*table.safes, event))


@after.register
def _(event: Note, table: CapTable) -> CapTable:
    table.in_currency(event.amount, event.currency)
    return table.changed(notes=(*table.notes, event))


@after.register
def _(event: Exercise, table: CapTable) -> CapTable:
    grants, warrants = table.grants, table.warrants
    right: OptionGrant | Warrant
    if any(one.name == event.of for one in grants):
        right = _named(grants, event.of)
        _at_most(event.shares, right.exercisable(event.date))
        grants = _less(grants, right, event.shares, exercised=right.exercised + event.shares)
    else:
        right = _named(warrants, event.of)
        if right.expires is not None and event.date > right.expires:
            raise InputError("date", str(event.date), "not_after", other=str(right.expires))
        _at_most(event.shares, right.shares)
        warrants = _less(warrants, right, event.shares)
    holding = Holding.parse(
        {
            "name": event.name,
            "holder": right.holder,
            "stock_class": right.stock_class,
            "shares": event.shares,
            "paid": cents_of(event.shares * right.exercise_price),
            "date": event.date,
            "term": Term(decided=Decided.EXERCISED, price=right.exercise_price, of=right.name),
        }
    )
    return table.changed(grants=grants, warrants=warrants, holdings=(*table.holdings, holding))


@after.register
def _(event: Lapse, table: CapTable) -> CapTable:
    if any(one.name == event.of for one in table.grants):
        grant = _named(table.grants, event.of)
        _at_most(event.shares, grant.shares)
        return table.changed(
            grants=_less(table.grants, grant, event.shares), pool=table.pool + event.shares
        )
    warrant = _named(table.warrants, event.of)
    _at_most(event.shares, warrant.shares)
    return table.changed(warrants=_less(table.warrants, warrant, event.shares))


@after.register
def _(event: Transfer, table: CapTable) -> CapTable:
    sold = _named(table.holdings, event.of)
    _at_most(event.shares, sold.shares)
    kept_paid = cents_of(Fraction(sold.paid) * (1 - event.shares / sold.shares))
    bought = sold.model_copy(
        update={
            "name": event.name,
            "holder": event.to,
            "shares": event.shares,
            "paid": cents_of(event.shares * event.price),
            "date": event.date,
            "term": Term(decided=Decided.TRANSFERRED, price=event.price, of=sold.holder),
        }
    )
    kept = _less(table.holdings, sold, event.shares, paid=kept_paid)
    return table.changed(holdings=(*kept, bought))


@after.register
def _(event: MfnElection, table: CapTable) -> CapTable:
    """The amended SAFE is identical to the later one but for its amount (YC, MFN form §3)."""
    safe, later = _named(table.safes, event.safe, "safe"), _named(table.safes, event.of)
    if not safe.mfn or safe.mfn_of is not None:
        raise InputError("safe", safe.name, "open_mfn")
    if later.mfn or later is safe or later.date < safe.date:
        raise InputError("of", later.name, "later_safe", other=safe.name)
    if later.currency != safe.currency:
        raise InputError("of", later.currency, "equal", to=safe.currency)
    amended = Safe.parse(
        {
            **dict(safe),
            "cap": later.cap,
            "discount": later.discount,
            "counted": later.counted,
            "mfn_of": later.name,
        }
    )
    return table.changed(safes=tuple(amended if one is safe else one for one in table.safes))


@after.register
def _(event: StatedConversion, table: CapTable) -> CapTable:
    one: Safe | Note
    if any(safe.name == event.of for safe in table.safes):
        one = _named(table.safes, event.of)
    else:
        one = _named(table.notes, event.of)
    brought = converting(table, one)
    cap_price = None
    if brought.cap is not None:
        count = table.outstanding + (table.pool if brought.counted.pool else 0)
        if brought.counts_itself:
            count /= 1 - brought.amount / brought.cap
        cap_price = brought.cap / (brought.cap_shares or count)
    at = event.price or conversion_price(None, cap_price=cap_price).price
    holding = Holding.parse(
        {
            "name": one.name,
            "holder": one.holder,
            "stock_class": table.stock_class(event.stock_class).name,
            "shares": brought.amount / at,
            "paid": cents_of(table.in_currency(one.amount, one.currency)),
            "date": event.date,
            "term": Term(
                decided=Decided.STATED_PRICE if event.price else Decided.CAP,
                price=at,
                cap=None if event.price else one.cap,
            ),
        }
    )
    return table.changed(
        holdings=(*table.holdings, holding),
        safes=tuple(safe for safe in table.safes if safe is not one),
        notes=tuple(note for note in table.notes if note is not one),
    )


@after.register
def _(event: Repayment, table: CapTable) -> CapTable:
    repaid = _named(table.notes, event.of)
    return table.changed(notes=tuple(one for one in table.notes if one is not repaid))


@after.register
def _(event: Tranche, table: CapTable) -> CapTable:
    series = table.stock_class(event.series, "series")
    if series.issue_price is None:
        raise InputError("series", series.name, "priced_series")
    shares = event.rounding.sold(Fraction(event.amount) / series.issue_price)
    holding = Holding.parse(
        {
            "name": event.name,
            "holder": event.holder,
            "stock_class": series.name,
            "shares": shares,
            "paid": event.amount,
            "date": event.date,
            "term": Term(decided=Decided.TRANCHE, price=series.issue_price, in_round=series.name),
        }
    )
    classes = after_issue(
        table, shares * series.common_per_share, Fraction(event.amount), event.name
    )
    return table.changed(classes=classes, holdings=(*table.holdings, holding))


@after.register
def _(event: Split, table: CapTable) -> CapTable:
    by = event.ratio
    return table.changed(
        classes=tuple(_scaled(one, issue_price=1 / by, conversion_price=1 / by)
                      for one in table.classes),
        holdings=tuple(_scaled(one, shares=by) for one in table.holdings),
        grants=tuple(_scaled(one, shares=by, exercised=by, exercise_price=1 / by)
                     for one in table.grants),
        warrants=tuple(_scaled(one, shares=by, exercise_price=1 / by) for one in table.warrants),
        notes=tuple(_scaled(one, cap_shares=by) for one in table.notes),
        pool=table.pool * by,
    )  # fmt: skip


_Scaled = TypeVar("_Scaled", bound=Document)


def _scaled(document: _Scaled, **factors: Fraction) -> _Scaled:
    now = dict(document)
    scaled = {name: now[name] * by for name, by in factors.items() if now[name] is not None}
    return document.parse({**now, **scaled})


def _named(some: tuple[_Named, ...], name: str, field: str = "of") -> _Named:
    for one in some:
        if one.name == name:
            return one
    raise InputError(field, name, "known_security")


def _less(
    some: tuple[_Counted, ...], one: _Counted, shares: Fraction, **changes: object
) -> tuple[_Counted, ...]:
    """``some`` with fewer shares in ``one``, or without it when none are left."""
    rest = one.shares - shares
    kept = one.model_copy(update={"shares": rest, **changes})
    return tuple(kept if other is one else other for other in some if other is not one or rest)


def _at_most(shares: Fraction, limit: Fraction) -> None:
    if shares > limit:
        raise InputError(
            "shares", f"{float(shares):,}", "less_than_equal", limit=f"{float(limit):,}"
        )
