"""The parts of the Open Cap Table Format that a cap table is read from.

The classes follow the schemas of the Open Cap Table Coalition, v1.2.0; the fields read here are
the same in 1.1 and 1.3. Fields without information on ownership are ignored.
"""

from __future__ import annotations

import datetime
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from engine.documents import Document
from finance.capital.exact import MAX_SHARES, fraction

Number = Annotated[Fraction, BeforeValidator(fraction), Field(ge=0, le=MAX_SHARES)]


class _Part(Document):
    model_config = ConfigDict(extra="ignore")


class Monetary(_Part):
    amount: Number
    currency: str


class Ratio(_Part):
    numerator: Number
    denominator: Annotated[Number, Field(gt=0)]

    @property
    def value(self) -> Fraction:
        return self.numerator / self.denominator


class LegalName(_Part):
    legal_name: str


class Stakeholder(_Part):
    id: str
    name: LegalName
    current_relationship: str | None = None
    """Relationship to the company in OCF 1.2."""
    current_relationships: tuple[str, ...] = ()
    """Relationships to the company in later versions of OCF, the most important first."""


class RatioMechanism(_Part):
    ratio: Ratio


class ClassConversionRight(_Part):
    conversion_mechanism: RatioMechanism


class OcfStockClass(_Part):
    id: str
    name: str
    class_type: Literal["COMMON", "PREFERRED"]
    seniority: Number
    price_per_share: Monetary | None = None
    conversion_rights: tuple[ClassConversionRight, ...] = ()
    liquidation_preference_multiple: Number | None = None
    participation_cap_multiple: Number | None = None
    comments: tuple[str, ...] = ()


class StockPlan(_Part):
    id: str
    initial_shares_reserved: Number


class Period(_Part):
    type: Literal["DAYS", "MONTHS", "YEARS"]
    length: int
    occurrences: int = 1


class VestingTrigger(_Part):
    type: str
    period: Period | None = None


class CliffCondition(_Part):
    period: Period


class VestingCondition(_Part):
    id: str
    trigger: VestingTrigger
    cliff_condition: CliffCondition | None = None


class VestingTerms(_Part):
    id: str
    vesting_conditions: tuple[VestingCondition, ...]


class InterestRate(_Part):
    rate: Number


class CapitalizationRules(_Part):
    include_outstanding_unissued_options: bool
    include_other_converting_securities: bool
    include_additional_option_pool_topup: bool


class Mechanism(_Part):
    """Conversion mechanism of a SAFE, a note or a warrant; ``type`` distinguishes them."""

    type: str
    conversion_mfn: bool = False
    conversion_discount: Number | None = None
    conversion_valuation_cap: Monetary | None = None
    conversion_timing: Literal["PRE_MONEY", "POST_MONEY"] | None = None
    capitalization_definition_rules: CapitalizationRules | None = None
    interest_rates: tuple[InterestRate, ...] = ()
    day_count_convention: Literal["ACTUAL_365", "30_360"] | None = None
    compounding_type: Literal["SIMPLE", "COMPOUNDING"] | None = None
    converts_to_quantity: Number | None = None


class ConversionRight(_Part):
    conversion_mechanism: Mechanism
    converts_to_stock_class_id: str | None = None


class Trigger(_Part):
    conversion_right: ConversionRight


class Transaction(_Part):
    """A transaction of any kind; fields that its kind does not have are absent."""

    object_type: str
    date: datetime.date
    security_id: str = ""
    comments: tuple[str, ...] = ()
    # Fields of issuances.
    custom_id: str = ""
    stakeholder_id: str = ""
    stock_class_id: str = ""
    stock_plan_id: str = ""
    quantity: Number | None = None
    share_price: Monetary | None = None
    exercise_price: Monetary | None = None
    investment_amount: Monetary | None = None
    convertible_type: str = ""
    conversion_triggers: tuple[Trigger, ...] = ()
    exercise_triggers: tuple[Trigger, ...] = ()
    warrant_expiration_date: datetime.date | None = None
    vesting_terms_id: str = ""
    # Fields of transactions that end or reduce a security.
    balance_security_id: str | None = None
    quantity_converted: Number | None = None
    # Fields of adjustments.
    split_ratio: Ratio | None = None
    new_ratio_conversion_mechanism: RatioMechanism | None = None
    shares_reserved: Number | None = None
