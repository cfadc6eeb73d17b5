"""Contracts at market terms, from the engine's tables of prices and hardware."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from engine.costs.buying import OWN_ASSUMPTION, TermsSummary, payment_options, summarise
from engine.costs.ownership import OwnCost, Ownership, own_cost
from engine.plan import Plan
from engine.units import HOURS_PER_MONTH, MONTHS_PER_YEAR
from finance.books.months import MAX_MONTHS
from finance.compute.contracts import (
    DeviceContract,
    GpuBackedDebt,
    Lease,
    OnDemand,
    Purchase,
    Reserved,
    Spot,
)
from finance.numbers.money import cents
from finance.treasury import loan_ratios

LEASE_MONTHS = 36
LOAN_MONTHS = 36
LOAN_SHARE = Decimal("0.8")
"""Loan as a share of the price; like the terms of leases and loans, this is an own assumption."""
_TERM_MONTHS = {"commitment_1y": 12, "commitment_3y": 36}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Contract with the source of its price."""

    contract: DeviceContract
    source: str
    """Source of the price, in words."""


def offers(
    plan: Plan, devices: int, first_month: int, ownership: Ownership | None = None
) -> dict[str, Offer]:
    """Return a contract of each kind that has a price for the plan's accelerator, by kind.

    Rented devices cost the median of the published prices with the same terms; commitments of one
    year and of three years are separate offers. A lease repays the hardware's loss of value during
    its term, at the cost of capital. A loan against hardware has the same interest rate.
    """
    name = plan.cluster.accelerator
    rented = summarise(payment_options(name, devices, devices * HOURS_PER_MONTH, HOURS_PER_MONTH))
    by_kind: dict[str, Offer] = {
        summary.terms: _rented_offer(summary, devices, first_month) for summary in rented
    }
    assumed = ownership or Ownership()
    owned = own_cost(name, assumed)
    if owned is not None:
        source = owned.price.source if owned.price else OWN_ASSUMPTION
        for contract in _owned_contracts(owned, assumed, devices, first_month):
            # The price of a purchase is published; the other terms are assumptions.
            by_kind[contract.kind] = Offer(
                contract=contract,
                source=source if isinstance(contract, Purchase) else f"{OWN_ASSUMPTION}; {source}",
            )
    return by_kind


def _rented_offer(summary: TermsSummary, devices: int, first_month: int) -> Offer:
    median = summary.median
    price = median.usd_per_device_hour
    common = {"name": summary.terms, "devices": devices, "first_month": first_month}
    contract: DeviceContract
    if summary.terms == "spot":
        contract = Spot(kind="spot", price_usd_per_device_hour=price, **common)
    elif summary.terms in _TERM_MONTHS:
        contract = Reserved(
            kind="reserved",
            price_usd_per_device_hour=price,
            months=_TERM_MONTHS[summary.terms],
            **common,
        )
    else:
        contract = OnDemand(kind="on_demand", price_usd_per_device_hour=price, **common)
    return Offer(contract=contract, source=f"{median.provider} {median.instance} ({median.as_of})")


def _owned_contracts(
    owned: OwnCost, ownership: Ownership, devices: int, first_month: int
) -> Iterator[Purchase | GpuBackedDebt | Lease]:
    price = owned.outlay_usd_per_device
    lifetime = min(MAX_MONTHS, round(owned.lifetime_years * MONTHS_PER_YEAR))
    running = cents(owned.fixed_running_usd_per_year / MONTHS_PER_YEAR)
    rate = Decimal(repr(ownership.cost_of_capital_per_year))
    hardware = {
        "devices": devices,
        "first_month": first_month,
        "usd_per_device": cents(price),
        "lifetime_months": lifetime,
        "residual_share": Decimal(repr(ownership.residual_share)),
        "running_usd_per_device_month": running,
        "electricity_usd_per_device_hour": Decimal(f"{owned.electricity_usd_per_hour:.4f}"),
    }
    yield Purchase(kind="purchase", name="purchase", **hardware)
    yield GpuBackedDebt(
        kind="gpu_backed_debt",
        name="gpu_backed_debt",
        loan_share=LOAN_SHARE,
        interest_share_per_year=rate,
        loan_months=min(LOAN_MONTHS, lifetime),
        **hardware,
    )
    term = min(LEASE_MONTHS, lifetime)
    loss_of_value = (1 - ownership.residual_share) * term / lifetime
    monthly = -loan_ratios.payment(
        float(rate) / MONTHS_PER_YEAR, term, price, -price * (1 - loss_of_value)
    )
    yield Lease(
        kind="lease",
        name="lease",
        devices=devices,
        first_month=first_month,
        months=term,
        usd_per_device_month=cents(monthly),
        interest_share_per_year=rate,
        running_usd_per_device_month=running,
        electricity_usd_per_device_hour=hardware["electricity_usd_per_device_hour"],
    )
