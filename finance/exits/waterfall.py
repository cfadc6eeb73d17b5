"""Payouts at one exit value if every holder makes the best choice for itself.

A holder's best choice depends on the payout of a common share, which depends on the choices of
all other holders: this is a game. It has one outcome, which is found without a search through
choices.

Let :math:`p` be the payout of a common share and :math:`w_i(p)` the worth of claim :math:`i` to a
holder who makes the best choice at that price: ``max(preference, shares × p)`` for
non-participating stock, and so on (:mod:`finance.exits.claims`). Each :math:`w_i` is continuous
and never falls, so that the total :math:`W(p) = Σ w_i(p)` meets an exit value above the amounts
owed before common stock at one price only. Below them, :math:`p = 0`, and the amounts owed are
paid tier by tier.

*It is a Nash equilibrium.* Suppose holder i changes its choice. If the price does not rise, i
gets the worth of its other choice at the new price, which is at most w_i of the old price. If the
price rises, all others, whose choices are unchanged, get at least as much as before; the payouts
sum to the same exit value, so that i gets no more.

*Payouts are the same in every equilibrium.* A holder who keeps its preference although its shares
are worth more at price p gains by conversion: the price falls, the others get less, and the holder
gets the difference. The same holds for a holder who converts although its preference is worth more.
So each choice is the best at the price of the equilibrium, and W meets the exit value at one price
only. Equilibria differ only in choices between equal payouts; here an indifferent holder keeps its
preference.

Valuers call the bends of W the break points of an option pricing model (AICPA guide "Valuation
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
    """Payouts and choices at one exit value.

    ``usd`` and ``choices`` are by the ids of the claims; ``usd`` sums to ``exit_usd``.
    """

    exit_usd: Fraction
    price_usd: Fraction
    """Payout of one common share."""
    usd: Mapping[str, Fraction]
    choices: Mapping[str, Choice]

    def in_cents(self) -> dict[str, Fraction]:
        """Return payouts in whole cents that sum to the exit value in whole cents.

        Each payout is rounded down, and the remaining cents go to the largest remainders; of
        equal remainders the earlier claim comes first.
        """
        unit = Fraction(CENT)
        floors = {name: usd // unit for name, usd in self.usd.items()}
        left = self.exit_usd // unit - sum(floors.values())
        by_remainder = sorted(self.usd, key=lambda name: floors[name] - self.usd[name] / unit)
        for name in by_remainder[:left]:
            floors[name] += 1
        return {name: whole * unit for name, whole in floors.items()}


def payouts(stack: Stack, exit_usd: Fraction) -> Payouts:
    """Return the payouts if the company is sold for ``exit_usd`` after costs of the sale.

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
    """Return the payouts if a common share gets ``price_usd``, which is above 0."""
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
    """Claims that are paid together and before common stock."""

    claims: Mapping[str, Fraction]
    """Amount owed to each claim by its id, in USD; all above 0."""

    @property
    def owed_usd(self) -> Fraction:
        """Amount owed to all claims of the tier."""
        return sum(self.claims.values(), NOTHING)


def owed(stack: Stack) -> list[Tier]:
    """Return the tiers with amounts owed, in the order of payment."""
    tiers: defaultdict[tuple[int, int], dict[str, Fraction]] = defaultdict(dict)
    for claim in stack.claims:
        tiers[claim.tier][claim.id] = claim.first_usd
    last = {claim.id: claim.then_usd for claim in stack.claims}
    in_order = [*(tiers[key] for key in sorted(tiers)), last]
    positive = [{name: usd for name, usd in tier.items() if usd} for tier in in_order]
    return [Tier(tier) for tier in positive if tier]


def common_price(stack: Stack, exit_usd: Fraction) -> Fraction:
    """Return the price at which all claims together are worth ``exit_usd``.

    The total is piecewise linear in the price, so that the price is interpolated between two
    bends. ``exit_usd`` is at least the amount owed before common stock.
    """
    prices = _prices(stack)
    above = bisect_left(prices, exit_usd, lo=1, hi=len(prices) - 1, key=stack.worth_usd)
    low, high = prices[above - 1], prices[above]
    at_low, at_high = stack.worth_usd(low), stack.worth_usd(high)
    return low + (exit_usd - at_low) * (high - low) / (at_high - at_low)


def _prices(stack: Stack) -> Sequence[Fraction]:
    """Return 0, the bends of all claims, and a price on the last line, which has no end."""
    bends = {bend.price_usd for claim in stack.claims for bend in claim.bends()} | {NOTHING}
    return [*sorted(bends), max(bends) + 1]


def _choice(claim: Claim, price: Fraction, paid: Fraction) -> Choice:
    """Return the choice of a claim; at a price of 0 a discount may still buy shares."""
    if not price and claim.then_usd and paid > claim.first_usd:
        return Choice.CONVERTS
    return claim.choice(price)
