"""Loans in whole cents for many trials: covenants, repayment schedules and ledger entries."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal, Self

import numpy as np
import pyxirr
from pydantic import Field, model_validator

from engine.documents import Document, InputError
from engine.field_types import ShortName
from engine.units import MONTHS_PER_YEAR
from finance.books.cents import Cents, Floats, amount_in_month, to_cents
from finance.books.ledger import Account, Ledger
from finance.books.months import Month, MonthCount
from finance.books.trials import Numbers
from finance.numbers.money import Usd

InterestRatePerYear = Annotated[Decimal, Field(ge=0, le=2, max_digits=8)]
"""Nominal interest rate per year; a twelfth of it accrues each month."""

MIN_RATE_PER_MONTH = 1e-8
"""Interest rate per month below which a level payment is the principal in equal parts."""


class Covenants(Document):
    """Covenants of a loan; None means that the loan has no such covenant."""

    minimum_cash_usd: Usd | None = None
    """Minimum cash balance at the end of a month, in USD."""
    maximum_debt_to_arr: Annotated[Decimal, Field(ge=0, le=1000, max_digits=8)] | None = None
    """Maximum of all debt ÷ annual recurring revenue."""
    minimum_service_cover: Annotated[Decimal, Field(ge=0, le=100, max_digits=8)] | None = None
    """Minimum of operating cash before interest ÷ (interest + repayments), over three months."""
    maximum_loan_to_value: Annotated[Decimal, Field(ge=0, le=100, max_digits=8)] | None = None
    """Maximum of all debt ÷ the book value of equipment."""


class Loan(Document):
    """Loan that is drawn once and repaid monthly."""

    name: ShortName
    kind: Literal["venture_debt", "bank_loan", "convertible_loan", "other"] = "venture_debt"
    month: Month
    amount_usd: Annotated[Usd, Field(gt=0)]
    interest_share_per_year: InterestRatePerYear
    months: MonthCount
    """Number of monthly payments; the first is due a month after the loan is drawn."""
    interest_only_months: Annotated[int, Field(ge=0, le=60)] = 0
    """Number of interest-only payments at the start; they are part of ``months``."""
    fee_share: Annotated[Decimal, Field(ge=0, le=1, max_digits=8)] = Decimal(0)
    """Fee as a share of the amount, deducted when the loan is drawn."""
    committed: bool = True
    """Whether the loan is signed; a loan that is not counts only together with planned rounds."""
    covenants: Covenants = Covenants()

    @model_validator(mode="after")
    def _is_repaid(self) -> Self:
        if self.interest_only_months >= self.months:
            raise InputError(
                "interest_only_months", self.interest_only_months, "less_than", limit=self.months
            )
        return self


@dataclass(frozen=True, slots=True)
class Schedule:
    """Interest and repayments of a loan in each month after it is drawn, in cents.

    The shapes are (trials, months).
    """

    interest: Cents
    repaid: Cents


def schedule(
    principal: Cents, rate_per_month: Floats, months: int, interest_only_months: int = 0
) -> Schedule:
    """Return the schedule of a loan with level payments after an interest-only period.

    Interest is rounded to the cent each month, and the last payment settles the balance. So the
    repayments sum exactly to the principal.

    Parameters
    ----------
    principal
        Amount in cents. Shape (trials, 1).
    rate_per_month
        Interest rate per month. Shape (1 or trials, 1).
    """
    repaying = months - interest_only_months
    rate = np.where(rate_per_month > MIN_RATE_PER_MONTH, rate_per_month, 0.0)
    level = pyxirr.pmt(rate, repaying, -principal.astype(np.float64))
    payment = np.rint(np.asarray(level, np.float64)).astype(np.int64)
    balance = principal + np.zeros_like(payment)
    interest, repaid = [], []
    for month in range(1, months + 1):
        due = np.rint(balance * rate_per_month).astype(np.int64)
        if month <= interest_only_months:
            repayment = np.zeros_like(balance)
        elif month == months:
            repayment = balance
        else:
            repayment = np.clip(payment - due, 0, balance)
        interest.append(due)
        repaid.append(repayment)
        balance = balance - repayment
    return Schedule(np.concatenate(interest, axis=1), np.concatenate(repaid, axis=1))


def place_in_months(cents: Cents, first_month: int, n_months: int) -> Cents:
    """Place the months of a schedule among the company's months, from ``first_month`` on.

    Months beyond ``n_months`` are dropped.
    """
    placed = np.zeros((cents.shape[0], n_months), np.int64)
    if first_month <= n_months:
        in_horizon = min(cents.shape[1], n_months - first_month + 1)
        placed[:, first_month - 1 : first_month - 1 + in_horizon] = cents[:, :in_horizon]
    return placed


def post_loan(
    ledger: Ledger,
    path: str,
    principal: Cents,
    rate_per_year: Floats,
    *,
    month: int,
    months: int,
    interest_only_months: int = 0,
    fee: Cents | None = None,
) -> None:
    """Post a loan that is drawn in ``month`` and repaid from the next month on."""
    n_months = ledger.n_months
    plan = schedule(principal, rate_per_year / MONTHS_PER_YEAR, months, interest_only_months)
    ledger.post(Account.CASH, Account.DEBT, amount_in_month(principal, month, n_months), path)
    if fee is not None:
        ledger.post(Account.INTEREST, Account.CASH, amount_in_month(fee, month, n_months), path)
    interest, repaid = (
        place_in_months(part, month + 1, n_months) for part in (plan.interest, plan.repaid)
    )
    ledger.post(Account.INTEREST, Account.CASH, interest, path)
    ledger.post(Account.DEBT, Account.CASH, repaid, path)


def post_company_loan(ledger: Ledger, numbers: Numbers, loan: Loan) -> None:
    """Post a loan of the company's document."""
    principal = to_cents(numbers("amount_usd"), numbers.path)
    post_loan(
        ledger,
        numbers.path,
        principal,
        numbers("interest_share_per_year"),
        month=loan.month,
        months=loan.months,
        interest_only_months=loan.interest_only_months,
        fee=to_cents(numbers("amount_usd") * numbers("fee_share"), numbers.path),
    )
