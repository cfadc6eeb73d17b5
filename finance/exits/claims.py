"""The claims on an exit, as one stack: debt, preferred stock, SAFEs and notes, common, options.

Amounts are USD, shares are counted as converted into common, both exact. A claim says what it
is owed before common stock gets anything (:attr:`first_usd`, :attr:`then_usd`), and what it is
worth once common stock gets something, as a function of what one common share gets, which is
called the *price* below. It is piecewise linear, with its bends at :meth:`bends`.
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
    """Which kind of claim is paid first."""

    DEBT = 0
    PREFERRED = 1
    """Preferred stock, and SAFEs, which stand on a par with it."""


class Choice(StrEnum):
    """What a holder does, or what becomes of the claim, at some exit value."""

    REPAID = "repaid"
    PREFERENCE = "preference"
    """Keeps the preference, or the money back."""
    PARTICIPATES = "participates"
    """Takes the preference and a part of what is left."""
    CAPPED = "capped"
    """Takes part no more: its cap is reached."""
    CONVERTS = "converts"
    HOLDS = "holds"
    """Common stock, which chooses nothing; options that stay unexercised."""
    EXERCISES = "exercises"


@dataclass(frozen=True, slots=True)
class Bend:
    """A price at which a claim's holder changes course."""

    price_usd: Fraction
    to: Choice


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One holder's claim of one kind. ``id`` names it in payouts."""

    id: str

    @property
    def tier(self) -> tuple[int, int]:
        """Tiers are paid from the lowest up; claims of one tier share by what they are owed."""
        return (Rank.PREFERRED, 0)

    @property
    def first_usd(self) -> Fraction:
        """Owed in its tier."""
        return NOTHING

    @property
    def then_usd(self) -> Fraction:
        """Owed after all tiers, before common stock."""
        return NOTHING

    def worth_usd(self, price_usd: Fraction) -> Fraction:
        """Payout when a common share gets ``price_usd`` and all that is owed has been paid."""
        return self.first_usd + self.then_usd

    def bends(self) -> Sequence[Bend]:
        return ()

    def choice(self, price_usd: Fraction) -> Choice:
        """What the holder does at that price; one who is indifferent changes nothing."""
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
    """Lower is paid first."""

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
    """Common stock that somebody holds; a pool that nobody was granted is no claim."""

    shares: Fraction

    def __post_init__(self) -> None:
        checks.within(f"{self.id}.shares", self.shares, 0, MAX_SHARES)

    def worth_usd(self, price_usd: Fraction) -> Fraction:
        return self.shares * price_usd


@dataclass(frozen=True, slots=True, kw_only=True)
class Option(Claim):
    """Options, or warrants on common stock: exercised when the price is above the strike.

    What is paid to exercise goes into the pot, so that the payout is net of it.
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

    Not participating: the preference, or what the shares get as common, whichever is more.
    Participating: the preference and what the shares get as common, up to ``cap_multiple``
    times the money invested, preference included; or as common, if that is more.
    """

    shares: Fraction
    """As converted, so after any adjustment of the conversion price."""
    invested_usd: Fraction
    multiple: Fraction = Fraction(1)
    """Preference as a multiple of ``invested_usd``."""
    accrued_usd: Fraction = NOTHING
    """Dividends that are owed with the preference."""
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
        """The most that it takes without converting; None: there is no such limit."""
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
    """A SAFE or note that meets an exit unconverted: cash, or shares if they are worth more.

    See :func:`finance.exits.convertibles.claims_of` for how terms become this claim.
    """

    cash_usd: Fraction
    shares: Fraction
    """That it converts into at its cap; 0 without one."""
    discounted_usd: Fraction
    """Worth of the shares that its discount buys, whatever their price: amount ÷ (1 −
    discount). ``cash_usd`` if it has no discount."""
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
        """At a price near nothing a discount buys any number of shares: it comes before common."""
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
        If two claims have the same id, or no claim takes what is left after all are paid.
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
        """The exit value at which a common share gets ``price_usd``."""
        return sum((claim.worth_usd(price_usd) for claim in self.claims), NOTHING)
