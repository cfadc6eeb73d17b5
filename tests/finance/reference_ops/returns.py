"""Ops for rates of return, present values and multiples."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

import pyxirr

from finance.exits import returns

Inputs = Mapping[str, Any]

_DAY_COUNTS = {
    "act365": "act/365F",
    "act365isda": "act/365F",
    "actactafb": "act/act ISDA",
    "30360": "30/360 ISDA",
    "30360sia": "30U/360",
    "30360us": "30U/360",
    "30360european": "30E/360",
    "30360e": "30E/360",
    "30360eisda": "30E/360 ISDA",
}
"""Names of day counts that pyxirr does not know."""


def _day_count(case: Inputs) -> pyxirr.DayCount:
    name = case.get("basis") or "act/365F"
    plain = name.lower().replace("actual", "act").translate(str.maketrans("", "", " /_-()"))
    return pyxirr.DayCount.of(_DAY_COUNTS.get(plain, name))


def _dated(case: Inputs) -> list[returns.Flow]:
    return [(datetime.date.fromisoformat(date), usd) for date, usd in case["flows"]]


def _rates(rates: returns.Rates, name: str) -> Inputs:
    return {
        name: rates.usual,
        "one_root": rates.usual,
        "n_roots": len(rates.all),
        "roots": rates.all,
    }


def irr(case: Inputs) -> Inputs:
    return _rates(returns.irr(case["cashflows"]), "irr")


def xirr(case: Inputs) -> Inputs:
    return _rates(returns.xirr(_dated(case), _day_count(case)), "xirr")


def npv(case: Inputs) -> Inputs:
    first = case.get("first_period", 0)
    return {"npv": returns.npv(case["rate"], case["cashflows"], first_period=first)}


def mirr(case: Inputs) -> Inputs:
    rate = returns.mirr(
        case["cashflows"], finance_rate=case["finance"], reinvest_rate=case["reinvest"]
    )
    return {"mirr": rate}


def xnpv(case: Inputs) -> Inputs:
    return {"xnpv": returns.xnpv(case["rate"], _dated(case), _day_count(case))}


def xnfv(case: Inputs) -> Inputs:
    return {"xnfv": returns.xnfv(case["rate"], _dated(case), _day_count(case))}


def pe(case: Inputs) -> Inputs:
    of = returns.multiples(
        float(case["paid_in"]), float(case.get("distributed", 0)), float(case.get("nav", 0))
    )
    return {"dpi": of.dpi, "rvpi": of.rvpi, "tvpi": of.tvpi, "moic": of.tvpi}


OPS = {"xirr_multi": xirr} | {op.__name__: op for op in (irr, xirr, npv, mirr, xnpv, xnfv, pe)}
