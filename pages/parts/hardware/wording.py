"""Texts for accelerators, regions, energy and carbon."""

from __future__ import annotations

from babel import Locale

from engine import quantities
from engine.costs.energy import regions
from engine.forecast import Figure
from engine.planning.hardware import HardwareRow
from engine.reports.forecast_tables import show_value
from pages.parts.session import text


def marked(row: HardwareRow) -> str:
    """Return the accelerator's name, with a dagger if some figures were not read at a source."""
    return row.device.name if row.figures_are_read else f"{row.device.name} †"


def shown_time(row: HardwareRow) -> str:
    """Return the training time of a row that has a forecast."""
    assert row.forecast is not None
    return show_value("wall_clock_hours", row.forecast.wall_clock_hours, text().language)


def region_name(code: str) -> str:
    """Return a region's name: Babel's for a country, the catalog's for a part of a country."""
    say = text()
    key = f"hardware.place.{code}"
    if key in say:
        return say(key)
    country_name: str | None = Locale.parse(say.language).territories.get(code)
    return country_name or regions()[code].name


def show_energy(kwh: float, language: str) -> str:
    """Return an energy given in kWh in the unit that suits it, such as MWh."""
    return quantities.si(1_000 * kwh, "Wh", language)


def show_co2(co2e_kg: Figure | None) -> str:
    """Return a mass of CO₂ in tonnes, kilograms or grams."""
    say = text()
    if co2e_kg is None:
        return say("hardware.co2_unknown")
    units = {"tonnes": 1_000.0, "kilograms": 1.0, "grams": 1e-3}
    unit = next((unit for unit, kg in units.items() if co2e_kg.value >= kg), "grams")
    mass = quantities.number(co2e_kg.value / units[unit], say.language)
    return say(f"hardware.{unit}_co2", n=mass)
