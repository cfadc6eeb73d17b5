"""Events that change a cap table, each with its date, planned or done."""

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
    """An issue of stock of an existing class, to founders or for compute, services or a company."""

    kind: Literal["stock_issue"] = "stock_issue"
    name: ShortName
    holder: ShortName
    stock_class: ShortName = COMMON
    shares: Shares
    price: NonNegativePrice
    """Price paid for one share, in the table's currency."""
    exempted: bool = False
    """Whether the charter exempts the issue from anti-dilution (NVCA 4.4.1)."""
    vesting: Vesting | None = None


class PoolIncrease(_Event):
    """An increase of the shares reserved for options."""

    kind: Literal["pool_increase"] = "pool_increase"
    shares: Shares


class Exercise(_Event):
    """An exercise of options or of a warrant."""

    kind: Literal["exercise"] = "exercise"
    of: ShortName
    """Name of the grant or the warrant."""
    shares: Shares
    name: ShortName
    """Name of the certificate of the stock."""


class Lapse(_Event):
    """A lapse: options return to the pool, or a warrant ends."""

    kind: Literal["lapse"] = "lapse"
    of: ShortName
    """Name of the grant or the warrant."""
    shares: Shares


class Transfer(_Event):
    """A secondary sale of stock between holders; the company receives nothing."""

    kind: Literal["transfer"] = "transfer"
    of: ShortName
    """Name of the holding that is sold, whole or in part."""
    shares: Shares
    to: ShortName
    """Holder who buys."""
    price: NonNegativePrice
    """Price paid for one share, in the table's currency."""
    name: ShortName
    """Name of the buyer's certificate."""


class MfnElection(_Event):
    """A choice of the holder of a most-favoured-nation SAFE: the terms of a later SAFE."""

    kind: Literal["mfn_election"] = "mfn_election"
    safe: ShortName
    """Name of the most-favoured-nation SAFE."""
    of: ShortName
    """Name of the SAFE whose terms it takes over."""


class StatedConversion(_Event):
    """A conversion of a SAFE or note outside a round, at maturity or by agreement."""

    kind: Literal["stated_conversion"] = "stated_conversion"
    of: ShortName
    stock_class: ShortName = COMMON
    price: Price | None = None
    """Price of one share; None divides the cap by the shares that it counts."""


class Repayment(_Event):
    """A repayment of a note with its interest."""

    kind: Literal["repayment"] = "repayment"
    of: ShortName


class Split(_Event):
    """A stock split: every share becomes ``ratio`` shares."""

    kind: Literal["split"] = "split"
    ratio: Price


class Purchase(Document):
    """A purchase of new shares by one investor of a round."""

    holder: ShortName
    amount: Amount


class Rank(StrEnum):
    """Seniority of a new series among the preferred stock."""

    SENIOR = "senior"
    """Paid before all existing series."""
    PARI_PASSU = "pari_passu"
    """Paid together with the most senior existing series."""


class ConvertedInto(StrEnum):
    """Series into which SAFEs and notes convert."""

    OWN_SERIES = "own_series"
    """A shadow series whose issue price is the conversion price, as in YC's forms: its preference
    is the amount paid."""
    NEW_SERIES = "new_series"
    """The series of the round: the preference is the round's price for each share."""


class PricedRound(_Event):
    """A sale of preferred stock at a price, in which due SAFEs and notes convert."""

    kind: Literal["priced_round"] = "priced_round"
    series: Annotated[str, Field(min_length=1, max_length=60)]
    pre_money: Amount
    new_money: Amount
    currency: CurrencyCode = "USD"
    lead: ShortName
    """Lead investor, who buys the shares that the others leave."""
    others: Annotated[tuple[Purchase, ...], Field(max_length=200)] = ()
    pro_rata: Annotated[tuple[ShortName, ...], Field(max_length=200)] = ()
    """Holders who use their pro rata right, within ``new_money``."""
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
    """Whether shares that earlier series gain from anti-dilution count in the pre-money."""


class Tranche(_Event):
    """A further sale at a round's price when a milestone is met."""

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
