"""Who gets what at one exit value, each holder choosing for itself.

Whether to convert depends on what a common share gets, and that depends on who else converts: a
game. It has one outcome, and it is found without searching through choices.

Let :math:`p` be what a common share gets and :math:`w_i(p)` what claim :math:`i` is worth to a
holder who does best at that price: ``max(preference, shares × p)`` for non-participating stock,
and so on (:mod:`finance.exits.claims`). Each :math:`w_i` is continuous and never falls, so the
total :math:`W(p) = Σ w_i(p)` meets an exit value above all that is owed before common stock at
one price only. Below that, :math:`p = 0` and what is owed is paid tier by tier.

*It is a Nash equilibrium.* Suppose holder i changes its choice. If the price does not rise, i
gets what its other choice is worth at the new price, which is at most w_i of the old one. If it
rises, all others, whose choices stand, get at least what they got; the payouts sum to the same
exit value, so i gets no more.

*Payouts are the same in every equilibrium.* A holder who keeps its preference though its shares
are worth more at price p gains by converting: the price falls, the others get less and it gets
the difference. Likewise the other way round. So each choice is best at the equilibrium's own
price, and W meets the exit value at one price only. Equilibria differ in choices between equal
payouts alone; here a holder who is indifferent keeps its preference.

Valuers know the bends of W as the break points of an option pricing model (AICPA guide "Valuation
of Portfolio Company Investments of Venture Capital and Private Equity Funds", 2019).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from finance.exits.claims import NOTHING, Choice, Claim, Stack
from finance.numbers import checks
from finance.numbers.money import CENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Payouts:
    """One exit. ``usd`` and ``choices`` are by the claims' ids; ``usd`` sums to ``exit_usd``."""

    exit_usd: Fraction
    price_usd: Fraction
    """What a common share gets."""
    usd: Mapping[str, Fraction]
    choices: Mapping[str, Choice]

    def in_cents(self) -> dict[str, Fraction]:
        """Payouts in whole cents that sum to the exit value's.

        Each is rounded down, and the cents that are left go to the largest remainders, the
        earlier claim first where they are equal.
        """
        unit = Fraction(CENT)
        floors = {name: usd // unit for name, usd in self.usd.items()}
        left = self.exit_usd // unit - sum(floors.values())
        by_remainder = sorted(self.usd, key=lambda name: floors[name] - self.usd[name] / unit)
        for name in by_remainder[:left]:
            floors[name] += 1
        return {name: whole * unit for name, whole in floors.items()}


def payouts(stack: Stack, exit_usd: Fraction) -> Payouts:
    """What each claim gets when the company is sold for ``exit_usd``, costs of the sale paid.

    Raises
    ------
    InputError
        If the value is negative or beyond :data:`finance.numbers.money.MAX_USD`.
    """
    checks.amount("exit_usd", exit_usd)
    usd = {claim.id: NOTHING for claim in stack.claims}
    left = exit_usd
    for tier in owed(stack):
        owed_usd = tier.owed_usd
        paid = min(left, owed_usd)
        for claim_id, claimed in tier.claims.items():
            usd[claim_id] += paid * claimed / owed_usd
        left -= paid
    if left:
        return payouts_at_price(stack, common_price(stack, exit_usd))
    return _payouts(stack, exit_usd, NOTHING, usd)


def payouts_at_price(stack: Stack, price_usd: Fraction) -> Payouts:
    """What each claim gets when a common share gets ``price_usd``, which is above 0."""
    usd = {claim.id: claim.worth_usd(price_usd) for claim in stack.claims}
    return _payouts(stack, sum(usd.values(), NOTHING), price_usd, usd)


def _payouts(
    stack: Stack, exit_usd: Fraction, price: Fraction, usd: Mapping[str, Fraction]
) -> Payouts:
    return Payouts(
        exit_usd=exit_usd,
        price_usd=price,
        usd=usd,
        choices={claim.id: _choice(claim, price, usd[claim.id]) for claim in stack.claims},
    )


@dataclass(frozen=True, slots=True)
class Tier:
    """Claims that are paid together, before common stock."""

    claims: Mapping[str, Fraction]
    """What each is owed, USD; all above 0."""

    @property
    def owed_usd(self) -> Fraction:
        return sum(self.claims.values(), NOTHING)


def owed(stack: Stack) -> list[Tier]:
    """The tiers in the order in which they are paid; those that are owed nothing are left out."""
    tiers: defaultdict[tuple[int, int], dict[str, Fraction]] = defaultdict(dict)
    for claim in stack.claims:
        tiers[claim.tier][claim.id] = claim.first_usd
    last = {claim.id: claim.then_usd for claim in stack.claims}
    in_order = [*(tiers[key] for key in sorted(tiers)), last]
    positive = [{name: usd for name, usd in tier.items() if usd} for tier in in_order]
    return [Tier(tier) for tier in positive if tier]


def common_price(stack: Stack, exit_usd: Fraction) -> Fraction:
    """The price at which all claims together are worth ``exit_usd``.

    The total is piecewise linear in the price: it is found between two bends by proportion.
    ``exit_usd`` is at least what is owed before common stock.
    """
    prices = _prices(stack)
    above = bisect_left(prices, exit_usd, lo=1, hi=len(prices) - 1, key=stack.worth_usd)
    low, high = prices[above - 1], prices[above]
    at_low, at_high = stack.worth_usd(low), stack.worth_usd(high)
    return low + (exit_usd - at_low) * (high - low) / (at_high - at_low)


def _prices(stack: Stack) -> Sequence[Fraction]:
    """0, every price at which some claim bends, and one above: the last line has no end."""
    bends = {bend.price_usd for claim in stack.claims for bend in claim.bends()} | {NOTHING}
    return [*sorted(bends), max(bends) + 1]


def _choice(claim: Claim, price: Fraction, paid: Fraction) -> Choice:
    """At a price of nothing a discount may still buy shares: see :class:`Convertible`."""
    if not price and claim.then_usd and paid > claim.first_usd:
        return Choice.CONVERTS
    return claim.choice(price)
