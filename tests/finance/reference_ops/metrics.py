"""Ops for operating metrics and the unit economics of compute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from finance.metrics import compute_economics as compute
from finance.numbers import ratios

Inputs = Mapping[str, Any]


def burn_multiple(case: Inputs) -> Inputs:
    return {"burn_multiple": ratios.burn_multiple(case["net_burn"], case["net_new_arr"])}


def magic_number(case: Inputs) -> Inputs:
    return {"magic": ratios.magic_number(case["rev_q"], case["rev_prev"], case["sm_prev"])}


def rule_of_40(case: Inputs) -> Inputs:
    return {"score": ratios.rule_of_40(case["growth"], case["margin"])}


def gpu_day(case: Inputs) -> Inputs:
    cost = compute.fleet_day_usd(case["nodes"], case["gpus_per_node"], case["usd_per_gpu_hour"])
    return {"cost": cost}


def gpu_hours(case: Inputs) -> Inputs:
    parts = compute.gpu_hours_usd(case["hours"], case["usd"])
    return {"total_hours": sum(case["hours"]), "cost": sum(parts), "parts": parts}


def token_day(case: Inputs) -> Inputs:
    kinds = ("cached", "miss", "out")
    tokens = (case.get("cached_in", 0), case.get("miss_in", 0), case.get("out", 0))
    prices = [case.get(f"price_{kind}", 0) for kind in kinds]
    sold = compute.token_sales(tokens=tokens, usd_per_million=prices, cost_usd=case.get("cost", 0))
    return {
        "revenue": sold.revenue_usd,
        "cost": sold.cost_usd,
        "profit": sold.profit_usd,
        "markup": sold.markup,
        "gm": sold.gross_margin,
        "gross_margin": sold.gross_margin,
    }


def v3_days(case: Inputs) -> Inputs:
    total_hours = case["hours_per_T"] * case["tokens_T"]
    return {
        "days_per_T": compute.days_of(case["hours_per_T"], case["gpus"]),
        "total_hours": total_hours,
        "total_days": compute.days_of(total_hours, case["gpus"]),
    }


def gm_table(case: Inputs) -> Inputs:
    years = list(zip(case["revenue"], case["cogs"], strict=True))
    return {
        "gross_profit": [revenue - cogs for revenue, cogs in years],
        "gm": [ratios.gross_margin(revenue, cogs) for revenue, cogs in years],
    }


def blended_margin(revenues: Sequence[float], margins: Sequence[float]) -> float | None:
    """Return the gross margin of segments together, each weighted by its share of revenue."""
    earned = [revenue * margin for revenue, margin in zip(revenues, margins, strict=True)]
    return ratios.ratio(sum(earned), sum(revenues))


def mix(case: Inputs) -> Inputs:
    return {"gm": blended_margin(case["shares"], case["gms"])}


def ratio(case: Inputs) -> Inputs:
    return {"ratio": ratios.ratio(case["num"], case["den"])}


def runway(case: Inputs) -> Inputs:
    months = [ratios.runway_at_burn(case["cash"], burn, case["months"]) for burn in case["burns"]]
    return {"months": months}


OPS = {
    op.__name__: op
    for op in (
        burn_multiple, magic_number, rule_of_40, gpu_day, gpu_hours, token_day, v3_days,
        gm_table, mix, ratio, runway,
    )
}  # fmt: skip
