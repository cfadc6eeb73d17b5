"""Comparable offers: a commitment or spot price against the same provider's on-demand price.

Providers differ by more than their terms do, so that the price of a commitment says little beside
the on-demand price of another provider. A ratio within one provider says what the terms are worth.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from engine.costs.buying import SPOT_OVERHEAD_SHARE, TERM_HOURS, Terms
from engine.facts import CloudPrice, accelerator, cloud_prices

RENTED_TERMS: tuple[Terms, ...] = ("on_demand", "spot", "commitment_1y", "commitment_3y")


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsRatio:
    """Price with some terms ÷ on-demand price of the same provider for the same accelerator."""

    terms: Terms
    value: float
    """The (lower) median of the offers."""
    low: float
    high: float
    offers: int
    """Number of offers with an on-demand price of the same provider."""
    of_other_devices: bool
    """Whether no such offer is known for the accelerator itself, so that those for other
    accelerators of its kind are used."""
    source: str
    """Provider, instance and date of the median offer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsPrice:
    """Price of a device-hour and cost of a run with some terms."""

    terms: Terms
    ratio: TermsRatio | None
    """None for on demand, whose price is the reference."""
    usd_per_device_hour: float
    paid_device_hours: float
    """Device-hours paid for: a commitment is paid to the end of its term, and interruptions of
    spot devices repeat work."""

    @property
    def cost_usd(self) -> float:
        """Cost of the run in USD."""
        return self.usd_per_device_hour * self.paid_device_hours


def terms_prices(
    accelerator_name: str,
    reference_usd: Decimal,
    n_devices: int,
    device_hours: float,
    wall_clock_hours: float,
) -> list[TermsPrice]:
    """Return the price of a run with each of the terms that are known.

    Parameters
    ----------
    reference_usd
        On-demand price per device-hour that the ratios apply to.
    """
    found = []
    for terms in RENTED_TERMS:
        ratio = None if terms == "on_demand" else terms_ratio(accelerator_name, terms)
        if ratio is None and terms != "on_demand":
            continue
        hours = device_hours
        if terms == "spot":
            hours *= 1 + SPOT_OVERHEAD_SHARE
        if term_hours := TERM_HOURS.get(terms):
            whole_terms = math.ceil(wall_clock_hours / term_hours)
            hours = max(hours, n_devices * whole_terms * term_hours)
        found.append(
            TermsPrice(
                terms=terms,
                ratio=ratio,
                usd_per_device_hour=float(reference_usd) * (1.0 if ratio is None else ratio.value),
                paid_device_hours=hours,
            )
        )
    return found


def terms_ratio(accelerator_name: str, terms: Terms) -> TermsRatio | None:
    """Return the price of ``terms`` relative to on demand, or None if no offer is known.

    Raises
    ------
    InputError
        If the accelerator is unknown.
    """
    device = accelerator(accelerator_name)
    own = _pairs(terms, [accelerator_name])
    if own:
        return _ratio(terms, own, of_other_devices=False)
    kind = {row.accelerator for row in cloud_prices()}
    others = _pairs(terms, [name for name in kind if accelerator(name).kind == device.kind])
    return _ratio(terms, others, of_other_devices=True) if others else None


def _ratio(
    terms: Terms, pairs: list[tuple[float, CloudPrice]], *, of_other_devices: bool
) -> TermsRatio:
    pairs.sort(key=lambda pair: pair[0])
    value, row = pairs[(len(pairs) - 1) // 2]
    return TermsRatio(
        terms=terms,
        value=value,
        low=pairs[0][0],
        high=pairs[-1][0],
        offers=len(pairs),
        of_other_devices=of_other_devices,
        source=f"{row.provider} {row.instance} ({row.as_of})",
    )


def on_demand_beside(
    accelerator_name: str, provider: str, instance: str, region: str
) -> Decimal | None:
    """Return the on-demand price of a provider that an offer of its own compares with.

    It is the price of the same instance and region if there is one, else the (lower) median.
    """
    same = [
        row
        for row in cloud_prices()
        if (row.accelerator, row.provider) == (accelerator_name, provider)
        and row.terms == "on_demand"
        and row.confidence == "published"
    ]
    for column, wanted in (("instance", instance), ("region", region)):
        same = [row for row in same if getattr(row, column) == wanted] or same
    prices = sorted(row.usd_per_device_hour for row in same)
    return prices[(len(prices) - 1) // 2] if prices else None


def _pairs(terms: Terms, names: Iterable[str]) -> list[tuple[float, CloudPrice]]:
    """Return (ratio, offer) of each published offer whose provider has an on-demand price."""
    wanted = frozenset(names)
    found = []
    for row in cloud_prices():
        if row.accelerator not in wanted or (row.terms, row.confidence) != (terms, "published"):
            continue
        on_demand = on_demand_beside(row.accelerator, row.provider, row.instance, row.region)
        if on_demand is not None:
            found.append((float(row.usd_per_device_hour / on_demand), row))
    return found
