"""Ways of getting compute other than on demand at the plan's price, told apart by ``kind``.

All are for the plan's kind of device. A contract serves needs in the order of ``serves``, and the
contracts serve in the order in which they stand.
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
    name: ShortName
    first_month: Month


class OnDemand(Contract):
    """Another offer, by the hour."""

    kind: Literal["on_demand"]
    devices: DeviceCount
    """At most."""
    last_month: Month | None = None
    price_usd_per_device_hour: UsdPerHour
    serves: ServedPurposes = ALL_PURPOSES

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        require_month_order(self.first_month, self.last_month)
        return self


class Spot(Contract):
    """Devices that can be taken away at any time."""

    kind: Literal["spot"]
    devices: DeviceCount
    last_month: Month | None = None
    price_usd_per_device_hour: UsdPerHour
    interruption_share: Annotated[Decimal, Field(ge=0, le=10, max_digits=8)] = Decimal("0.1")
    """Hours that interruptions add, over those that are needed; by default as
    :data:`engine.costs.buying.SPOT_OVERHEAD_SHARE` assumes."""
    serves: ServedPurposes = ("training", "research_compute")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        require_month_order(self.first_month, self.last_month)
        return self


class Reserved(Contract):
    """Devices for a term, paid whether they are used or not."""

    kind: Literal["reserved"]
    devices: DeviceCount
    months: MonthCount
    price_usd_per_device_hour: UsdPerHour
    prepaid_share: DecimalShare = Decimal(0)
    """Of the whole term, at its start; the rest is paid month by month."""
    serves: ServedPurposes = ALL_PURPOSES


class Lease(Contract):
    """Hardware of another owner, in the books as IFRS 16 has it."""

    kind: Literal["lease"]
    devices: DeviceCount
    months: MonthCount
    usd_per_device_month: Usd
    """At the end of each month."""
    interest_share_per_year: InterestRatePerYear = Decimal("0.1")
    """What the lessee would pay for a loan."""
    deposit_usd: Usd = Decimal("0.00")
    """Given back at the end."""
    running_usd_per_device_month: Usd = Decimal("0.00")
    """Space and maintenance."""
    electricity_usd_per_device_hour: UsdPerHour = Decimal(0)
    """Of an hour in use."""
    serves: ServedPurposes = ALL_PURPOSES


class Owned(Contract):
    """Hardware of one's own, sold at the end of its life for what the books say."""

    devices: DeviceCount
    usd_per_device: Annotated[Usd, Field(gt=0)]
    """With its share of the server and the network."""
    lifetime_months: MonthCount = 60
    residual_share: DecimalShare = Decimal(0)
    """Of the price, what it is worth at the end."""
    running_usd_per_device_month: Usd = Decimal("0.00")
    """Space and maintenance."""
    electricity_usd_per_device_hour: UsdPerHour = Decimal(0)
    """Of an hour in use."""
    serves: ServedPurposes = ALL_PURPOSES


class Purchase(Owned):
    """Paid at once."""

    kind: Literal["purchase"]


class GpuBackedDebt(Owned):
    """A lender pays a share of the price, with the hardware as security."""

    kind: Literal["gpu_backed_debt"]
    loan_share: DecimalShare
    """Of the price."""
    interest_share_per_year: InterestRatePerYear
    loan_months: MonthCount
    covenants: Covenants = Covenants()


class Credits(Contract):
    """A cloud's credits: they pay what is left on demand, at its price, until they expire."""

    kind: Literal["credits"]
    amount_usd: Annotated[Usd, Field(gt=0)]
    last_month: Month
    serves: ServedPurposes = ALL_PURPOSES

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        require_month_order(self.first_month, self.last_month)
        return self


class ComputeForEquity(Contract):
    """Compute for shares: it pays what is left on demand, until it is used up or the term ends."""

    kind: Literal["compute_for_equity"]
    amount_usd: Annotated[Usd, Field(gt=0)]
    pre_money_usd: Annotated[Decimal, Field(gt=0, le=MAX_USD)]
    last_month: Month
    serves: ServedPurposes = ALL_PURPOSES

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        require_month_order(self.first_month, self.last_month)
        return self

    @property
    def sold_share(self) -> Decimal:
        """Of the company."""
        return self.amount_usd / (self.pre_money_usd + self.amount_usd)


DeviceContract = OnDemand | Spot | Reserved | Lease | Purchase | GpuBackedDebt
MoneyContract = Credits | ComputeForEquity
AnyContract = Annotated[DeviceContract | MoneyContract, Field(discriminator="kind")]
