"""Unit economics of compute: costs and revenue per GPU-hour, token and training run.

A ratio is None if it is undefined.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic

from engine.units import HOURS_PER_DAY, TOKENS_PER_MILLION
from finance.numbers import checks
from finance.numbers.kinds import Number, total
from finance.numbers.ratios import gross_margin, ratio


def fleet_day_usd(nodes: Number, gpus_per_node: Number, usd_per_gpu_hour: Number) -> Number:
    """Return the rent of a fleet for a day; ``nodes`` may be a fractional mean over the day."""
    for field, value in (
        ("nodes", nodes),
        ("gpus_per_node", gpus_per_node),
        ("usd_per_gpu_hour", usd_per_gpu_hour),
    ):
        checks.amount(field, value)
    return nodes * gpus_per_node * HOURS_PER_DAY * usd_per_gpu_hour


def gpu_hours_usd(hours: Sequence[Number], usd_per_gpu_hour: Number) -> list[Number]:
    """Return the rent of each phase (pre-training, context extension, post-training)."""
    for phase in hours:
        checks.at_least("hours", phase, 0)
    checks.amount("usd_per_gpu_hour", usd_per_gpu_hour)
    return [phase * usd_per_gpu_hour for phase in hours]


def days_of(gpu_hours: Number, n_gpus: Number) -> Number:
    """Return the calendar days that GPU-hours take on ``n_gpus`` without idle time."""
    checks.at_least("gpu_hours", gpu_hours, 0)
    checks.above("n_gpus", n_gpus, 0)
    return gpu_hours / n_gpus / HOURS_PER_DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSales(Generic[Number]):
    """Revenue from tokens and the cost of serving them."""

    revenue_usd: Number
    cost_usd: Number

    @property
    def profit_usd(self) -> Number:
        """Revenue less cost, in USD."""
        return self.revenue_usd - self.cost_usd

    @property
    def markup(self) -> Number | None:
        """Profit ÷ cost, which DeepSeek calls cost profit margin; 545% is a margin of 84.5%."""
        return ratio(self.profit_usd, self.cost_usd)

    @property
    def gross_margin(self) -> Number | None:
        """Profit ÷ revenue."""
        return gross_margin(self.revenue_usd, self.cost_usd)


def token_sales(
    *, tokens: Sequence[Number], usd_per_million: Sequence[Number], cost_usd: Number
) -> TokenSales[Number]:
    """Return the sales of tokens of several kinds (cached input, input, output) at their prices."""
    for count in tokens:
        checks.at_least("tokens", count, 0)
    for price in usd_per_million:
        checks.amount("usd_per_million", price)
    sold = [
        n * price / TOKENS_PER_MILLION for n, price in zip(tokens, usd_per_million, strict=True)
    ]
    return TokenSales(revenue_usd=total(sold), cost_usd=cost_usd)


def revenue_per_gpu_hour(revenue_usd: Number, gpu_hours: Number) -> Number | None:
    """Return the revenue per GPU-hour of serving in USD; idle hours count."""
    return ratio(revenue_usd, gpu_hours)


def cost_per_million_tokens(serving_usd: Number, tokens: Number) -> Number | None:
    """Return the cost per million served tokens in USD; idle hours count."""
    return ratio(serving_usd * TOKENS_PER_MILLION, tokens)


def training_share_of_raise(training_usd: Number, raised_usd: Number) -> Number | None:
    """Return the share of the money raised that is spent on training compute."""
    return ratio(training_usd, raised_usd)
