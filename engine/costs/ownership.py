"""Owned hardware: the cost of buying, housing and running a device.

The result is the cost of a device-hour in use: the server and its share of the network as an
annuity over their lifetime, then colocation, maintenance and electricity. The method follows
Cottier 2024 (arXiv:2405.21015), which leaves out colocation, maintenance and the cost of capital.
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
    """One published purchase price."""

    accelerator: str
    usd: Decimal
    """Price per device in USD. If the price ``covers`` the server, it includes a share of it."""
    kind: Literal["list", "street", "msrp", "estimate"]
    covers: Literal["device", "baseboard", "server"]
    """Part that the price includes. A baseboard joins devices and has no host. Per device it costs
    about as much as a device alone, so that the host is added."""
    confidence: Confidence
    notes: str


@cache
def purchase_prices() -> tuple[PurchasePrice, ...]:
    """Return all published purchase prices."""
    return read_facts(DATA_DIR / "accelerator_prices.csv", PurchasePrice)


class Ownership(Document):
    """Assumptions about owned hardware.

    Fields that are not given come from ``data/energy.csv`` and ``data/accelerator_prices.csv``.
    """

    facility: Facility = Facility()
    server_usd_per_device: Annotated[Decimal, Field(gt=0, le=10_000_000)] | None = None
    """Price of a server over the number of its devices, in USD. Default: the median published price
    of whole servers, or else of devices times ``server_cost_over_device_cost``."""
    server_cost_over_device_cost: Annotated[float, Field(ge=1, le=10)] | None = None
    """Price of a server over the price of its devices. Default: 1.66 for Ampere, 1.69 for Volta,
    1.64 for others (Epoch AI)."""
    interconnect_cost_share: ShareBelowOne = Field(
        default_factory=lambda: float(scoped("interconnect_cost_share").value)
    )
    """Share of the network in the cost of the cluster. Default: 0.19 (Epoch AI)."""
    lifetime_years: Annotated[float, Field(gt=0, le=30)] = Field(
        default_factory=lambda: float(scoped("server_lifetime_years").value)
    )
    """Years until a server is replaced. Default: 5 years, of servers from 2023 on (Epoch AI)."""
    residual_share: ShareOfOne = 0.0
    """Share of the price that remains at the end of the lifetime. Default: 0, a cautious assumption
    of this project. Performance gets cheaper by 0.14 powers of ten a year, which would leave a
    fifth."""
    cost_of_capital_per_year: ShareOfOne = 0.1
    """Yearly cost of capital. Default: 10%, an assumption of this project at the low end of the
    interest on GPU-backed loans."""
    utilisation_share: PositiveShare = 0.8
    """Share of all hours in which the devices are in use. Default: about that of two research
    clusters (Kokolis 2024, arXiv:2410.21680)."""
    colocation_usd_per_kw_month: Annotated[Decimal, Field(ge=0, le=100_000)] | None = None
    """Price of space and peak power for the servers, without electricity. Default: CBRE's mean of
    the region, or of the world."""
    maintenance_share_per_year: ShareOfOne = 0.02
    """Yearly maintenance as a share of the price, without staff. Default: 5,000 USD a year for
    250,000 USD of servers (alpha-one-index, buy-vs-rent, 2026-03)."""

    def colocation_price_usd_per_kw_month(self) -> Decimal:
        """Return the given colocation price, or the mean of the region or the world."""
        if self.colocation_usd_per_kw_month is not None:
            return self.colocation_usd_per_kw_month
        country = self.facility.region.split("-")[0]
        regional_mean = regions("colocation_usd_per_kw_month").get(country)
        return (regional_mean or scoped("colocation_usd_per_kw_month")).value


@dataclass(frozen=True, slots=True, kw_only=True)
class CostParts:
    """Parts of the cost of one device-hour in use, in USD."""

    depreciation_usd: float
    capital_usd: float
    colocation_usd: float
    maintenance_usd: float
    electricity_usd: float

    @property
    def total_usd(self) -> float:
        """Sum of the parts in USD."""
        return sum(self.by_name().values())

    def by_name(self) -> dict[str, float]:
        """Return the parts by their field names."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCost:
    """Cost of owning one device."""

    accelerator: str
    region: str
    price: PurchasePrice | None
    """Published price that the cost is based on; None if the user gave the price."""
    outlay_usd_per_device: float
    """Price of the device with its share of the server and of the network, in USD."""
    fixed_usd_per_year: float
    """Yearly cost that does not depend on use, with the annuity, in USD."""
    fixed_running_usd_per_year: float
    """Yearly cost of colocation and maintenance in USD, which is part of ``fixed_usd_per_year``."""
    electricity_usd_per_hour: float
    """Electricity of one hour in use, in USD."""
    utilisation_share: float
    lifetime_years: float
    cost_of_capital_per_year: float
    parts: CostParts

    def usd_per_device_hour(self, device_hours_per_year: float) -> float:
        """Return the cost of an hour in use, in USD, at a yearly number of hours in use."""
        return self.fixed_usd_per_year / device_hours_per_year + self.electricity_usd_per_hour


def server_price_usd(price: PurchasePrice, device: Accelerator, ownership: Ownership) -> float:
    """Return a published price converted to a whole server's price per device, in USD."""
    if price.covers == "server":
        return float(price.usd)
    ratio = ownership.server_cost_over_device_cost or float(
        scoped("server_cost_over_device_cost", device.arch, device.kind).value
    )
    return float(price.usd) * ratio


def typical_purchase(device: Accelerator, ownership: Ownership) -> PurchasePrice | None:
    """Return the (lower) median of the published prices; prices of whole servers are preferred."""
    rows = [row for row in purchase_prices() if row.accelerator == device.accelerator]
    rows = [row for row in rows if row.confidence == "published"] or rows
    rows = [row for row in rows if row.covers == "server"] or rows
    rows.sort(key=lambda row: server_price_usd(row, device, ownership))
    return rows[(len(rows) - 1) // 2] if rows else None


def annuity_usd_per_year(
    outlay_usd: float, residual_usd: float, years: float, rate: float
) -> float:
    """Return the yearly cost of an outlay K with residual value S after L years at the rate r.

    It is (K − S)·r / (1 − (1 + r)^−L) + S·r, the textbook capital recovery.
    """
    lost = outlay_usd - residual_usd
    if not rate:
        return lost / years
    return lost * rate / -math.expm1(-years * math.log1p(rate)) + residual_usd * rate


def own_cost(accelerator_name: str, ownership: Ownership) -> OwnCost | None:
    """Return the yearly cost of one owned device, and its cost per hour in use.

    The outlay is charged as :func:`annuity_usd_per_year`. Depreciation is its part (K − S)/L, and
    the rest is the cost of capital.

    Returns
    -------
    OwnCost or None
        None if no price of the accelerator is published or given.

    Raises
    ------
    InputError
        If the accelerator is unknown, or its power is neither in the table nor given.
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
    rate, years = ownership.cost_of_capital_per_year, ownership.lifetime_years
    depreciation = (outlay - residual) / years
    annuity = annuity_usd_per_year(outlay, residual, years, rate)
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
