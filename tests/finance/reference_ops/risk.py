"""Ops for closed forms that simulations are checked against."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from finance.risk import closed_forms

Inputs = Mapping[str, Any]


def ruin(case: Inputs) -> Inputs:
    chance = closed_forms.ruin_probability(case["cash"], case["drift"], case["vol"], case["months"])
    return {"prob": chance}


def copula(case: Inputs) -> Inputs:
    return {
        "spearman": closed_forms.spearman_of(case["rho"]),
        "kendall": closed_forms.kendall_of(case["rho"]),
    }


def gbm(case: Inputs) -> Inputs:
    drift, years = case.get("mu", 0.0), case["years"]

    def below(chance: float) -> float:
        return closed_forms.gbm_quantile(case["s0"], drift, case["sigma"], years, chance)

    percentiles = {f"p{percent:02}": below(percent / 100) for percent in range(1, 100)}
    mean = closed_forms.gbm_mean(case["s0"], drift, years)
    return {"mean": mean, "median": below(0.5)} | percentiles


OPS = {op.__name__: op for op in (ruin, copula, gbm)}
