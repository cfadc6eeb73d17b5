"""Closed forms that simulations are checked by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from finance import risk

Inputs = Mapping[str, Any]


def ruin(case: Inputs) -> Inputs:
    chance = risk.ruin_probability(case["cash"], case["drift"], case["vol"], case["months"])
    return {"prob": chance}


def copula(case: Inputs) -> Inputs:
    return {"spearman": risk.spearman_of(case["rho"]), "kendall": risk.kendall_of(case["rho"])}


def gbm(case: Inputs) -> Inputs:
    drift, years = case.get("mu", 0.0), case["years"]

    def below(chance: float) -> float:
        return risk.gbm_quantile(case["s0"], drift, case["sigma"], years, chance)

    percentiles = {f"p{percent:02}": below(percent / 100) for percent in range(1, 100)}
    mean = risk.gbm_mean(case["s0"], drift, years)
    return {"mean": mean, "median": below(0.5)} | percentiles


OPS = {one.__name__: one for one in (ruin, copula, gbm)}
