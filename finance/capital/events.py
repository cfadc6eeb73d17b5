"""What happens to a cap table, each on its day, planned or done."""

from __future__ import annotations

import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from engine.documents import Document
from engine.field_types import CurrencyCode, ShortName
from finance.capital.antidilution import Protection
from finance.capital.exact import FINE, Amount, NonNegativePrice, Price, Rounding, Shares
from finance.capital.instruments import Note, OptionGrant, Safe, Warrant
from finance.capital.round_terms import Convention, PoolChange
from finance.capital.table import COMMON
from finance.capital.vesting import Vesting


class _Event(Document):
    date: datetime.date
    planned: bool = False


class StockIssue(_Event):
    """Stock of a class that is there already: founders', or for compute, services, a company."""

    kind: Literal["stock_issue"] = "stock_issue"
    name: ShortName
    holder: ShortName
    stock_class: ShortName = COMMON
    shares: Shares
    price: NonNegativePrice
    """Paid for one share, in the table's currency."""
    exempted: bool = False
    """Whether the charter spares it from the test for anti-dilution (NVCA 4.4.1)."""
    vesting: Vesting | None = None


class PoolIncrease(_Event):
    """More shares set aside for options."""

    kind: Literal["pool_increase"] = "pool_increase"
    shares: Shares


class Exercise(_Event):
    """Options or a warrant become stock."""

    kind: Literal["exercise"] = "exercise"
    of: ShortName
    shares: Shares
    name: ShortName
    """Of the stock's certificate."""


class Lapse(_Event):
    """Options go back to the pool, or a warrant ends."""

    kind: Literal["lapse"] = "lapse"
    of: ShortName
    shares: Shares


class Transfer(_Event):
    """A secondary sale: stock changes hands, the company gets nothing."""

    kind: Literal["transfer"] = "transfer"
    of: ShortName
    """The holding."""
    shares: Shares
    to: ShortName
    price: NonNegativePrice
    name: ShortName


class MfnElection(_Event):
    """The holder of a most-favoured-nation SAFE takes over the terms of a later one."""

    kind: Literal["mfn_election"] = "mfn_election"
    safe: ShortName
    of: ShortName


class StatedConversion(_Event):
    """A SAFE or note converts outside a round: at maturity, or by agreement."""

    kind: Literal["stated_conversion"] = "stated_conversion"
    of: ShortName
    stock_class: ShortName = COMMON
    price: Price | None = None
    """None: the cap ÷ the shares that it counts."""


class Repayment(_Event):
    """A note is paid back."""

    kind: Literal["repayment"] = "repayment"
    of: ShortName


class Split(_Event):
    """Every share becomes ``ratio`` shares."""

    kind: Literal["split"] = "split"
    ratio: Price


class Purchase(Document):
    """What one investor pays in a round."""

    holder: ShortName
    amount: Amount


class Rank(StrEnum):
    """Where a new series stands among the preferred."""

    SENIOR = "senior"
    """Paid before all that are there."""
    PARI_PASSU = "pari_passu"
    """Beside the most senior."""


class ConvertedInto(StrEnum):
    """What SAFEs and notes become."""

    OWN_SERIES = "own_series"
    """A shadow series whose issue price is the price they converted at, as YC's forms say: the
    preference is what was paid."""
    NEW_SERIES = "new_series"
    """The round's own series: a preference at the round's price for each share."""


class PricedRound(_Event):
    """Preferred stock is sold at a price; what is due to convert converts."""

    kind: Literal["priced_round"] = "priced_round"
    series: Annotated[str, Field(min_length=1, max_length=60)]
    pre_money: Amount
    new_money: Amount
    currency: CurrencyCode = "USD"
    lead: ShortName
    """Buys what the others leave."""
    others: Annotated[tuple[Purchase, ...], Field(max_length=200)] = ()
    pro_rata: Annotated[tuple[ShortName, ...], Field(max_length=200)] = ()
    """Holders who use their right, within ``new_money``."""
    convention: Convention
    pool: PoolChange | None = None
    rounding: Rounding = FINE
    rank: Rank = Rank.SENIOR
    liquidation_multiple: Annotated[Decimal, Field(ge=0, le=10, max_digits=5)] = Decimal(1)
    participating: bool = False
    participation_cap: Annotated[Decimal, Field(ge=1, le=100, max_digits=6)] | None = None
    protection: Protection = Protection.BROAD_BASED
    pro_rata_right: bool = True
    converted_into: ConvertedInto = ConvertedInto.OWN_SERIES
    adjustments_in_pre_money: bool = True
    """Whether shares that earlier series gain against dilution count in the pre-money."""


class Tranche(_Event):
    """A further closing at a round's price, when its milestone is met."""

    kind: Literal["tranche"] = "tranche"
    series: ShortName
    holder: ShortName
    amount: Amount
    milestone: Annotated[str, Field(max_length=200)] = ""
    name: ShortName
    rounding: Rounding = FINE


UnpricedEvent = (
    StockIssue
    | PoolIncrease
    | OptionGrant
    | Exercise
    | Lapse
    | Warrant
    | Safe
    | Note
    | MfnElection
    | StatedConversion
    | Repayment
    | Transfer
    | Tranche
    | Split
)
"""Every event but a priced round."""

# All kinds are listed again because an error about an unknown kind names them in this order.
Event = Annotated[
    StockIssue
    | PoolIncrease
    | OptionGrant
    | Exercise
    | Lapse
    | Warrant
    | Safe
    | Note
    | MfnElection
    | StatedConversion
    | Repayment
    | Transfer
    | PricedRound
    | Tranche
    | Split,
    Field(discriminator="kind"),
]
