"""The fields of an event's form, by the kind of the event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from finance.capital.antidilution import Protection
from finance.capital.events import ConvertedInto, Rank
from finance.capital.roles import HolderRole
from finance.capital.round_terms import Convention, PoolBasis
from finance.funding.event_entries import NONE

Kind = Literal["text", "date", "amount", "price", "percent", "months", "switch", "choice", "many"]


@dataclass(frozen=True, slots=True)
class EventField:
    """A field of a form."""

    name: str
    """Path of the field in the event's document, dotted for a part of it."""
    kind: Kind
    options: tuple[str, ...] = ()
    start: Any = None
    """Value of the field in a new event."""
    rare: bool = False
    """Whether the field is in an expander, because few events need it."""


ROLE = "role"
"""Field that is no part of an event: the role of its holder in the cap table."""
FIRST_ROLES = {
    "stock_issue": HolderRole.FOUNDER,
    "option_grant": HolderRole.EMPLOYEE,
    "safe": HolderRole.INVESTOR,
    "note": HolderRole.INVESTOR,
    "priced_round": HolderRole.INVESTOR,
    "tranche": HolderRole.INVESTOR,
    "warrant": HolderRole.OTHER,
}
"""Role of a new holder, by the kind of the event."""
_F = EventField
_ROLE = _F(ROLE, "choice", tuple(HolderRole))
_WHO = (_F("name", "text"), _F("holder", "text"), _ROLE)
_WHEN = (_F("date", "date"), _F("planned", "switch", start=True))
_VESTING = (
    _F("vesting.months", "months", start="48"),
    _F("vesting.cliff_months", "months", start="12"),
)
_CONVERTIBLE = (
    *_WHO,
    *_WHEN,
    _F("amount", "amount", start="500K"),
    _F("cap", "amount", start="10M"),
    _F("discount", "percent"),
    _F("counted", "choice", ("post_money", "pre_money"), "post_money"),
)


def _rare(*fields: EventField) -> tuple[EventField, ...]:
    return tuple(replace(field, rare=True) for field in fields)


KINDS: Mapping[str, tuple[EventField, ...]] = {
    "priced_round": (
        _F("series", "text"),
        _F("lead", "text"),
        *_WHEN,
        _F("pre_money", "amount", start="20M"),
        _F("new_money", "amount", start="5M"),
        _F("pool.basis", "choice", (NONE, *PoolBasis), PoolBasis.UNALLOCATED.value),
        _F("pool.value", "percent", start="10"),
        _F("pro_rata", "many"),
        *_rare(
            _F("convention", "choice", tuple(Convention), Convention.PERCENTAGE_OWNERSHIP.value),
            _F("converted_into", "choice", tuple(ConvertedInto), ConvertedInto.OWN_SERIES.value),
            _F("rank", "choice", tuple(Rank), Rank.SENIOR.value),
            _F("liquidation_multiple", "price", start="1"),
            _F("participating", "switch"),
            _F("participation_cap", "price"),
            _F("protection", "choice", tuple(Protection), Protection.BROAD_BASED.value),
        ),
    ),
    "safe": (*_CONVERTIBLE, *_rare(_F("mfn", "switch"), _F("pro_rata_right", "switch"))),
    "note": (
        *_CONVERTIBLE,
        _F("rate", "percent", start="8"),
        _F("maturity", "date"),
        *_rare(
            _F("qualified_amount", "amount", start="1M"),
            _F("repayment_multiple", "price", start="1"),
        ),
    ),
    "option_grant": (
        *_WHO,
        *_WHEN,
        _F("shares", "amount", start="100K"),
        _F("exercise_price", "price", start="0.10"),
        *_VESTING,
    ),
    "pool_increase": (*_WHEN, _F("shares", "amount", start="1M")),
    "stock_issue": (
        *_WHO,
        _F("date", "date"),
        _F("planned", "switch", start=False),
        _F("shares", "amount", start="1M"),
        _F("price", "price", start="0.0001"),
        *_VESTING,
    ),
    "tranche": (
        *_WHO,
        *_WHEN,
        _F("series", "text"),
        _F("amount", "amount", start="1M"),
        _F("milestone", "text"),
    ),
    "warrant": (
        *_WHO,
        *_WHEN,
        _F("shares", "amount", start="50K"),
        _F("exercise_price", "price", start="1"),
        _F("expires", "date"),
    ),
}
"""The kinds of events that have a form."""
