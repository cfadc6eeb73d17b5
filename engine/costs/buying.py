"""Options to pay for a run: every published cloud offer, and owned hardware.

The cost of a run can include more hours than the run uses. Instances are rented whole, a commitment
is paid to the end of its term even if it is not used, and interruptions of spot devices repeat
work.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from engine.costs.ownership import OwnCost, Ownership, own_cost
from engine.costs.rent_or_buy import break_even_share, payback_months
from engine.documents import InputError
from engine.facts import CloudPrice, Confidence, accelerator, prices_of
from engine.units import HOURS_PER_YEAR

TERM_HOURS = {"commitment_1y": HOURS_PER_YEAR, "commitment_3y": 3 * HOURS_PER_YEAR}
"""Length of each commitment in hours."""
SPOT_OVERHEAD_SHARE = 0.1
"""Device-hours that spot interruptions add, relative to the run: an assumption."""

OWN_ASSUMPTION = "own assumption"

Terms = Literal["on_demand", "spot", "commitment_1y", "commitment_3y", "own"]
Note = Literal["whole_instances", "whole_term", "interruptions", "share_of_lifetime"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentOption:
    """One option to pay for a run, with its cost."""

    kind: Literal["cloud", "own"]
    provider: str
    instance: str
    region: str
    terms: Terms
    usd_per_device_hour: Decimal
    """Published price; for owned hardware, the estimated cost at its utilisation."""
    n_devices: int
    devices_paid: int
    """Number of devices in the whole instances that are paid for."""
    device_hours: float
    """Device-hours that the run uses."""
    paid_device_hours: float
    cost_usd: float
    confidence: Confidence
    source: str
    as_of: str
    notes: tuple[Note, ...] = ()
    """Reasons why more hours are paid for than the run uses. ``share_of_lifetime`` means that owned
    hardware is charged for the run's hours only, as if other work filled the rest of its life."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsSummary:
    """The cheapest and the median cost of a run among the offers with the same terms."""

    terms: Terms
    offers: int
    cheapest: PaymentOption
    median: PaymentOption


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEven:
    """Use above which owning is cheaper than an offer."""

    device_hours_per_year: float | None
    """Hours in use of one device and year at which both cost the same; 0 if owning is cheaper at
    any use, None if it never is."""
    payback_months: float | None
    """Months until the savings have paid the outlay with interest, at the assumed utilisation; None
    if that takes longer than the hardware's lifetime."""


def payment_options(
    accelerator_name: str,
    n_devices: int,
    device_hours: float,
    wall_clock_hours: float,
    *,
    ownership: Ownership | None = None,
    spot_overhead_share: float = SPOT_OVERHEAD_SHARE,
) -> list[PaymentOption]:
    """Return all options to pay for a run, the cheapest first.

    Parameters
    ----------
    accelerator_name
        Name from ``data/accelerators.csv``; the offers are in ``data/cloud_prices.csv``.
    n_devices, device_hours, wall_clock_hours
        Size of the run. A commitment costs its price times the larger of ``device_hours`` and the
        devices times as many whole terms as the wall-clock time takes.
    ownership
        Assumptions for owned hardware, which is added if its price is known.
    spot_overhead_share
        Device-hours that spot interruptions add, relative to ``device_hours``.

    Raises
    ------
    InputError
        If the accelerator is unknown, the run has no length, or the power of owned hardware is
        unknown.
    """
    accelerator(accelerator_name)
    for name, value in (("device_hours", device_hours), ("wall_clock_hours", wall_clock_hours)):
        if value <= 0:
            raise InputError(name, value, "greater_than", limit=0)
    found = [
        _cloud_option(price, n_devices, device_hours, wall_clock_hours, spot_overhead_share)
        for price in prices_of(accelerator_name)
    ]
    owned = own_cost(accelerator_name, ownership) if ownership else None
    if owned:
        found.append(_own_option(owned, n_devices, device_hours))
    return sorted(found, key=lambda option: option.cost_usd)


def _cloud_option(
    price: CloudPrice,
    n_devices: int,
    device_hours: float,
    wall_clock_hours: float,
    spot_overhead_share: float,
) -> PaymentOption:
    devices_paid = math.ceil(n_devices / price.devices) * price.devices
    paid_hours = device_hours * devices_paid / n_devices
    notes: list[Note] = []
    if devices_paid > n_devices:
        notes.append("whole_instances")
    if price.terms == "spot":
        paid_hours *= 1 + spot_overhead_share
        notes.append("interruptions")
    if term_hours := TERM_HOURS.get(price.terms):
        terms = math.ceil(wall_clock_hours / term_hours)
        paid_hours = max(paid_hours, devices_paid * terms * term_hours)
        notes.append("whole_term")
    return PaymentOption(
        kind="cloud",
        provider=price.provider,
        instance=price.instance,
        region=price.region,
        terms=price.terms,
        usd_per_device_hour=price.usd_per_device_hour,
        n_devices=n_devices,
        devices_paid=devices_paid,
        device_hours=device_hours,
        paid_device_hours=paid_hours,
        cost_usd=paid_hours * float(price.usd_per_device_hour),
        confidence=price.confidence,
        source=price.source,
        as_of=price.as_of,
        notes=tuple(notes),
    )


def _own_option(owned: OwnCost, n_devices: int, device_hours: float) -> PaymentOption:
    usd_per_hour = owned.parts.total_usd
    price = owned.price
    return PaymentOption(
        kind="own",
        provider="",
        instance="",
        region=owned.region,
        terms="own",
        usd_per_device_hour=Decimal(f"{usd_per_hour:.4f}"),
        n_devices=n_devices,
        devices_paid=n_devices,
        device_hours=device_hours,
        paid_device_hours=device_hours,
        cost_usd=device_hours * usd_per_hour,
        confidence=price.confidence if price else "unverified",
        source=price.source if price else OWN_ASSUMPTION,
        as_of=price.as_of if price else "",
        notes=("share_of_lifetime",),
    )


def summarise(found: Iterable[PaymentOption]) -> list[TermsSummary]:
    """Return the cheapest and the (lower) median published offer for each of the terms.

    The cheapest terms come first. Disputed prices and outliers are left out.
    """
    by_terms: dict[Terms, list[PaymentOption]] = {}
    for option in sorted(found, key=lambda option: option.cost_usd):
        if option.confidence == "published" or option.kind == "own":
            by_terms.setdefault(option.terms, []).append(option)
    return [
        TermsSummary(
            terms=terms, offers=len(same), cheapest=same[0], median=same[(len(same) - 1) // 2]
        )
        for terms, same in by_terms.items()
    ]


def break_even(owned: OwnCost, option: PaymentOption) -> BreakEven:
    """Return the use at which owning costs the same as a cloud offer.

    On demand and on spot, see :func:`engine.costs.rent_or_buy.break_even_share`. A commitment costs
    the same at any use. If owning is cheaper at full use, it is counted as cheaper at any use, else
    as never cheaper.
    """
    committed = option.terms in TERM_HOURS
    usd_per_hour = float(option.usd_per_device_hour) * option.devices_paid / option.n_devices
    if not committed:
        usd_per_hour = option.cost_usd / option.device_hours
    share = break_even_share(owned.fixed_usd_per_year, owned.electricity_usd_per_hour, usd_per_hour)
    if share is not None and committed:
        share = 0.0
    return BreakEven(
        device_hours_per_year=None if share is None else share * HOURS_PER_YEAR,
        payback_months=payback_months(owned, usd_per_hour, committed=committed),
    )
