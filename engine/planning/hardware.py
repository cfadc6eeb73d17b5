"""The same plan on other accelerators: memory, time and cost.

:func:`engine.plan.on_accelerator` moves the plan to each accelerator with the same number of
devices, model, tokens and global batch. If the plan's layout does not fit, or always on request,
the fastest layout that fits replaces it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from engine.costs.energy import Facility, energy_use
from engine.documents import InputError
from engine.facts import (
    Accelerator,
    CloudPrice,
    accelerator,
    accelerators,
    prices_of,
    typical_price,
)
from engine.forecast import Figure, Forecast, forecast
from engine.plan import Plan, on_accelerator
from engine.planning.layouts import search_layouts
from engine.predictor.search import USABLE_MEMORY_SHARE, SearchResult
from engine.units import BYTES_PER_GB

COMMON = (
    "A100-80GB",
    "H100-80GB",
    "H200-141GB",
    "B200",
    "B300",
    "L40S-48GB",
    "MI300X-192GB",
    "TPU-v6e",
)
"""Accelerators that many providers rent out, or that represent a generation."""

LEAST_GAIN_SHARE = 1e-3
"""Least relative gain in tokens per second for which the plan's layout is replaced."""

PriceBasis = Literal["typical", "cheapest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Price of a device-hour, with its source."""

    usd_per_device_hour: Decimal
    citation: str
    """Offer, terms and date in one line."""
    source: str
    """Source of the price; empty if the plan states it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HardwareRow:
    """A plan on one accelerator. Unknown figures are None."""

    device: Accelerator
    is_own: bool
    """Whether this is the plan's own accelerator."""
    plan: Plan
    """The plan as it would run on this accelerator."""
    searched: bool
    """Whether a searched layout replaces the plan's layout."""
    forecast: Forecast | None
    problem: InputError | None
    """Reason why there is no forecast."""
    least_memory_bytes: float | None
    """Memory of the layout that needs least, in bytes per device, if none fits."""
    typical: Offer | None
    """Median of the published on-demand prices; for the plan's own accelerator the plan's price."""
    cheapest: Offer | None
    """Lowest published on-demand price, or the plan's own price if there is none."""
    n_offers: int
    """Number of published on-demand prices."""
    energy_kwh: Figure | None
    """Energy from the grid in kWh, with the bounds of the time."""
    electricity_usd: Figure | None
    co2e_kg: Figure | None

    @property
    def fits(self) -> bool:
        """Whether the plan fits in the memory of the devices."""
        return self.forecast is not None and self.forecast.fits

    @property
    def figures_are_read(self) -> bool:
        """Whether all figures of the device were read at their source, or measured."""
        return self.device.confidence in ("published", "measured")

    @property
    def usable_memory_bytes(self) -> float:
        """Memory of one device that a searched layout may use, in bytes."""
        return USABLE_MEMORY_SHARE * self.device.memory_gb * BYTES_PER_GB

    @property
    def memory_headroom_share(self) -> float | None:
        """Free share of the device's memory; negative if the layout does not fit."""
        if self.forecast is None:
            return None
        used = self.forecast.memory_bytes_per_device.value
        return 1 - used / self.forecast.device_memory_bytes

    @property
    def serving_usd_per_million_tokens(self) -> Figure | None:
        """Cost of a million output tokens at the typical price, in USD."""
        if self.forecast is None or self.typical is None:
            return None
        return self.forecast.serving_usd_per_million_tokens

    def offer(self, basis: PriceBasis) -> Offer | None:
        """Return the typical or the cheapest offer."""
        return self.typical if basis == "typical" else self.cheapest

    def cost_usd(self, basis: PriceBasis) -> Figure | None:
        """Return device-hours times the price in USD; instances rented whole can cost more."""
        offer = self.offer(basis)
        if self.forecast is None or offer is None:
            return None
        return self.forecast.device_hours * float(offer.usd_per_device_hour)


def compare_hardware(
    plan: Plan,
    names: Sequence[str],
    facility: Facility | None = None,
    *,
    search_all: bool = False,
) -> tuple[HardwareRow, ...]:
    """Return a row for each accelerator, in the order of ``names``.

    Parameters
    ----------
    names
        Names from ``data/accelerators.csv``.
    facility
        Site of the devices, for energy and carbon.
    search_all
        Also search for the fastest layout if the plan's own layout fits.

    Raises
    ------
    InputError
        If an accelerator is unknown. The row of a known one states why it has no forecast.
    """
    where = facility or Facility()
    return tuple(_row(plan, accelerator(name, "names"), where, search_all) for name in names)


def usual_hardware(own: str, kinds: Iterable[str]) -> tuple[str, ...]:
    """Return the accelerators to compare by default.

    They are the plan's own accelerator and the common ones of ``kinds``, or all of these kinds if
    none is common.
    """
    wanted = set(kinds)
    candidates = [row.accelerator for row in accelerators().values() if row.kind in wanted]
    common = [name for name in candidates if name in COMMON] or candidates
    return (own, *(name for name in common if name != own))


def fastest(rows: Iterable[HardwareRow]) -> HardwareRow | None:
    """Return the row with the shortest run among those on which the plan fits."""
    return min((row for row in rows if row.fits), key=_hours, default=None)


def cheapest(rows: Iterable[HardwareRow], basis: PriceBasis) -> HardwareRow | None:
    """Return the cheapest row with a price on which the plan fits; of equal ones the fastest."""
    priced = [
        (cost.value, _hours(row), index, row)
        for index, row in enumerate(rows)
        if row.fits and (cost := row.cost_usd(basis)) is not None
    ]
    return min(priced)[-1] if priced else None


def _hours(row: HardwareRow) -> float:
    return row.forecast.wall_clock_hours.value if row.forecast else float("inf")


def _row(plan: Plan, device: Accelerator, facility: Facility, search_all: bool) -> HardwareRow:
    is_own = device.accelerator == plan.cluster.accelerator
    moved = plan if is_own else on_accelerator(plan, device.accelerator)
    predicted, problem = _forecast(moved)
    searched, least_memory = False, None
    if predicted is not None and (search_all or not predicted.fits):
        result = _search(moved, device)
        if result is not None and result.found:
            other = moved.model_copy(update={"layout": result.found[0].layout})
            found, _ = _forecast(other)
            if found is not None and _is_better(found, predicted):
                moved, predicted, searched = other, found, True
        elif result is not None and not predicted.fits:
            least_memory = result.least_memory_bytes
    energy_kwh = electricity_usd = co2e_kg = None
    if predicted is not None:
        energy_kwh, electricity_usd, co2e_kg = _energy(device, predicted.device_hours, facility)
    offers = _offers(device)
    own = _own_offer(plan) if is_own else None
    return HardwareRow(
        device=device,
        is_own=is_own,
        plan=moved,
        searched=searched,
        forecast=predicted,
        problem=problem,
        least_memory_bytes=least_memory,
        typical=own or _offer(typical_price(device.accelerator)),
        cheapest=_offer(offers[0]) if offers else own,
        n_offers=len(offers),
        energy_kwh=energy_kwh,
        electricity_usd=electricity_usd,
        co2e_kg=co2e_kg,
    )


def _forecast(plan: Plan) -> tuple[Forecast | None, InputError | None]:
    try:
        return forecast(plan), None
    except InputError as error:
        return None, error


def _is_better(found: Forecast, planned: Forecast) -> bool:
    if found.fits != planned.fits:
        return found.fits
    return found.tokens_per_s.value > (1 + LEAST_GAIN_SHARE) * planned.tokens_per_s.value


def _search(plan: Plan, device: Accelerator) -> SearchResult | None:
    """Search the layouts of the plan; None if no layout divides the batch."""
    try:
        return search_layouts(plan, 1, device)
    except InputError:
        return None


def _energy(
    device: Accelerator, device_hours: Figure, facility: Facility
) -> tuple[Figure | None, Figure | None, Figure | None]:
    """Return kWh, USD and kg of CO2 equivalent; None if the device's power is unknown."""
    try:
        one_hour = energy_use(device, 1.0, facility)
    except InputError:
        return None, None, None
    carbon = one_hour.co2e_kg
    return (
        device_hours * one_hour.energy_kwh,
        device_hours * one_hour.electricity_usd,
        None if carbon is None else device_hours * carbon,
    )


def _offers(device: Accelerator) -> list[CloudPrice]:
    """Return the offers behind :func:`engine.facts.typical_price`, the cheapest first."""
    return [
        price
        for price in prices_of(device.accelerator)
        if price.terms == "on_demand" and price.confidence == "published"
    ]


def _offer(price: CloudPrice | None) -> Offer | None:
    if price is None:
        return None
    return Offer(
        usd_per_device_hour=price.usd_per_device_hour, citation=price.citation, source=price.source
    )


def _own_offer(plan: Plan) -> Offer:
    return Offer(
        usd_per_device_hour=plan.cluster.price_usd_per_device_hour,
        citation=plan.cluster.price_source,
        source="",
    )
