"""Level-payment arithmetic of loans, and the ratios that lenders watch.

Rates are per period, amounts that are paid are negative: the convention of spreadsheets and of
pyxirr, which computes them. ``finance.treasury.loans`` has the schedule in whole cents.
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
    """What each period's payment is, interest and principal together (PMT).

    Solves loan·(1 + i)^n + payment·(1 + i·start)·((1 + i)^n − 1)/i + balloon = 0.

    Parameters
    ----------
    balloon
        What is left to pay after the last period, negative; or a sum to be saved, positive.
    at_start
        Whether payments are made at the beginning of each period.
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
    """Interest in the payment of ``period``, counted from 1 (IPMT)."""
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
    """Principal in the payment of ``period``, counted from 1 (PPMT).

    For payments at the start of each period it is the payment less its interest: pyxirr 0.10.8
    divides the first payment by 1 + rate, so that the parts do not sum to the loan.
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
    """Interest in the payments ``first`` to ``last``, both counted (CUMIPMT)."""
    _check_span(rate, periods, first, last)
    return _number(
        pyxirr.cumipmt(rate, periods, loan, first, last, pmt_at_beginning=at_start), rate
    )


def cumulative_principal(
    rate: float, periods: int, loan: float, first: int, last: int, *, at_start: bool = False
) -> float:
    """Principal in the payments ``first`` to ``last``, both counted (CUMPRINC).

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
    """What ``now`` and a payment each period have become in the end (FV)."""
    _check(rate, periods)
    return _number(pyxirr.fv(rate, periods, paid, now, pmt_at_beginning=at_start), rate)


def present_value(
    rate: float, periods: float, paid: float, then: float = 0.0, *, at_start: bool = False
) -> float:
    """What a payment each period and ``then`` at the end are worth now (PV)."""
    _check(rate, periods)
    return _number(pyxirr.pv(rate, periods, paid, then, pmt_at_beginning=at_start), rate)


def periods_needed(
    rate: float, paid: float, now: float = 0.0, then: float = 0.0, *, at_start: bool = False
) -> float | None:
    """Periods until payments have turned ``now`` into ``then`` (NPER); None if they never do."""
    checks.above("rate", rate, -1)
    found = pyxirr.nper(rate, paid, now, then, pmt_at_beginning=at_start)
    return found if found is not None and math.isfinite(found) and found >= 0 else None


def coverage_shares(loan_usd: Number, coverage: Number, exercise_price_usd: Number) -> Number:
    """Shares of the warrant that a venture lender gets: coverage × loan ÷ exercise price.

    ``coverage`` is a share of the loan, commonly up to a tenth; the price is that of the last
    round (Feld and Mendelson, Venture Deals, 4th ed., the chapter on venture debt).
    """
    checks.amount("loan_usd", loan_usd)
    checks.share("coverage", coverage)
    checks.above("exercise_price_usd", exercise_price_usd, 0)
    return coverage * loan_usd / exercise_price_usd


def service_cover(cash_for_debt: Number, interest: Number, repaid: Number) -> Number | None:
    """Debt service coverage (DSCR): cash earned before debt service over interest and repayments.

    Below 1 the loan is not carried by what it financed; lenders ask for 1.2 or more. None where
    nothing is due.
    """
    for field, usd in (("interest", interest), ("repaid", repaid)):
        checks.amount(field, usd)
    return ratio(cash_for_debt, interest + repaid)


def loan_to_value(debts: Sequence[Number], pledged: Number) -> Number | None:
    """What is owed over what the pledged equipment would bring; None if it would bring nothing."""
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
    """What was found, unless powers of the rate went beyond what floats hold."""
    if found is None or not math.isfinite(found):
        raise InputError("rate", f"{rate:g}", "moderate_rate")
    return found
