"""Which contract serves which need: hours of devices first, then what pays for the rest."""

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
    """What one contract serves, month by month: (1 or trials, months)."""

    contract: DeviceContract
    hours: Mapping[Account, Floats]
    """By what for; only what it serves."""
    capacity_hours: Floats
    """Of its devices in the months that it runs. Shape (1, months)."""

    @property
    def used_hours(self) -> Floats:
        return sum(self.hours.values(), np.zeros_like(self.capacity_hours))


@dataclass(frozen=True, slots=True)
class Supply:
    """Every contract with devices, and what is left on demand."""

    served: tuple[ServedContract, ...]
    on_demand_usd: Mapping[Account, Floats]
    on_demand_hours: Mapping[Account, Floats]

    @property
    def hours(self) -> Mapping[Account, Floats]:
        """All hours on the plan's kind of device that are used, by what for."""
        found = dict(self.on_demand_hours)
        for one in self.served:
            for purpose, hours in one.hours.items():
                found[purpose] = found[purpose] + hours
        return found


def last_month_of(contract: DeviceContract) -> int | None:
    """The last month that a contract runs; None to the end."""
    if isinstance(contract, OnDemand | Spot):
        return contract.last_month
    if isinstance(contract, Owned):
        return contract.first_month + contract.lifetime_months - 1
    return contract.first_month + contract.months - 1


def serve_needs(
    needs: Mapping[Account, Need], contracts: Sequence[DeviceContract], n_months: int
) -> Supply:
    """Serve ``needs`` by ``contracts`` in their order.

    What no contract serves is bought on demand, at the share of its price that is left of its
    hours.
    """
    left = {purpose: needs[purpose].hours for purpose in PURPOSES}
    served = []
    for contract in contracts:
        running = is_active_month(contract.first_month, last_month_of(contract), n_months)
        capacity = contract.devices * HOURS_PER_MONTH * running.astype(np.float64)
        room = capacity
        hours: dict[Account, Floats] = {}
        for name in contract.serves:
            purpose = Account(name)
            if left[purpose].any():
                hours[purpose] = np.minimum(room, left[purpose])
                left[purpose] = left[purpose] - hours[purpose]
                room = room - hours[purpose]
        served.append(ServedContract(contract, hours, capacity))
    usd = {
        purpose: need.usd * (left[purpose] / np.where(need.hours > 0, need.hours, 1.0))
        + need.other_devices_usd
        for purpose, need in needs.items()
    }
    return Supply(tuple(served), usd, left)
