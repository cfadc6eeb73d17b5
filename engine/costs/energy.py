"""Electricity and carbon of device-hours, by region.

energy = device-hours × TDP × (server power ÷ device TDP) × (share of it drawn) × PUE, as in Cottier
2024, "The rising costs of training frontier AI models" (arXiv:2405.21015), whose code is the source
of the ratios. Carbon is location-based: the mean of the region's grid over a year.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from engine.documents import Document, InputError
from engine.facts import Accelerator, Confidence, Fact, read_facts
from engine.field_types import PositiveShare
from engine.paths import DATA_DIR
from engine.units import GRAMS_PER_KG, WATTS_PER_KW

EnergyKind = Literal[
    "electricity_usd_per_kwh",
    "grid_gco2e_per_kwh",
    "pue",
    "server_power_over_tdp",
    "server_power_share",
    "colocation_usd_per_kw_month",
    "server_cost_over_device_cost",
    "interconnect_cost_share",
    "server_lifetime_years",
    "price_performance_oom_per_year",
    "node_price_usd",
    "node_operation_usd_per_hour",
]


class EnergyFact(Fact):
    """One figure about electricity, data centres or servers."""

    kind: EnergyKind
    region: str
    """ISO 3166-1 alpha-2 or 3166-2 code (``US-TX``); empty if the figure has no region."""
    scope: str
    """Devices or operators that the figure applies to: a generation, a kind of device, an operator,
    or ``default``; empty if the figure has a region."""
    name: str
    """Name of the region or scope in the source."""
    value: Decimal
    unit: str
    confidence: Confidence


@cache
def energy_facts() -> tuple[EnergyFact, ...]:
    """Return all rows of ``data/energy.csv``."""
    return read_facts(DATA_DIR / "energy.csv", EnergyFact)


def regions(kind: EnergyKind = "electricity_usd_per_kwh") -> dict[str, EnergyFact]:
    """Return the rows of a kind that have a region, by region."""
    return {fact.region: fact for fact in energy_facts() if fact.kind == kind and fact.region}


def regional(kind: EnergyKind, region: str) -> EnergyFact:
    """Return the row of a region, or of its country.

    Raises
    ------
    InputError
        If there is neither. The error lists the nearest codes and names.
    """
    rows = regions(kind)
    found = rows.get(region) or rows.get(region.split("-")[0])
    if found is None:
        raise InputError("region", region, "known_name", nearest=_nearest(region, rows.values()))
    return found


def _nearest(region: str, rows: Iterable[EnergyFact]) -> str:
    labels = {word.casefold(): fact.region for fact in rows for word in (fact.region, fact.name)}
    close = difflib.get_close_matches(region.casefold(), labels, n=3, cutoff=0.6)
    return ", ".join([labels[word] for word in close] or sorted(set(labels.values())))


def scoped(kind: EnergyKind, *scopes: str) -> EnergyFact:
    """Return the row of the first of ``scopes`` that has one, else the ``default`` row."""
    rows = {fact.scope: fact for fact in energy_facts() if fact.kind == kind and not fact.region}
    return next(rows[scope] for scope in (*scopes, "default") if scope in rows)


Ratio = Annotated[float, Field(ge=1, le=10)]


class Facility(Document):
    """Site of the devices and their power there.

    Fields that are not given come from ``data/energy.csv``.
    """

    region: Annotated[str, Field(max_length=60)] = "US"
    """Code of a region of :func:`regions`. Default: the mean of the United States' industry."""
    electricity_usd_per_kwh: Annotated[Decimal, Field(ge=0, le=10, max_digits=12)] | None = None
    grid_gco2e_per_kwh: Annotated[float, Field(ge=0, le=5_000)] | None = None
    pue: Annotated[float, Field(ge=1, le=5)] = Field(
        default_factory=lambda: float(scoped("pue").value)
    )
    """Power usage effectiveness: power of the building over power of its servers. Default: 1.25, of
    operators other than hyperscalers (Epoch AI)."""
    device_power_w: Annotated[float, Field(gt=0, le=100_000)] | None = None
    """Power of one device in watts. Default: the TDP in ``data/accelerators.csv``."""
    server_power_over_tdp: Ratio | None = None
    """Peak power of a server over that of its devices. Default: 1.82 for Hopper, 2.03 for
    Ampere, 1.56 for TPUs, 1.8 for others (Epoch AI, from DGX and TPU systems). Racks that share
    power supplies and hosts, such as NVL72, need less."""
    server_power_share: PositiveShare | None = None
    """Share of the server's peak power that training draws. Default: 0.75, 0.43 for TPUs (Epoch
    AI, which gives 0.5 to 1 as its 90% interval; H100 at high utilisation are near 1)."""

    @model_validator(mode="after")
    def _region_has_a_price(self) -> Self:
        if self.electricity_usd_per_kwh is None:
            regional("electricity_usd_per_kwh", self.region)
        return self

    def electricity_price_usd_per_kwh(self) -> Decimal:
        """Return the given price of electricity, or that of the region."""
        if self.electricity_usd_per_kwh is not None:
            return self.electricity_usd_per_kwh
        return regional("electricity_usd_per_kwh", self.region).value

    def carbon_gco2e_per_kwh(self) -> float | None:
        """Return the carbon intensity of the grid; None if it is unknown for the region."""
        if self.grid_gco2e_per_kwh is not None:
            return self.grid_gco2e_per_kwh
        rows = regions("grid_gco2e_per_kwh")
        fact = rows.get(self.region) or rows.get(self.region.split("-")[0])
        return float(fact.value) if fact else None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyUse:
    """Energy from the grid for a number of device-hours, with its cost and carbon."""

    device_hours: float
    energy_kwh: float
    electricity_usd: float
    co2e_kg: float | None
    """Emissions in kg of CO2 equivalent; None if the region's grid is unknown."""


def server_peak_kw(device: Accelerator, facility: Facility) -> float:
    """Return the peak power of one device with its share of the server, in kW.

    Raises
    ------
    InputError
        If neither the table nor ``facility`` states the device's power.
    """
    power_w = facility.device_power_w or device.tdp_w
    if power_w is None:
        raise InputError("facility.device_power_w", device.accelerator, "missing")
    ratio = facility.server_power_over_tdp or float(
        scoped("server_power_over_tdp", device.arch, device.kind).value
    )
    return power_w * ratio / WATTS_PER_KW


def energy_kwh(device: Accelerator, device_hours: float, facility: Facility) -> float:
    """Return the energy from the grid for ``device_hours`` of training, in kWh.

    The energy of idle devices is not included.

    Raises
    ------
    InputError
        If the device's power is unknown.
    """
    share = facility.server_power_share or float(
        scoped("server_power_share", device.arch, device.kind).value
    )
    return device_hours * server_peak_kw(device, facility) * share * facility.pue


def energy_use(device: Accelerator, device_hours: float, facility: Facility) -> EnergyUse:
    """Return energy, cost and carbon; raise InputError if the device's power is unknown."""
    kwh = energy_kwh(device, device_hours, facility)
    carbon = facility.carbon_gco2e_per_kwh()
    return EnergyUse(
        device_hours=device_hours,
        energy_kwh=kwh,
        electricity_usd=kwh * float(facility.electricity_price_usd_per_kwh()),
        co2e_kg=None if carbon is None else kwh * carbon / GRAMS_PER_KG,
    )


def sources(device: Accelerator, facility: Facility) -> tuple[EnergyFact, ...]:
    """Return the rows of ``data/energy.csv`` that :func:`energy_use` uses for the device."""
    rows = []
    if facility.electricity_usd_per_kwh is None:
        rows.append(regional("electricity_usd_per_kwh", facility.region))
    if facility.grid_gco2e_per_kwh is None and facility.carbon_gco2e_per_kwh() is not None:
        rows.append(regional("grid_gco2e_per_kwh", facility.region))
    if facility.pue == float(scoped("pue").value):
        rows.append(scoped("pue"))
    if facility.server_power_over_tdp is None:
        rows.append(scoped("server_power_over_tdp", device.arch, device.kind))
    if facility.server_power_share is None:
        rows.append(scoped("server_power_share", device.arch, device.kind))
    return tuple(rows)
