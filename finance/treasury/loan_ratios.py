"""Level payments of loans, and ratios that lenders monitor.

Rates are per period, and amounts paid are negative, as in spreadsheets and in pyxirr, which
computes them. :mod:`finance.treasury.loans` has the schedule in whole cents.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import pyxirr

from engine.documents import InputError
from finance.numbers import checks
from finance.numbers.kinds import Number
from finance.numbers.ratios import ratio

MAX_PERIODS = 100_000


def payment(
    rate: float, periods: float, loan: float, balloon: float = 0.0, *, at_start: bool = False
) -> float:
    """Return the level payment of each period, interest plus principal (PMT).

    The payment solves loan·(1 + i)^n + payment·(1 + i·start)·((1 + i)^n − 1)/i + balloon = 0.

    Parameters
    ----------
    balloon
        Amount after the last period: negative for a remaining debt, positive for a savings target.
    at_start
        Whether payments are due at the start of each period.
    """
    _check(rate, periods)
    return _number(pyxirr.pmt(rate, periods, loan, balloon, pmt_at_beginning=at_start), rate)


def interest_part(
    rate: float,
    period: float,
    periods: float,
    loan: float,
    balloon: float = 0.0,
    *,
    at_start: bool = False,
) -> float:
    """Return the interest in the payment of ``period``, counted from 1 (IPMT)."""
    _check(rate, periods)
    checks.within("period", period, 1, periods)
    return _number(
        pyxirr.ipmt(rate, period, periods, loan, balloon, pmt_at_beginning=at_start), rate
    )


def principal_part(
    rate: float,
    period: float,
    periods: float,
    loan: float,
    balloon: float = 0.0,
    *,
    at_start: bool = False,
) -> float:
    """Return the principal in the payment of ``period``, counted from 1 (PPMT).

    For payments at the start of each period, the principal is the payment less its interest. The
    function of pyxirr 0.10.8 is not used there: it divides the first payment by 1 + rate, so that
    the parts do not sum to the loan.
    """
    _check(rate, periods)
    checks.within("period", period, 1, periods)
    if at_start:
        paid = payment(rate, periods, loan, balloon, at_start=True)
        return paid - interest_part(rate, period, periods, loan, balloon, at_start=True)
    return _number(
        pyxirr.ppmt(rate, period, periods, loan, balloon, pmt_at_beginning=at_start), rate
    )


def cumulative_interest(
    rate: float, periods: int, loan: float, first: int, last: int, *, at_start: bool = False
) -> float:
    """Return the interest in the payments ``first`` to ``last``, inclusive (CUMIPMT)."""
    _check_span(rate, periods, first, last)
    return _number(
        pyxirr.cumipmt(rate, periods, loan, first, last, pmt_at_beginning=at_start), rate
    )


def cumulative_principal(
    rate: float, periods: int, loan: float, first: int, last: int, *, at_start: bool = False
) -> float:
    """Return the principal in the payments ``first`` to ``last``, inclusive (CUMPRINC).

    See :func:`principal_part` on payments at the start of each period.
    """
    _check_span(rate, periods, first, last)
    if at_start:
        paid = (last - first + 1) * payment(rate, periods, loan, at_start=True)
        return paid - cumulative_interest(rate, periods, loan, first, last, at_start=True)
    return _number(
        pyxirr.cumprinc(rate, periods, loan, first, last, pmt_at_beginning=at_start), rate
    )


def future_value(
    rate: float, periods: float, paid: float, now: float = 0.0, *, at_start: bool = False
) -> float:
    """Return the value of ``now`` and a payment each period, after the last period (FV)."""
    _check(rate, periods)
    return _number(pyxirr.fv(rate, periods, paid, now, pmt_at_beginning=at_start), rate)


def present_value(
    rate: float, periods: float, paid: float, then: float = 0.0, *, at_start: bool = False
) -> float:
    """Return the value today of a payment each period and of ``then`` at the end (PV)."""
    _check(rate, periods)
    return _number(pyxirr.pv(rate, periods, paid, then, pmt_at_beginning=at_start), rate)


def periods_needed(
    rate: float, paid: float, now: float = 0.0, then: float = 0.0, *, at_start: bool = False
) -> float | None:
    """Return the periods until payments turn ``now`` into ``then`` (NPER), or None if never."""
    checks.above("rate", rate, -1)
    found = pyxirr.nper(rate, paid, now, then, pmt_at_beginning=at_start)
    return found if found is not None and math.isfinite(found) and found >= 0 else None


def coverage_shares(loan_usd: Number, coverage: Number, exercise_price_usd: Number) -> Number:
    """Return the number of shares under a venture lender's warrant.

    The number is coverage × loan ÷ exercise price. ``coverage`` is a share of the loan, commonly up
    to a tenth, and the exercise price is the price of the last round (Feld and Mendelson, Venture
    Deals, 4th ed., the chapter on venture debt).
    """
    checks.amount("loan_usd", loan_usd)
    checks.share("coverage", coverage)
    checks.above("exercise_price_usd", exercise_price_usd, 0)
    return coverage * loan_usd / exercise_price_usd


def service_cover(cash_for_debt: Number, interest: Number, repaid: Number) -> Number | None:
    """Return the debt service coverage ratio (DSCR), or None if no debt service is due.

    The ratio is cash before debt service ÷ (interest + repayments). Below 1, the cash does not
    cover the debt service; lenders require 1.2 or more.
    """
    for field, usd in (("interest", interest), ("repaid", repaid)):
        checks.amount(field, usd)
    return ratio(cash_for_debt, interest + repaid)


def loan_to_value(debts: Sequence[Number], pledged: Number) -> Number | None:
    """Return the debts ÷ the value of the pledged equipment, or None if the value is 0."""
    checks.amount("pledged", pledged)
    for usd in debts:
        checks.amount("debts", usd)
    return ratio(sum(debts, start=0 * pledged), pledged)


def _check(rate: float, periods: float) -> None:
    checks.above("rate", rate, -1)
    checks.within("periods", periods, 1, MAX_PERIODS)


def _check_span(rate: float, periods: int, first: int, last: int) -> None:
    _check(rate, periods)
    checks.within("first", first, 1, periods)
    checks.within("last", last, first, periods)


def _number(found: float | None, rate: float) -> float:
    """Return ``found``; raise ``InputError`` if powers of the rate overflow."""
    if found is None or not math.isfinite(found):
        raise InputError("rate", f"{rate:g}", "moderate_rate")
    return found
