"""Payouts over all exit values, as straight lines between computed break points."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from finance.exits.claims import NOTHING, Choice, Stack
from finance.exits.waterfall import Payouts, owed, payouts, payouts_at_price
from finance.numbers import checks


class Event(StrEnum):
    """Events at a break point other than a holder's choice."""

    PAID = "paid"
    """The amount owed to the claim before common stock has been paid in full."""


@dataclass(frozen=True, slots=True, order=True)
class BreakPoint:
    """An exit value at which the shares of holders in the next dollar change."""

    exit_usd: Fraction
    claim_id: str
    what: Choice | Event


def break_points(stack: Stack) -> list[BreakPoint]:
    """Return every break point of the stack, from the lowest exit value."""
    found = []
    level = NOTHING
    for tier in owed(stack):
        level += tier.owed_usd
        found += [BreakPoint(level, claim_id, Event.PAID) for claim_id in tier.claims]
    bends = [(claim.id, bend) for claim in stack.claims for bend in claim.bends()]
    values = {price: stack.worth_usd(price) for price in {bend.price_usd for _, bend in bends}}
    found += [BreakPoint(values[bend.price_usd], claim_id, bend.to) for claim_id, bend in bends]
    return sorted(found)


def payouts_up_to(stack: Stack, highest_usd: Fraction) -> list[Payouts]:
    """Return the payouts at 0, at each break point below ``highest_usd``, and at ``highest_usd``.

    Between two of these exit values every payout is a straight line.
    """
    checks.amount("highest_usd", highest_usd)
    level, levels = NOTHING, [NOTHING]
    for tier in owed(stack):
        level += tier.owed_usd
        levels.append(level)
    prices = {bend.price_usd for claim in stack.claims for bend in claim.bends()} - {NOTHING}
    corners = [payouts(stack, value) for value in levels if value < highest_usd]
    corners += [
        corner
        for price in sorted(prices)
        if (corner := payouts_at_price(stack, price)).exit_usd < highest_usd
    ]
    return [*corners, payouts(stack, highest_usd)]
