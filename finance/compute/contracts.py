"""Contracts for compute other than on-demand purchases at the plan's price.

The field ``kind`` selects the type of contract. All contracts are for the plan's accelerator. They
serve needs in their order in the document, and each contract in the order of its ``serves``.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from engine.documents import Document
from engine.field_types import DecimalShare, ShortName, UsdPerHour
from finance.books.months import Month, MonthCount, require_month_order
from finance.numbers.money import MAX_USD, Usd
from finance.treasury.loans import Covenants, InterestRatePerYear

Purpose = Literal["paid_inference", "free_inference", "training", "research_compute"]
ALL_PURPOSES: tuple[Purpose, ...] = (
    "paid_inference",
    "free_inference",
    "training",
    "research_compute",
)

DeviceCount = Annotated[int, Field(ge=1, le=1_000_000)]
ServedPurposes = Annotated[tuple[Purpose, ...], Field(min_length=1, max_length=4)]


class Contract(Document):
    """Common fields of all contracts."""

    name: ShortName
    first_month: Month


class OnDemand(Contract):
    """Offer of another provider on demand, paid by the hour."""

    kind: Literal["on_demand"]
    devices: DeviceCount
    """Maximum number of devices at a time."""
    last_month: Month | None = None
    price_usd_per_device_hour: UsdPerHour
    serves: ServedPurposes = ALL_PURPOSES

    @model_validator(mode="after")
    def _months_are_in_order(self) -> Self:
        require_month_order(self.first_month, self.last_month)
        return self


class Spot(Contract):
    """Spot devices, which the provider can interrupt at any time."""

    kind: Literal["spot"]
    devices: DeviceCount
    last_month: Month | None = None
    price_usd_per_device_hour: UsdPerHour
    interruption_share: Annotated[Decimal, Field(ge=0, le=10, max_digits=8)] = Decimal("0.1")
    """Hours added by interruptions, as a share of the hours needed. The default equals
    :data:`engine.costs.buying.SPOT_OVERHEAD_SHARE`."""
    serves: ServedPurposes = ("training", "research_compute")

    @model_validator(mode="after")
    def _months_are_in_order(self) -> Self:
        require_month_order(self.first_month, self.last_month)
        return self


class Reserved(Contract):
    """Reserved devices for a term, paid whether used or not."""

    kind: Literal["reserved"]
    devices: DeviceCount
    months: MonthCount
    price_usd_per_device_hour: UsdPerHour
    prepaid_share: DecimalShare = Decimal(0)
    """Share of the price of the whole term that is paid at its start; the rest is paid monthly."""
    serves: ServedPurposes = ALL_PURPOSES


class Lease(Contract):
    """Lease of hardware, accounted for under IFRS 16."""

    kind: Literal["lease"]
    devices: DeviceCount
    months: MonthCount
    usd_per_device_month: Usd
    """Lease payment for one device, due at the end of each month, in USD."""
    interest_share_per_year: InterestRatePerYear = Decimal("0.1")
    """Incremental borrowing rate of the lessee, per year."""
    deposit_usd: Usd = Decimal("0.00")
    """Deposit that is returned at the end of the lease, in USD."""
    running_usd_per_device_month: Usd = Decimal("0.00")
    """Costs of space and maintenance for one device and month, in USD."""
    electricity_usd_per_device_hour: UsdPerHour = Decimal(0)
    """Electricity for one device-hour in use, in USD."""
    serves: ServedPurposes = ALL_PURPOSES


class Owned(Contract):
    """Common fields of purchased hardware, which is sold at book value at the end of its life."""

    devices: DeviceCount
    usd_per_device: Annotated[Usd, Field(gt=0)]
    """Price of one device, including its share of the server and the network, in USD."""
    lifetime_months: MonthCount = 60
    residual_share: DecimalShare = Decimal(0)
    """Residual value at the end of the lifetime, as a share of the price."""
    running_usd_per_device_month: Usd = Decimal("0.00")
    """Costs of space and maintenance for one device and month, in USD."""
    electricity_usd_per_device_hour: UsdPerHour = Decimal(0)
    """Electricity for one device-hour in use, in USD."""
    serves: ServedPurposes = ALL_PURPOSES


class Purchase(Owned):
    """Hardware that is paid for at once."""

    kind: Literal["purchase"]


class GpuBackedDebt(Owned):
    """Hardware that is partly paid for by a loan, with the hardware as security."""

    kind: Literal["gpu_backed_debt"]
    loan_share: DecimalShare
    """Amount of the loan, as a share of the price."""
    interest_share_per_year: InterestRatePerYear
    loan_months: MonthCount
    covenants: Covenants = Covenants()


class Credits(Contract):
    """Cloud credits, which pay for on-demand compute at its price until they expire."""

    kind: Literal["credits"]
    amount_usd: Annotated[Usd, Field(gt=0)]
    last_month: Month
    serves: ServedPurposes = ALL_PURPOSES

    @model_validator(mode="after")
    def _months_are_in_order(self) -> Self:
        require_month_order(self.first_month, self.last_month)
        return self


class ComputeForEquity(Contract):
    """Compute in exchange for shares; it pays for on-demand compute until the amount is used up or
    the term ends."""

    kind: Literal["compute_for_equity"]
    amount_usd: Annotated[Usd, Field(gt=0)]
    pre_money_usd: Annotated[Decimal, Field(gt=0, le=MAX_USD)]
    last_month: Month
    serves: ServedPurposes = ALL_PURPOSES

    @model_validator(mode="after")
    def _months_are_in_order(self) -> Self:
        require_month_order(self.first_month, self.last_month)
        return self

    @property
    def sold_share(self) -> Decimal:
        """Share of the company that is sold: amount ÷ (pre-money + amount)."""
        return self.amount_usd / (self.pre_money_usd + self.amount_usd)


DeviceContract = OnDemand | Spot | Reserved | Lease | Purchase | GpuBackedDebt
MoneyContract = Credits | ComputeForEquity
AnyContract = Annotated[DeviceContract | MoneyContract, Field(discriminator="kind")]
