"""Ops for adoption, retention and the value of customers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from finance.demand import customers, retention
from finance.demand.bass import Bass, BassFit, Form, fit_least_squares, fit_regression

Inputs = Mapping[str, Any]


def bass_nls(case: Inputs) -> Inputs:
    start = {key.lower(): value for key, value in (case.get("start") or {}).items()}
    fit = fit_least_squares(
        case["sales"],
        form=Form(case.get("form", "density")),
        start=Bass(**start) if start else None,
    )
    return _fitted(fit)


def bass_ols(case: Inputs) -> Inputs:
    return _fitted(fit_regression(case["adoptions"]))


def _fitted(fit: BassFit) -> Inputs:
    model = fit.model
    return {
        "p": model.p,
        "q": model.q,
        "m": model.m,
        "M": model.m,
        "residual_se": fit.residual_se,
        "peak_t": model.peak.time,
    }


def bass_peak(case: Inputs) -> Inputs:
    model = Bass(p=case["p"], q=case["q"], m=case["m"])
    return {
        "discrete_peak_t": model.recursion_peak.time,
        "discrete_peak": model.recursion_peak.rate,
        "continuous_peak_t": model.peak.time,
        "continuous_peak_rate": model.peak.rate,
    }


def bass_closed(case: Inputs) -> Inputs:
    model = Bass(p=case["p"], q=case["q"], m=case.get("m", 1))
    years = np.arange(0, 31)
    shares = {f"F{year}": share for year, share in enumerate(model.adopted_share(years).tolist())}
    return {
        "peak_t": model.peak.time,
        "penetration_at_peak": model.peak.adopted_share,
        "peak_rate": model.peak.rate,
    } | shares


def sbg(case: Inputs) -> Inputs:
    points = case["survival_pct"]
    fit = retention.fit(points[: case.get("fit_points") or len(points)])
    return {
        "alpha": fit.model.alpha,
        "beta": fit.model.beta,
        "neg_loglik_per_1000": fit.neg_log_likelihood / points[0] * 1000,
        "survival_pct": (100 * fit.model.survival(range(len(points)))).tolist(),
        "retention": fit.model.renewal_rate(range(1, len(points))).tolist(),
    }


def bdw(case: Inputs) -> Inputs:
    points = case["survival_pct"]
    fit = retention.fit(points[: case.get("fit_points") or len(points)], changing=True)
    model = fit.model
    return {
        "params": [model.alpha, model.beta, model.c],
        "alpha": model.alpha,
        "beta": model.beta,
        "c": model.c,
        "neg_loglik_per_1000": fit.neg_log_likelihood / points[0] * 1000,
        "survival_pct": (100 * model.survival(range(len(points)))).tolist(),
    }


def lifetime(case: Inputs) -> Inputs:
    return {"lifetime": customers.lifetime(case["churn"])}


def ltv(case: Inputs) -> Inputs:
    expansion = case.get("expansion", case.get("m"))
    value = customers.lifetime_value(
        case["arpa"], case.get("gm", 1), case["churn"], expansion_usd=expansion
    )
    return {"ltv": value, "lifetime": customers.lifetime(case["churn"])}


def cac(case: Inputs) -> Inputs:
    cost = case["cac"] if "cac" in case else customers.acquisition_cost(case["sm"], case["new"])
    found = {"cac": cost}
    if "arpa" in case:
        margin = case.get("gm", 1)
        found["payback_months"] = customers.payback_periods(cost, case["arpa"], margin)
        if "churn" in case:
            value = customers.lifetime_value(case["arpa"], margin, case["churn"])
            found["ltv"] = value
            found["ltv_to_cac"] = value / cost
    return found


def nrr(case: Inputs) -> Inputs:
    kept = customers.revenue_retention(
        case["start"],
        expansion_usd=case.get("expansion", 0),
        contraction_usd=case.get("contraction", 0),
        churned_usd=case.get("churn", 0),
    )
    return {"nrr": kept.net, "grr": kept.gross}


OPS = {
    op.__name__: op
    for op in (bass_nls, bass_ols, bass_peak, bass_closed, sbg, bdw, lifetime, ltv, cac, nrr)
}
