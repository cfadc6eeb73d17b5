"""Ops for loans."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from finance.treasury import loan_ratios

Inputs = Mapping[str, Any]


def _terms(case: Inputs) -> dict[str, Any]:
    return {"loan": case["pv"], "balloon": case.get("fv", 0), "at_start": _at_start(case)}


def _at_start(case: Inputs) -> bool:
    """Return whether payments are at the start of a period.

    Spreadsheets call this field type, numpy-financial when, pyxirr pmt_at_beginning.
    """
    values = [case.get(name) for name in ("type", "when", "pmt_at_beginning")]
    return any(value in (1, "begin", "start", "beginning") for value in values)


def pmt(case: Inputs) -> Inputs:
    return {"pmt": loan_ratios.payment(case["rate"], case["n"], **_terms(case))}


def ipmt(case: Inputs) -> Inputs:
    return {"ipmt": loan_ratios.interest_part(case["rate"], case["per"], case["n"], **_terms(case))}


def ppmt(case: Inputs) -> Inputs:
    return {
        "ppmt": loan_ratios.principal_part(case["rate"], case["per"], case["n"], **_terms(case))
    }


def ipmt_series(case: Inputs) -> Inputs:
    return {"ipmt": _series(loan_ratios.interest_part, case)}


def ppmt_series(case: Inputs) -> Inputs:
    return {"ppmt": _series(loan_ratios.principal_part, case)}


def _series(part: Callable[..., float], case: Inputs) -> list[float]:
    periods = range(1, case.get("first", case["n"]) + 1)
    return [part(case["rate"], period, case["n"], **_terms(case)) for period in periods]


def cum(case: Inputs) -> Inputs:
    span = (case["rate"], case["n"], case["pv"], case["start"], case["end"])
    at_start = _at_start(case)
    return {
        "cumprinc": loan_ratios.cumulative_principal(*span, at_start=at_start),
        "cumipmt": loan_ratios.cumulative_interest(*span, at_start=at_start),
    }


def fv(case: Inputs) -> Inputs:
    saved = loan_ratios.future_value(
        case["rate"], case["n"], case["pmt"], case.get("pv", 0), at_start=_at_start(case)
    )
    return {"fv": saved}


def nper(case: Inputs) -> Inputs:
    needed = loan_ratios.periods_needed(
        case["rate"], case["pmt"], case.get("pv", 0), case.get("fv", 0), at_start=_at_start(case)
    )
    return {"nper": needed}


def sum_check(case: Inputs) -> Inputs:
    return {
        "total": sum(case["parts"].values()),
        "by_year_total": sum((case.get("by_year") or {}).values()),
    }


def interest_expense(contractual: float, *, discount_amortised: float, capitalised: float) -> float:
    """Return the interest in an income statement (US GAAP ASC 835-20, 835-30).

    It is the interest that contracts charge, plus amortised issue discounts and costs, less what
    is capitalised into an asset under construction.
    """
    return contractual + discount_amortised - capitalised


def interest_check(case: Inputs) -> Inputs:
    (contractual,) = (usd for name, usd in case.items() if "contractual" in name)
    interest = interest_expense(
        contractual,
        discount_amortised=case.get("amortisation", 0),
        capitalised=case.get("capitalised", 0),
    )
    return {"total_interest": interest}


OPS = {
    op.__name__: op
    for op in (
        pmt, ipmt, ppmt, ipmt_series, ppmt_series, cum, fv, nper, sum_check, interest_check,
    )
}  # fmt: skip
