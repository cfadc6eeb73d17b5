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
    """One figure about electricity, buildings or servers."""

    kind: EnergyKind
    region: str
    """ISO 3166-1 alpha-2 or 3166-2 (``US-TX``); empty where the figure is not of a place."""
    scope: str
    """What it holds for: a generation of devices, a kind of device, an operator, or ``default``;
    empty where the figure is of a place."""
    name: str
    """What the source calls that."""
    value: Decimal
    unit: str
    confidence: Confidence


@cache
def energy_facts() -> tuple[EnergyFact, ...]:
    return read_facts(DATA_DIR / "energy.csv", EnergyFact)


def regions(kind: EnergyKind = "electricity_usd_per_kwh") -> dict[str, EnergyFact]:
    """The rows of a kind that are known by region."""
    return {fact.region: fact for fact in energy_facts() if fact.kind == kind and fact.region}


def regional(kind: EnergyKind, region: str, field: str = "region") -> EnergyFact:
    """The row of a region, or of the country that it lies in.

    Raises
    ------
    InputError
        With the nearest codes and names, if there is neither.
    """
    known = regions(kind)
    found = known.get(region) or known.get(region.split("-")[0])
    if found is None:
        raise InputError(field, region, "known_name", nearest=_nearest(region, known.values()))
    return found


def _nearest(region: str, known: Iterable[EnergyFact]) -> str:
    labels = {word.casefold(): fact.region for fact in known for word in (fact.region, fact.name)}
    close = difflib.get_close_matches(region.casefold(), labels, n=3, cutoff=0.6)
    return ", ".join([labels[word] for word in close] or sorted(set(labels.values())))


def scoped(kind: EnergyKind, *scopes: str) -> EnergyFact:
    """The row of the first of ``scopes`` that there is one for, else the ``default`` row."""
    known = {fact.scope: fact for fact in energy_facts() if fact.kind == kind and not fact.region}
    return next(known[scope] for scope in (*scopes, "default") if scope in known)


Ratio = Annotated[float, Field(ge=1, le=10)]


class Facility(Document):
    """Where devices run and what they draw there. What is not given comes from
    ``data/energy.csv``."""

    region: Annotated[str, Field(max_length=60)] = "US"
    """A code of :func:`regions`. Default: the mean of the United States' industry."""
    electricity_usd_per_kwh: Annotated[Decimal, Field(ge=0, le=10, max_digits=12)] | None = None
    grid_gco2e_per_kwh: Annotated[float, Field(ge=0, le=5_000)] | None = None
    pue: Annotated[float, Field(ge=1, le=5)] = Field(
        default_factory=lambda: float(scoped("pue").value)
    )
    """Power of the building over power of its servers. Default: 1.25, of operators that are no
    hyperscalers (Epoch AI)."""
    device_power_w: Annotated[float, Field(gt=0, le=100_000)] | None = None
    """Default: the TDP of ``data/accelerators.csv``."""
    server_power_over_tdp: Ratio | None = None
    """Peak power of a server over that of the devices in it. Default: 1.82 for Hopper, 2.03 for
    Ampere, 1.56 for TPUs, 1.8 for others (Epoch AI, from DGX and TPU systems). Racks that share
    power supplies and hosts, such as NVL72, need less."""
    server_power_share: PositiveShare | None = None
    """Share of the server's peak power that training draws. Default: 0.75, 0.43 for TPUs (Epoch
    AI, which gives 0.5 to 1 as its 90% interval; H100 at high utilisation are near 1)."""

    @model_validator(mode="after")
    def _priced(self) -> Self:
        if self.electricity_usd_per_kwh is None:
            regional("electricity_usd_per_kwh", self.region)
        return self

    def electricity_price_usd_per_kwh(self) -> Decimal:
        if self.electricity_usd_per_kwh is not None:
            return self.electricity_usd_per_kwh
        return regional("electricity_usd_per_kwh", self.region).value

    def carbon_gco2e_per_kwh(self) -> float | None:
        """None where the region's grid is not known."""
        if self.grid_gco2e_per_kwh is not None:
            return self.grid_gco2e_per_kwh
        known = regions("grid_gco2e_per_kwh")
        fact = known.get(self.region) or known.get(self.region.split("-")[0])
        return float(fact.value) if fact else None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyUse:
    """What a number of device-hours draws from the grid."""

    device_hours: float
    energy_kwh: float
    electricity_usd: float
    co2e_kg: float | None
    """None where the region's grid is not known."""


def server_peak_kw(device: Accelerator, facility: Facility) -> float:
    """Peak power of one device with its share of the server.

    Raises
    ------
    InputError
        If neither the table nor ``facility`` knows the device's power.
    """
    power_w = facility.device_power_w or device.tdp_w
    if power_w is None:
        raise InputError("facility.device_power_w", device.accelerator, "missing")
    ratio = facility.server_power_over_tdp or float(
        scoped("server_power_over_tdp", device.arch, device.kind).value
    )
    return power_w * ratio / WATTS_PER_KW


def energy_kwh(device: Accelerator, device_hours: float, facility: Facility) -> float:
    """Energy from the grid for ``device_hours`` of training; InputError as
    :func:`server_peak_kw`. What idle devices draw is not in it."""
    share = facility.server_power_share or float(
        scoped("server_power_share", device.arch, device.kind).value
    )
    return device_hours * server_peak_kw(device, facility) * share * facility.pue


def energy_use(device: Accelerator, device_hours: float, facility: Facility) -> EnergyUse:
    """Energy, its price and its carbon; InputError as :func:`server_peak_kw`."""
    kwh = energy_kwh(device, device_hours, facility)
    carbon = facility.carbon_gco2e_per_kwh()
    return EnergyUse(
        device_hours=device_hours,
        energy_kwh=kwh,
        electricity_usd=kwh * float(facility.electricity_price_usd_per_kwh()),
        co2e_kg=None if carbon is None else kwh * carbon / GRAMS_PER_KG,
    )


def sources(device: Accelerator, facility: Facility) -> tuple[EnergyFact, ...]:
    """The rows of ``data/energy.csv`` that :func:`energy_use` takes for this device here."""
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
