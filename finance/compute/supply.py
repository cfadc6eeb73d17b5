"""Supply of compute: allocation of device contracts to needs; the rest is on demand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.units import HOURS_PER_MONTH
from finance.books.cents import Floats
from finance.books.ledger import Account
from finance.books.months import is_active_month
from finance.compute.contracts import DeviceContract, OnDemand, Owned, Spot
from finance.compute.needs import PURPOSES, Need


@dataclass(frozen=True, slots=True)
class ServedContract:
    """Hours that a contract serves in each month. Shapes (1 or trials, months)."""

    contract: DeviceContract
    hours: Mapping[Account, Floats]
    """Hours used by purpose; purposes that the contract does not serve are left out."""
    capacity_hours: Floats
    """Hours of all its devices in the months of the contract. Shape (1, months)."""

    @property
    def used_hours(self) -> Floats:
        """Hours used for all purposes. Shape (1 or trials, months)."""
        return sum(self.hours.values(), np.zeros_like(self.capacity_hours))


@dataclass(frozen=True, slots=True)
class Supply:
    """Device contracts with the hours that they serve, and the compute bought on demand."""

    served: tuple[ServedContract, ...]
    on_demand_usd: Mapping[Account, Floats]
    on_demand_hours: Mapping[Account, Floats]

    @property
    def hours(self) -> Mapping[Account, Floats]:
        """All hours used on the plan's accelerator, by purpose."""
        used = dict(self.on_demand_hours)
        for contract in self.served:
            for purpose, hours in contract.hours.items():
                used[purpose] = used[purpose] + hours
        return used


def last_month_of(contract: DeviceContract) -> int | None:
    """Return the last month of a contract, or None if it has no end."""
    if isinstance(contract, OnDemand | Spot):
        return contract.last_month
    if isinstance(contract, Owned):
        return contract.first_month + contract.lifetime_months - 1
    return contract.first_month + contract.months - 1


def serve_needs(
    needs: Mapping[Account, Need], contracts: Sequence[DeviceContract], n_months: int
) -> Supply:
    """Allocate ``contracts`` to ``needs`` in order; the rest is bought on demand.

    The on-demand cost of a purpose is its full cost times the share of its hours that no contract
    serves.
    """
    left = {purpose: needs[purpose].hours for purpose in PURPOSES}
    served = []
    for contract in contracts:
        running = is_active_month(contract.first_month, last_month_of(contract), n_months)
        capacity = contract.devices * HOURS_PER_MONTH * running.astype(np.float64)
        free_hours = capacity
        hours: dict[Account, Floats] = {}
        for name in contract.serves:
            purpose = Account(name)
            if left[purpose].any():
                hours[purpose] = np.minimum(free_hours, left[purpose])
                left[purpose] = left[purpose] - hours[purpose]
                free_hours = free_hours - hours[purpose]
        served.append(ServedContract(contract, hours, capacity))
    usd = {
        purpose: need.usd * (left[purpose] / np.where(need.hours > 0, need.hours, 1.0))
        + need.other_devices_usd
        for purpose, need in needs.items()
    }
    return Supply(tuple(served), usd, left)
