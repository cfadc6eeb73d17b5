"""Hardware of one's own: what a device costs to buy, to keep and to run.

The cost is that of a device-hour in use: the server and its share of the network as an annuity over
their lifetime, then colocation, maintenance and electricity. The method follows Cottier 2024
(arXiv:2405.21015), which leaves out colocation, maintenance and the cost of capital.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from decimal import Decimal
from functools import cache
from typing import Annotated, Literal

from pydantic import Field

from engine.costs.energy import Facility, energy_kwh, regions, scoped, server_peak_kw
from engine.documents import Document
from engine.facts import Accelerator, Confidence, Fact, accelerator, read_facts
from engine.field_types import PositiveShare, ShareBelowOne, ShareOfOne
from engine.paths import DATA_DIR
from engine.units import HOURS_PER_YEAR, MONTHS_PER_YEAR


class PurchasePrice(Fact):
    accelerator: str
    usd: Decimal
    """For one device, its share of the server where the price ``covers`` that."""
    kind: Literal["list", "street", "msrp", "estimate"]
    covers: Literal["device", "baseboard", "server"]
    """A baseboard joins devices and has no host: per device it sells for about what a device
    alone does, so the host is still to be added."""
    confidence: Confidence
    notes: str


@cache
def purchase_prices() -> tuple[PurchasePrice, ...]:
    return read_facts(DATA_DIR / "accelerator_prices.csv", PurchasePrice)


class Ownership(Document):
    """What is assumed of hardware of one's own. What is not given comes from ``data/energy.csv``
    and ``data/accelerator_prices.csv``."""

    facility: Facility = Facility()
    server_usd_per_device: Annotated[Decimal, Field(gt=0, le=10_000_000)] | None = None
    """A server's price over the devices in it. Default: the median published one, of whole servers
    where there are any, else of devices, times the next field."""
    server_cost_over_device_cost: Annotated[float, Field(ge=1, le=10)] | None = None
    """Default: 1.66 for Ampere, 1.69 for Volta, 1.64 for others (Epoch AI)."""
    interconnect_cost_share: ShareBelowOne = Field(
        default_factory=lambda: float(scoped("interconnect_cost_share").value)
    )
    """The network's share of what the cluster costs. Default: 0.19 (Epoch AI)."""
    lifetime_years: Annotated[float, Field(gt=0, le=30)] = Field(
        default_factory=lambda: float(scoped("server_lifetime_years").value)
    )
    """Default: 5 years, of servers from 2023 on (Epoch AI)."""
    residual_share: ShareOfOne = 0.0
    """What is left of the price at the end. Default: nothing, an own and cautious assumption; at
    the 0.14 powers of ten a year by which performance gets cheaper it would be a fifth."""
    cost_of_capital_per_year: ShareOfOne = 0.1
    """Default: 10%, an own assumption, at the low end of what GPU-backed loans ask for."""
    utilisation_share: PositiveShare = 0.8
    """Share of all hours in which the devices are in use. Default: about that of two research
    clusters (Kokolis 2024, arXiv:2410.21680)."""
    colocation_usd_per_kw_month: Annotated[Decimal, Field(ge=0, le=100_000)] | None = None
    """Space and peak power of the servers, electricity not included. Default: CBRE's mean of the
    region, or of the world."""
    maintenance_share_per_year: ShareOfOne = 0.02
    """Of the price. Default: 5,000 USD a year for 250,000 USD of servers (alpha-one-index,
    buy-vs-rent, 2026-03). Staff is not in it."""

    def colocation_price_usd_per_kw_month(self) -> Decimal:
        if self.colocation_usd_per_kw_month is not None:
            return self.colocation_usd_per_kw_month
        country = self.facility.region.split("-")[0]
        known = regions("colocation_usd_per_kw_month").get(country)
        return (known or scoped("colocation_usd_per_kw_month")).value


@dataclass(frozen=True, slots=True, kw_only=True)
class CostParts:
    """USD for one device-hour in use."""

    depreciation_usd: float
    capital_usd: float
    colocation_usd: float
    maintenance_usd: float
    electricity_usd: float

    @property
    def total_usd(self) -> float:
        return sum(self.by_name().values())

    def by_name(self) -> dict[str, float]:
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCost:
    """What owning one device costs."""

    accelerator: str
    region: str
    price: PurchasePrice | None
    """None where the price is the user's own."""
    outlay_usd_per_device: float
    """The device, its share of the server and of the network."""
    fixed_usd_per_year: float
    """Whether the device is used or not; annuity included."""
    fixed_running_usd_per_year: float
    """The part of it that is paid as time goes by: colocation and maintenance."""
    electricity_usd_per_hour: float
    """For an hour in use."""
    utilisation_share: float
    lifetime_years: float
    cost_of_capital_per_year: float
    parts: CostParts

    def usd_per_device_hour(self, device_hours_per_year: float) -> float:
        return self.fixed_usd_per_year / device_hours_per_year + self.electricity_usd_per_hour


def server_price_usd(price: PurchasePrice, device: Accelerator, ownership: Ownership) -> float:
    """A published price as that of a whole server over the devices in it."""
    if price.covers == "server":
        return float(price.usd)
    ratio = ownership.server_cost_over_device_cost or float(
        scoped("server_cost_over_device_cost", device.arch, device.kind).value
    )
    return float(price.usd) * ratio


def typical_purchase(device: Accelerator, ownership: Ownership) -> PurchasePrice | None:
    """The (lower) median of the published prices, whole servers before parts of them."""
    rows = [row for row in purchase_prices() if row.accelerator == device.accelerator]
    rows = [row for row in rows if row.confidence == "published"] or rows
    rows = [row for row in rows if row.covers == "server"] or rows
    rows.sort(key=lambda row: server_price_usd(row, device, ownership))
    return rows[(len(rows) - 1) // 2] if rows else None


def own_cost(accelerator_name: str, ownership: Ownership) -> OwnCost | None:
    """What one device of one's own costs a year and per hour in use.

    The outlay K, with residual value S after L years at the yearly rate r, is charged as the
    annuity (K − S)·r / (1 − (1 + r)^−L) + S·r, the textbook capital recovery; depreciation is
    (K − S)/L of it, the rest the cost of capital.

    Returns
    -------
    OwnCost or None
        None where no price of the accelerator is known or given.

    Raises
    ------
    InputError
        For an unknown accelerator, or one whose power is neither known nor given.
    """
    device = accelerator(accelerator_name)
    price = None if ownership.server_usd_per_device else typical_purchase(device, ownership)
    if price:
        server_usd = server_price_usd(price, device, ownership)
    elif ownership.server_usd_per_device:
        server_usd = float(ownership.server_usd_per_device)
    else:
        return None
    outlay = server_usd / (1 - ownership.interconnect_cost_share)
    residual = outlay * ownership.residual_share
    depreciation = (outlay - residual) / ownership.lifetime_years
    rate, years = ownership.cost_of_capital_per_year, ownership.lifetime_years
    annuity = depreciation
    if rate:
        annuity = (outlay - residual) * rate / -math.expm1(-years * math.log1p(rate))
        annuity += residual * rate
    colocation = MONTHS_PER_YEAR * float(ownership.colocation_price_usd_per_kw_month())
    colocation *= server_peak_kw(device, ownership.facility)
    maintenance = outlay * ownership.maintenance_share_per_year
    electricity = energy_kwh(device, 1.0, ownership.facility) * float(
        ownership.facility.electricity_price_usd_per_kwh()
    )
    hours = HOURS_PER_YEAR * ownership.utilisation_share
    return OwnCost(
        accelerator=accelerator_name,
        region=ownership.facility.region,
        price=price,
        outlay_usd_per_device=outlay,
        fixed_usd_per_year=annuity + colocation + maintenance,
        fixed_running_usd_per_year=colocation + maintenance,
        electricity_usd_per_hour=electricity,
        utilisation_share=ownership.utilisation_share,
        lifetime_years=years,
        cost_of_capital_per_year=rate,
        parts=CostParts(
            depreciation_usd=depreciation / hours,
            capital_usd=(annuity - depreciation) / hours,
            colocation_usd=colocation / hours,
            maintenance_usd=maintenance / hours,
            electricity_usd=electricity,
        ),
    )
