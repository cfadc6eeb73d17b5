"""The claims on an exit, as one stack: debt, preferred stock, SAFEs and notes, common, options.

Amounts are in USD, shares are counted as converted into common, and both are exact. A claim
states the amounts owed to it before common stock is paid (:attr:`Claim.first_usd` and
:attr:`Claim.then_usd`), and its worth once common stock is paid, as a function of the payout of
one common share, called the *price* below. The function is piecewise linear; :meth:`Claim.bends`
gives the prices at its corners.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from fractions import Fraction

from engine.documents import InputError
from finance.numbers import checks
from finance.numbers.money import MAX_USD

MAX_SHARES = 10**15
MAX_MULTIPLE = 100
NOTHING = Fraction(0)


class Rank(IntEnum):
    """Kinds of claims that are paid before common stock, the first paid first."""

    DEBT = 0
    PREFERRED = 1
    """Preferred stock, and SAFEs, which rank equally with it."""


class Choice(StrEnum):
    """Decision of a holder, or treatment of a claim, at an exit value."""

    REPAID = "repaid"
    PREFERENCE = "preference"
    """The holder keeps the preference, or gets the money back."""
    PARTICIPATES = "participates"
    """The holder takes the preference and a share of the remainder."""
    CAPPED = "capped"
    """The claim has reached its participation cap."""
    CONVERTS = "converts"
    HOLDS = "holds"
    """Common stock, which has no choice, or options that are not exercised."""
    EXERCISES = "exercises"


@dataclass(frozen=True, slots=True)
class Bend:
    """A price above which the holder of a claim makes another choice."""

    price_usd: Fraction
    to: Choice


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A claim of one holder. Payouts name it by its ``id``."""

    id: str

    @property
    def tier(self) -> tuple[int, int]:
        """Tier of the claim: lower tiers are paid first, claims of a tier in proportion."""
        return (Rank.PREFERRED, 0)

    @property
    def first_usd(self) -> Fraction:
        """Amount owed in the claim's tier."""
        return NOTHING

    @property
    def then_usd(self) -> Fraction:
        """Amount owed after all tiers and before common stock."""
        return NOTHING

    def worth_usd(self, price_usd: Fraction) -> Fraction:
        """Return the payout if a common share gets ``price_usd`` and all amounts owed are paid."""
        return self.first_usd + self.then_usd

    def bends(self) -> Sequence[Bend]:
        """Return the prices at which the choice changes, from the lowest."""
        return ()

    def choice(self, price_usd: Fraction) -> Choice:
        """Return the holder's choice at a price; an indifferent holder does not change it."""
        chosen = Choice.HOLDS
        for bend in self.bends():
            if price_usd > bend.price_usd:
                chosen = bend.to
        return chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class Debt(Claim):
    """A loan, or a note that is repaid: principal, interest and fees, or a stated multiple."""

    claim_usd: Fraction
    seniority: int = 0
    """Rank among debts; a lower number is paid first."""

    def __post_init__(self) -> None:
        checks.amount(f"{self.id}.claim_usd", self.claim_usd)

    @property
    def tier(self) -> tuple[int, int]:
        return (Rank.DEBT, self.seniority)

    @property
    def first_usd(self) -> Fraction:
        return self.claim_usd

    def choice(self, price_usd: Fraction) -> Choice:
        return Choice.REPAID


@dataclass(frozen=True, slots=True, kw_only=True)
class Common(Claim):
    """Common stock of a holder. Options that are not granted are no claim."""

    shares: Fraction

    def __post_init__(self) -> None:
        checks.within(f"{self.id}.shares", self.shares, 0, MAX_SHARES)

    def worth_usd(self, price_usd: Fraction) -> Fraction:
        return self.shares * price_usd


@dataclass(frozen=True, slots=True, kw_only=True)
class Option(Claim):
    """Options or warrants on common stock, exercised if the price is above the strike.

    The amount paid to exercise adds to the proceeds, so that the payout is net of it.
    """

    shares: Fraction
    strike_usd: Fraction

    def __post_init__(self) -> None:
        checks.within(f"{self.id}.shares", self.shares, 0, MAX_SHARES)
        checks.amount(f"{self.id}.strike_usd", self.strike_usd)

    def worth_usd(self, price_usd: Fraction) -> Fraction:
        return self.shares * max(NOTHING, price_usd - self.strike_usd)

    def bends(self) -> Sequence[Bend]:
        return (Bend(self.strike_usd, Choice.EXERCISES),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferred(Claim):
    """A class of preferred stock (NVCA Model Certificate of Incorporation, article IV.B.2).

    Without participation the payout is the larger of the preference and the payout of the shares
    as common stock. With participation it is the sum of both, limited to ``cap_multiple`` times
    the money invested, or the payout as common stock if that is larger.
    """

    shares: Fraction
    """Shares as converted, after all adjustments of the conversion price."""
    invested_usd: Fraction
    multiple: Fraction = Fraction(1)
    """Preference as a multiple of ``invested_usd``."""
    accrued_usd: Fraction = NOTHING
    """Dividends that are paid with the preference."""
    participating: bool = False
    cap_multiple: Fraction | None = None
    seniority: int = 0

    def __post_init__(self) -> None:
        checks.within(f"{self.id}.shares", self.shares, 0, MAX_SHARES)
        checks.amount(f"{self.id}.invested_usd", self.invested_usd)
        checks.amount(f"{self.id}.accrued_usd", self.accrued_usd)
        checks.within(f"{self.id}.multiple", self.multiple, 0, MAX_MULTIPLE)
        if self.cap_multiple is not None:
            checks.within(f"{self.id}.cap_multiple", self.cap_multiple, self.multiple, MAX_MULTIPLE)

    @property
    def tier(self) -> tuple[int, int]:
        return (Rank.PREFERRED, self.seniority)

    @property
    def first_usd(self) -> Fraction:
        return self.multiple * self.invested_usd + self.accrued_usd

    @property
    def cap_usd(self) -> Fraction | None:
        """Largest payout without conversion; None for no limit."""
        if not self.participating:
            return self.first_usd
        if self.cap_multiple is None:
            return None
        return max(self.first_usd, self.cap_multiple * self.invested_usd)

    def worth_usd(self, price_usd: Fraction) -> Fraction:
        as_common = self.shares * price_usd
        if self.cap_usd is None:
            return self.first_usd + as_common
        return max(min(self.first_usd + as_common, self.cap_usd), as_common)

    def bends(self) -> Sequence[Bend]:
        start = Bend(NOTHING, Choice.PARTICIPATES)
        if self.cap_usd is None:
            return (start,)
        if self.shares == 0:
            return ()
        converts = Bend(self.cap_usd / self.shares, Choice.CONVERTS)
        if not self.participating:
            return (converts,)
        full = Bend((self.cap_usd - self.first_usd) / self.shares, Choice.CAPPED)
        return (start, full, converts)

    def choice(self, price_usd: Fraction) -> Choice:
        chosen = Claim.choice(self, price_usd)
        return Choice.PREFERENCE if chosen is Choice.HOLDS else chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class Convertible(Claim):
    """A SAFE or note that has not converted: cash, or shares if they are worth more.

    See :func:`finance.exits.convertibles.claims_of` for the terms that lead to this claim.
    """

    cash_usd: Fraction
    """Payout without conversion."""
    shares: Fraction
    """Shares into which the claim converts at its cap; 0 without a cap."""
    discounted_usd: Fraction
    """Worth of the shares bought at the discount, amount ÷ (1 − discount), at any price;
    ``cash_usd`` without a discount."""
    rank: Rank
    seniority: int = 0

    def __post_init__(self) -> None:
        checks.amount(f"{self.id}.cash_usd", self.cash_usd)
        checks.within(f"{self.id}.shares", self.shares, 0, MAX_SHARES)
        checks.within(f"{self.id}.discounted_usd", self.discounted_usd, self.cash_usd, MAX_USD)

    @property
    def tier(self) -> tuple[int, int]:
        return (self.rank, self.seniority)

    @property
    def first_usd(self) -> Fraction:
        return self.cash_usd

    @property
    def then_usd(self) -> Fraction:
        """Amount by which the discount exceeds the cash.

        At a price near 0 a discount buys any number of shares, so it is paid before common stock.
        """
        return self.discounted_usd - self.cash_usd

    def worth_usd(self, price_usd: Fraction) -> Fraction:
        return max(self.discounted_usd, self.shares * price_usd)

    def bends(self) -> Sequence[Bend]:
        by_cap = [Bend(self.discounted_usd / self.shares, Choice.CONVERTS)] if self.shares else []
        if self.then_usd == 0:
            return by_cap
        return (Bend(NOTHING, Choice.CONVERTS), *by_cap)

    def choice(self, price_usd: Fraction) -> Choice:
        chosen = Claim.choice(self, price_usd)
        return Choice.PREFERENCE if chosen is Choice.HOLDS else chosen


@dataclass(frozen=True, slots=True)
class Stack:
    """All claims on one company.

    Raises
    ------
    InputError
        If two claims have the same id, or if no claim shares in the remainder.
    """

    claims: tuple[Claim, ...]

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for claim in self.claims:
            if claim.id in seen:
                raise InputError("claims", claim.id, "no_repeats")
            seen.add(claim.id)
        bends = [bend.price_usd for claim in self.claims for bend in claim.bends()]
        beyond = max(bends, default=NOTHING)
        if self.worth_usd(beyond + 1) == self.worth_usd(beyond):
            raise InputError("claims", ", ".join(sorted(seen)) or "—", "some_shares")

    def worth_usd(self, price_usd: Fraction) -> Fraction:
        """Return the exit value at which a common share gets ``price_usd``."""
        return sum((claim.worth_usd(price_usd) for claim in self.claims), NOTHING)
