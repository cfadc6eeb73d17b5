"""Apply one event other than a priced round to a cap table."""

from __future__ import annotations

from fractions import Fraction
from typing import TypeVar, assert_never

from engine.documents import Document, InputError
from finance.capital.close_round import converting_terms
from finance.capital.conversion import conversion_price
from finance.capital.events import (
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
    UnpricedEvent,
)
from finance.capital.exact import cents_of
from finance.capital.instruments import Note, OptionGrant, Safe, Warrant
from finance.capital.protection import classes_after_issue
from finance.capital.table import CapTable, Decided, Holding, Term

_Named = TypeVar("_Named", Holding, OptionGrant, Warrant, Safe, Note)
_Counted = TypeVar("_Counted", Holding, OptionGrant, Warrant)
_Scaled = TypeVar("_Scaled", bound=Document)


def apply_event(table: CapTable, event: UnpricedEvent) -> CapTable:
    """Return the cap table after an event.

    Parameters
    ----------
    table
        The cap table on the day of the event.

    Raises
    ------
    InputError
        If the event cannot happen, such as a sale of more shares than there are.
    """
    match event:
        case StockIssue():
            return _issue(table, event)
        case PoolIncrease():
            return table.changed(pool=table.pool + event.shares)
        case OptionGrant():
            if event.shares > table.pool:
                raise InputError(
                    "shares", _count(event.shares), "more_than_pool", limit=_count(table.pool)
                )
            return table.changed(grants=(*table.grants, event), pool=table.pool - event.shares)
        case Warrant():
            return table.changed(warrants=(*table.warrants, event))
        case Safe():
            table.in_currency(event.amount, event.currency)  # refuses a currency without a rate
            return table.changed(safes=(*table.safes, event))
        case Note():
            table.in_currency(event.amount, event.currency)
            return table.changed(notes=(*table.notes, event))
        case Exercise():
            return _exercise(table, event)
        case Lapse():
            return _lapse(table, event)
        case Transfer():
            return _transfer(table, event)
        case MfnElection():
            return _elect_mfn(table, event)
        case StatedConversion():
            return _convert_as_stated(table, event)
        case Repayment():
            repaid = _find(table.notes, event.of)
            return table.changed(notes=tuple(note for note in table.notes if note is not repaid))
        case Tranche():
            return _sell_tranche(table, event)
        case Split():
            return _split(table, event)
    assert_never(event)


def _issue(table: CapTable, event: StockIssue) -> CapTable:
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
        classes = classes_after_issue(table, issued, event.shares * event.price, event.name)
    return table.changed(classes=classes, holdings=(*table.holdings, holding))


def _exercise(table: CapTable, event: Exercise) -> CapTable:
    grants, warrants = table.grants, table.warrants
    right: OptionGrant | Warrant
    if any(grant.name == event.of for grant in grants):
        right = _find(grants, event.of)
        _check_at_most(event.shares, right.exercisable(event.date), event.of)
        grants = _reduced(grants, right, event.shares, exercised=right.exercised + event.shares)
    else:
        right = _find(warrants, event.of)
        if right.expires is not None and event.date > right.expires:
            raise InputError("date", str(event.date), "not_after", other=str(right.expires))
        _check_at_most(event.shares, right.shares, event.of)
        warrants = _reduced(warrants, right, event.shares)
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


def _lapse(table: CapTable, event: Lapse) -> CapTable:
    if any(grant.name == event.of for grant in table.grants):
        grant = _find(table.grants, event.of)
        _check_at_most(event.shares, grant.shares, event.of)
        return table.changed(
            grants=_reduced(table.grants, grant, event.shares), pool=table.pool + event.shares
        )
    warrant = _find(table.warrants, event.of)
    _check_at_most(event.shares, warrant.shares, event.of)
    return table.changed(warrants=_reduced(table.warrants, warrant, event.shares))


def _transfer(table: CapTable, event: Transfer) -> CapTable:
    sold = _find(table.holdings, event.of)
    _check_at_most(event.shares, sold.shares, event.of)
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
    kept = _reduced(table.holdings, sold, event.shares, paid=kept_paid)
    return table.changed(holdings=(*kept, bought))


def _elect_mfn(table: CapTable, event: MfnElection) -> CapTable:
    """Give a SAFE the terms of a later one; only its amount stays (YC, MFN form §3)."""
    safe, later = _find(table.safes, event.safe, "safe"), _find(table.safes, event.of)
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
    return table.changed(safes=tuple(amended if other is safe else other for other in table.safes))


def _convert_as_stated(table: CapTable, event: StatedConversion) -> CapTable:
    """Convert a SAFE or note at the stated price, or at its cap ÷ the shares that it counts."""
    security: Safe | Note
    if any(safe.name == event.of for safe in table.safes):
        security = _find(table.safes, event.of)
    else:
        security = _find(table.notes, event.of)
    terms = converting_terms(table, security)
    cap_price = None
    if terms.cap is not None:
        count = table.outstanding + (table.pool if terms.counted.pool else 0)
        if terms.counts_itself:
            count /= 1 - terms.amount / terms.cap
        cap_price = terms.cap / (terms.cap_shares or count)
    price = event.price or conversion_price(None, cap_price=cap_price).price
    holding = Holding.parse(
        {
            "name": security.name,
            "holder": security.holder,
            "stock_class": table.stock_class(event.stock_class).name,
            "shares": terms.amount / price,
            "paid": cents_of(table.in_currency(security.amount, security.currency)),
            "date": event.date,
            "term": Term(
                decided=Decided.STATED_PRICE if event.price else Decided.CAP,
                price=price,
                cap=None if event.price else security.cap,
            ),
        }
    )
    return table.changed(
        holdings=(*table.holdings, holding),
        safes=tuple(safe for safe in table.safes if safe is not security),
        notes=tuple(note for note in table.notes if note is not security),
    )


def _sell_tranche(table: CapTable, event: Tranche) -> CapTable:
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
    issued = shares * series.common_per_share
    classes = classes_after_issue(table, issued, Fraction(event.amount), event.name)
    return table.changed(classes=classes, holdings=(*table.holdings, holding))


def _split(table: CapTable, event: Split) -> CapTable:
    """Multiply every share count by the ratio, and divide every price by it."""
    shares, price = event.ratio, 1 / event.ratio
    return table.changed(
        classes=tuple(
            _scaled(stock_class, issue_price=price, conversion_price=price)
            for stock_class in table.classes
        ),
        holdings=tuple(_scaled(holding, shares=shares) for holding in table.holdings),
        grants=tuple(
            _scaled(grant, shares=shares, exercised=shares, exercise_price=price)
            for grant in table.grants
        ),
        warrants=tuple(
            _scaled(warrant, shares=shares, exercise_price=price) for warrant in table.warrants
        ),
        notes=tuple(_scaled(note, cap_shares=shares) for note in table.notes),
        pool=table.pool * shares,
    )


def _scaled(document: _Scaled, **factors: Fraction) -> _Scaled:
    """Return a copy with some fields multiplied; fields that are None stay None."""
    fields = dict(document)
    scaled = {
        name: fields[name] * factor for name, factor in factors.items() if fields[name] is not None
    }
    return document.parse({**fields, **scaled})


def _find(securities: tuple[_Named, ...], name: str, field: str = "of") -> _Named:
    """Return the security with a name; InputError, for ``field``, if there is none."""
    for security in securities:
        if security.name == name:
            return security
    raise InputError(field, name, "known_security")


def _reduced(
    securities: tuple[_Counted, ...], reduced: _Counted, shares: Fraction, **changes: object
) -> tuple[_Counted, ...]:
    """Return ``securities`` with ``shares`` fewer in ``reduced``, or without it if none are left.

    ``changes`` are further fields of ``reduced`` that change.
    """
    rest = reduced.shares - shares
    kept = reduced.model_copy(update={"shares": rest, **changes})
    return tuple(
        kept if security is reduced else security
        for security in securities
        if security is not reduced or rest
    )


def _check_at_most(shares: Fraction, limit: Fraction, of: str) -> None:
    """Raise InputError if an event takes more shares than there are of the security ``of``."""
    if shares > limit:
        raise InputError("shares", _count(shares), "more_than_held", limit=_count(limit), of=of)


def _count(shares: Fraction) -> str:
    """Return a number of shares with thousands separators; whole numbers without decimals."""
    return f"{shares.numerator:,}" if shares.denominator == 1 else f"{float(shares):,.4f}"
