"""Rent or buy: the one comparison of owned hardware with rented hardware that all pages show.

The reference is a single price per device-hour: the plan's own price, or for other accelerators the
median of the published on-demand offers. The cost of owning is :func:`engine.costs.ownership`'s, at
its default assumptions, so that the answer is the same wherever it is shown.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from engine.costs.ownership import OwnCost, Ownership, own_cost
from engine.documents import InputError
from engine.facts import prices_of, typical_price
from engine.units import HOURS_PER_YEAR, MONTHS_PER_YEAR

PRICE_FACTORS = (0.5, 0.7, 0.85, 1.0, 1.15, 1.3)
"""Reference prices of the sensitivity, relative to the reference."""
RESIDUAL_SHARES = (0.0, 0.2, 0.4)
"""Residual values of the sensitivity, as shares of the purchase price."""

Basis = Literal["plan", "median"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Price of a rented device-hour that owning is compared with."""

    usd_per_device_hour: Decimal
    basis: Basis
    """Whether it is the plan's own price or the median of the published on-demand offers."""
    source: str
    offers: int
    """Number of published on-demand offers of the accelerator."""
    lowest_usd: Decimal | None
    highest_usd: Decimal | None
    """Cheapest and most expensive of these offers, in USD per device-hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RentOrBuy:
    """Comparison of one owned device with one rented at the reference price."""

    accelerator: str
    reference: Reference
    owned: OwnCost
    break_even_share: float | None
    """Share of the year in use above which owning is cheaper; None if it never is."""
    own_usd_per_hour: float
    """Cost of an hour in use of the owned device, at its assumed utilisation."""
    payback_months: float | None
    """Months until the savings at the assumed utilisation have repaid the outlay with interest;
    None if that takes longer than the hardware's lifetime."""

    @property
    def buying_is_cheaper(self) -> bool:
        """Whether owning is cheaper at the assumed utilisation."""
        return self.own_usd_per_hour < float(self.reference.usd_per_device_hour)

    def yearly_usd(self, share: float) -> tuple[float, float]:
        """Return the yearly costs (rented, owned) of one device in use for a share of the year."""
        hours = share * HOURS_PER_YEAR
        rented = hours * float(self.reference.usd_per_device_hour)
        owned = self.owned.fixed_usd_per_year + hours * self.owned.electricity_usd_per_hour
        return rented, owned


def reference_price(
    accelerator_name: str, plan_price: tuple[Decimal, str] | None = None
) -> Reference | None:
    """Return the reference price of an accelerator, or None if no price is known.

    Parameters
    ----------
    plan_price
        (USD per device-hour, source) of the plan, if the plan has this accelerator.
    """
    offers = [
        row.usd_per_device_hour
        for row in prices_of(accelerator_name)
        if row.terms == "on_demand" and row.confidence == "published"
    ]
    if plan_price is None:
        median = typical_price(accelerator_name)
        if median is None:
            return None
        plan_price = median.usd_per_device_hour, median.citation
        basis: Basis = "median"
    else:
        basis = "plan"
    usd, source = plan_price
    return Reference(
        usd_per_device_hour=usd,
        basis=basis,
        source=source,
        offers=len(offers),
        lowest_usd=offers[0] if offers else None,
        highest_usd=offers[-1] if offers else None,
    )


def rent_or_buy(
    accelerator_name: str,
    plan_price: tuple[Decimal, str] | None = None,
    ownership: Ownership | None = None,
) -> RentOrBuy | None:
    """Compare owning with renting; None if the purchase price, power or rent is not known."""
    reference = reference_price(accelerator_name, plan_price)
    try:
        owned = own_cost(accelerator_name, ownership or Ownership())
    except InputError:  # the power of the accelerator is not known
        return None
    if reference is None or owned is None:
        return None
    price = float(reference.usd_per_device_hour)
    return RentOrBuy(
        accelerator=accelerator_name,
        reference=reference,
        owned=owned,
        break_even_share=break_even_share(
            owned.fixed_usd_per_year, owned.electricity_usd_per_hour, price
        ),
        own_usd_per_hour=owned.parts.total_usd,
        payback_months=payback_months(owned, price, committed=False),
    )


def break_even_share(
    fixed_usd_per_year: float, usd_per_hour_in_use: float, rent_usd_per_hour: float
) -> float | None:
    """Return the share of the year in use at which owning costs the same as renting.

    Renting for h hours costs p·h, and owning F + e·h. Both are equal at h = F / (p − e). The result
    is None if that is more than a year.
    """
    margin_usd = rent_usd_per_hour - usd_per_hour_in_use
    if margin_usd <= 0:
        return None
    share = fixed_usd_per_year / (margin_usd * HOURS_PER_YEAR)
    return share if share <= 1 else None


def payback_months(owned: OwnCost, rent_usd_per_hour: float, *, committed: bool) -> float | None:
    """Return the months until the savings have repaid the outlay with interest.

    The outlay K is repaid after n months with K = s·(1 − (1 + i)^−n)/i, the present value of the
    monthly savings s at the monthly rate i. The result is None if n exceeds the lifetime.

    Parameters
    ----------
    rent_usd_per_hour
        Price of the rented device-hour that the owned device replaces.
    committed
        Whether the rent is due for all hours, and not only for those in use.
    """
    used_hours = HOURS_PER_YEAR * owned.utilisation_share
    saved = (
        rent_usd_per_hour * (HOURS_PER_YEAR if committed else used_hours)
        - owned.fixed_running_usd_per_year
        - owned.electricity_usd_per_hour * used_hours
    ) / MONTHS_PER_YEAR
    rate = math.expm1(math.log1p(owned.cost_of_capital_per_year) / MONTHS_PER_YEAR)
    outlay = owned.outlay_usd_per_device
    if saved <= outlay * rate:
        return None
    months = outlay / saved if not rate else -math.log1p(-outlay * rate / saved) / math.log1p(rate)
    return None if months > owned.lifetime_years * MONTHS_PER_YEAR else months


def sensitivity(
    answer: RentOrBuy,
    factors: Sequence[float] = PRICE_FACTORS,
    residuals: Sequence[float] = RESIDUAL_SHARES,
) -> list[list[float | None]]:
    """Return the break-even use for each residual value (rows) and each price (columns)."""
    price = float(answer.reference.usd_per_device_hour)
    rows = []
    for residual in residuals:
        owned = own_cost(answer.accelerator, Ownership(residual_share=residual))
        if owned is None:
            raise ValueError(f"{answer.accelerator} has no purchase price")
        rows.append(
            [
                break_even_share(
                    owned.fixed_usd_per_year, owned.electricity_usd_per_hour, factor * price
                )
                for factor in factors
            ]
        )
    return rows
