"""Loans in whole cents for many trials: schedules, their entries, and what lenders insist on."""

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
"""Nominal: a twelfth of it each month."""


MIN_RATE_PER_MONTH = 1e-8
"""A month: below it a level payment is the principal in equal parts."""


class Covenants(Document):
    """What a borrower has promised to keep; None where nothing was promised."""

    minimum_cash_usd: Usd | None = None
    maximum_debt_to_arr: Annotated[Decimal, Field(ge=0, le=1000, max_digits=8)] | None = None
    """All debt over annual recurring revenue."""
    minimum_service_cover: Annotated[Decimal, Field(ge=0, le=100, max_digits=8)] | None = None
    """Operating cash of three months, before interest, over interest and repayments of them."""
    maximum_loan_to_value: Annotated[Decimal, Field(ge=0, le=100, max_digits=8)] | None = None
    """All debt over what equipment stands in the books at."""


class Loan(Document):
    """Money that is drawn once and paid back by the month."""

    name: ShortName
    kind: Literal["venture_debt", "bank_loan", "convertible_loan", "other"] = "venture_debt"
    month: Month
    amount_usd: Annotated[Usd, Field(gt=0)]
    interest_share_per_year: InterestRatePerYear
    months: MonthCount
    """From the first payment, a month after the drawing, to the last."""
    interest_only_months: Annotated[int, Field(ge=0, le=60)] = 0
    """At the beginning; they count among ``months``."""
    fee_share: Annotated[Decimal, Field(ge=0, le=1, max_digits=8)] = Decimal(0)
    """Of the amount, kept back when it is drawn."""
    committed: bool = True
    """Signed; a loan that is only planned comes with the planned rounds."""
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
    """Interest and repayment of each month after the first, in cents: (trials, months)."""

    interest: Cents
    repaid: Cents


def schedule(
    principal: Cents, rate_per_month: Floats, months: int, interest_only_months: int = 0
) -> Schedule:
    """Pay back ``principal``, shape (trials, 1), in equal amounts after interest alone.

    Interest is rounded to the cent each month, and the last month pays what is left: interest and
    repayments sum to what was paid, and repayments to the principal, exactly.
    """
    repaying = months - interest_only_months
    charged = np.where(rate_per_month > MIN_RATE_PER_MONTH, rate_per_month, 0.0)
    level = pyxirr.pmt(charged, repaying, -principal.astype(np.float64))
    payment = np.rint(np.asarray(level, np.float64)).astype(np.int64)
    left = principal + np.zeros_like(payment)
    interest, repaid = [], []
    for month in range(1, months + 1):
        due = np.rint(left * rate_per_month).astype(np.int64)
        if month <= interest_only_months:
            back = np.zeros_like(left)
        elif month == months:
            back = left
        else:
            back = np.clip(payment - due, 0, left)
        interest.append(due)
        repaid.append(back)
        left = left - back
    return Schedule(np.concatenate(interest, axis=1), np.concatenate(repaid, axis=1))


def place_in_months(cents: Cents, first_month: int, n_months: int) -> Cents:
    """A schedule's months, from ``first_month`` on, among those of the company."""
    found = np.zeros((cents.shape[0], n_months), np.int64)
    if first_month <= n_months:
        seen = min(cents.shape[1], n_months - first_month + 1)
        found[:, first_month - 1 : first_month - 1 + seen] = cents[:, :seen]
    return found


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
    """Draw a loan in ``month`` and pay it back from the next month on."""
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
    """A loan of the company's document."""
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
