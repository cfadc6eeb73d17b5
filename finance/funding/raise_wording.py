"""Sentences about the smallest raise: the answer to "What should we raise?"."""

from __future__ import annotations

import datetime
from decimal import Decimal

from engine import quantities
from engine.text import Catalog
from finance.books.months import date_of_month
from finance.company.company import Company
from finance.funding.proposed_round import default_pre_money, outcome_of_round
from finance.funding.raises import RaiseNeeded, Verdict, rounded_up


def raise_answer(text: Catalog, company: Company, bare: RaiseNeeded, buffered: RaiseNeeded) -> str:
    """Return the answer in one or two sentences.

    Parameters
    ----------
    bare, buffered
        The smallest raises for the company's goal, without and with its buffer.
    """
    until = month_text(date_of_month(company.first_month, buffered.target_months))
    if Verdict.IMPOSSIBLE in (bare.verdict, buffered.verdict):
        return text("funding.raise.impossible", until=until)
    if buffered.verdict is Verdict.NOT_NEEDED:
        lowest = quantities.usd(bare.lowest_cash_usd, text.language)
        return text("funding.raise.not_needed", until=until, lowest=lowest)
    params = {
        "until": until,
        "months": months_text(text, company.funding_goal.buffer_months),
        "buffer": quantities.usd(buffered.buffer_usd, text.language),
        "more": amount_text(text, buffered),
        "earlier": month_text(buffered.date),
    }
    if bare.verdict is Verdict.NOT_NEEDED:
        first = text("funding.raise.only_buffer", **params)
    else:
        key = "both" if buffered.amount_usd > bare.amount_usd else "needed"
        amount, date = amount_text(text, bare), month_text(bare.date)
        first = text(f"funding.raise.{key}", amount=amount, date=date, **params)
    return text("funding.raise.sentences", first=first, second=_terms(text, company, buffered))


def _terms(text: Catalog, company: Company, needed: RaiseNeeded) -> str:
    """Return what a round of the amount that is shown sells, and what the founders keep."""
    assert needed.month is not None  # a raise that is needed has a month
    pre_money = company.funding_goal.pre_money_usd or default_pre_money(company)
    outcome = outcome_of_round(company, rounded_up(needed.amount_usd), pre_money, needed.month)
    params = {
        "pre_money": quantities.usd(pre_money, text.language),
        "sold": quantities.share(float(outcome.sold), text.language),
    }
    if outcome.refused is not None or not outcome.founders_before:
        return text("funding.raise.terms_without_founders", **params)
    owned = quantities.share(float(outcome.founders_after), text.language)
    return text("funding.raise.terms", owned=owned, **params)


def raise_caveats(text: Catalog, company: Company, needed: RaiseNeeded) -> list[str]:
    """Return what a raise does not solve: cash that is still burnt, sales that lose money."""
    found = []
    if needed.verdict is Verdict.NEVER_PAYS:
        burn = quantities.usd(needed.burn_at_horizon_usd_per_month, text.language)
        found.append(text("funding.raise.never_pays", burn=burn))
    if needed.verdict is Verdict.PAYS_LATER:
        found.append(
            text(
                "funding.raise.pays_later",
                burn=quantities.usd(needed.burn_at_target_usd_per_month, text.language),
                until=month_text(date_of_month(company.first_month, needed.target_months)),
            )
        )
    if needed.verdict is not Verdict.NOT_NEEDED and needed.sales_lose_money:
        found.append(text("funding.raise.sales_lose_money"))
    if needed.month == 1 and needed.short_month == 1:
        found.append(text("funding.raise.at_once"))
    return found


def amount_text(text: Catalog, needed: RaiseNeeded) -> str:
    """Return the amount of a raise, rounded up so that it still suffices."""
    return quantities.usd(rounded_up(needed.amount_usd), text.language)


def month_text(day: datetime.date | None) -> str:
    """Return the month of a day, such as 2028-09."""
    return "–" if day is None else f"{day:%Y-%m}"


def months_text(text: Catalog, months: Decimal) -> str:
    """Return a number of months without trailing zeros."""
    return quantities.number(months, text.language)
