"""Contracts at market terms, from the engine's tables of prices and hardware."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from engine.costs.buying import OWN_ASSUMPTION, Terms
from engine.costs.comparable import TermsRatio, terms_ratio
from engine.costs.ownership import OwnCost, Ownership, own_cost
from engine.facts import typical_price
from engine.plan import Plan
from engine.units import MONTHS_PER_YEAR
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
_TERM_MONTHS: dict[Terms, int] = {"commitment_1y": 12, "commitment_3y": 36}
PRICE_DECIMALS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Contract with the source of its price."""

    contract: DeviceContract
    source: str
    """Source of the price, in words."""
    ratio: TermsRatio | None = None
    """Ratio to the on-demand price that the price follows from; None for a published price."""


def offers(
    plan: Plan, devices: int, first_month: int, ownership: Ownership | None = None
) -> dict[str, Offer]:
    """Return a contract of each kind that has a price for the plan's accelerator, by kind.

    On demand costs the median of the published prices. Commitments and spot devices cost the plan's
    price times the ratio that these terms have at providers with both prices
    (:func:`engine.costs.comparable.terms_ratio`). A lease repays the hardware's loss of value
    during its term, at the cost of capital. A loan against hardware has the same interest rate.
    """
    name = plan.cluster.accelerator
    by_kind: dict[str, Offer] = dict(_rented_offers(plan, devices, first_month))
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


def _rented_offers(plan: Plan, devices: int, first_month: int) -> Iterator[tuple[str, Offer]]:
    name, reference = plan.cluster.accelerator, plan.cluster.price_usd_per_device_hour
    median = typical_price(name)
    if median is None:
        return
    common = {"devices": devices, "first_month": first_month}
    yield (
        "on_demand",
        Offer(
            contract=OnDemand(
                kind="on_demand",
                name="on_demand",
                price_usd_per_device_hour=median.usd_per_device_hour,
                **common,
            ),
            source=median.citation,
        ),
    )
    rented: tuple[Terms, ...] = ("spot", *_TERM_MONTHS)
    for terms in rented:
        ratio = terms_ratio(name, terms)
        if ratio is None:
            continue
        price = round(reference * Decimal(repr(ratio.value)), PRICE_DECIMALS)
        contract: DeviceContract
        if terms == "spot":
            contract = Spot(kind="spot", name=terms, price_usd_per_device_hour=price, **common)
        else:
            contract = Reserved(
                kind="reserved",
                name=terms,
                price_usd_per_device_hour=price,
                months=_TERM_MONTHS[terms],
                **common,
            )
        yield terms, Offer(contract=contract, source=ratio.source, ratio=ratio)


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
