"""Random stacks, and what they pay out if every choice is fixed beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import product

from hypothesis import strategies as st

from finance.exits.claims import Claim, Common, Convertible, Debt, Option, Preferred, Rank, Stack

F = Fraction

few = st.integers(0, 6).map(Fraction)
shares = st.integers(1, 6).map(Fraction)


@st.composite
def preferred(draw: st.DrawFn, name: str) -> Preferred:
    multiple = draw(st.sampled_from([F(0), F(1), F(3, 2), F(2)]))
    cap = draw(st.none() | few.map(lambda more: multiple + more / 2))
    return Preferred(
        id=name,
        shares=draw(shares),
        invested_usd=draw(few),
        multiple=multiple,
        participating=draw(st.booleans()),
        cap_multiple=cap,
        seniority=draw(st.integers(0, 2)),
    )


@st.composite
def stacks(draw: st.DrawFn, *, with_discounts: bool = False) -> Stack:
    """Up to four holders who choose, over debt and common stock. Small numbers, many ties."""
    claims: list[Claim] = [
        draw(preferred(f"series_{letter}")) for letter in "abc"[: draw(st.integers(0, 3))]
    ]
    if draw(st.booleans()):
        claims.append(Option(id="options", shares=draw(shares), strike_usd=draw(few)))
    if draw(st.booleans()):
        cash = draw(few)
        discount = draw(st.sampled_from([F(0), F(1, 5)])) if with_discounts else F(0)
        claims.append(
            Convertible(
                id="safe", cash_usd=cash, shares=draw(few), discounted_usd=cash / (1 - discount),
                rank=draw(st.sampled_from(Rank)), seniority=draw(st.integers(0, 2)),
            )
        )  # fmt: skip
    if draw(st.booleans()):
        claims.append(Debt(id="loan", claim_usd=draw(few), seniority=draw(st.integers(0, 2))))
    return Stack((*claims, Common(id="founders", shares=draw(shares))))


exit_values = st.integers(0, 240).map(lambda quarters: Fraction(quarters, 4))

Profile = Mapping[str, bool]
"""Who converts (preferred stock, SAFEs) or exercises (options)."""


def profiles(stack: Stack) -> Iterator[Profile]:
    """Every way in which the holders could choose."""
    names = [one.id for one in stack.claims if isinstance(one, Preferred | Convertible | Option)]
    for choices in product((False, True), repeat=len(names)):
        yield dict(zip(names, choices, strict=True))


def changed(profile: Profile, name: str) -> Profile:
    return {**profile, name: not profile[name]}


def poured(stack: Stack, exit_usd: Fraction, profile: Profile) -> dict[str, Fraction]:
    """Payouts with fixed choices: tier by tier, then by shares, those who are full dropping out."""
    pot = exit_usd
    got = {one.id: F(0) for one in stack.claims}
    taking: dict[str, tuple[Fraction, Fraction | None]] = {}  # shares, room until its cap
    tiers: dict[tuple[int, int], list[Claim]] = {}
    for one in stack.claims:
        acts = profile.get(one.id, False)
        if isinstance(one, Common) or (acts and isinstance(one, Preferred | Convertible)):
            taking[one.id] = (one.shares, None)
        elif isinstance(one, Option):
            if acts:
                pot += one.shares * one.strike_usd
                got[one.id] -= one.shares * one.strike_usd
                taking[one.id] = (one.shares, None)
        else:
            tiers.setdefault(one.tier, []).append(one)
            if isinstance(one, Preferred) and one.participating:
                room = None if one.cap_usd is None else one.cap_usd - one.first_usd
                taking[one.id] = (one.shares, room)
    for key in sorted(tiers):
        owed = sum(one.first_usd for one in tiers[key])
        paid = min(pot, owed)
        for one in tiers[key]:
            got[one.id] += paid * one.first_usd / owed if owed else 0
        pot -= paid
    while pot and taking:
        all_shares = sum(count for count, _ in taking.values())
        if all_shares == 0:
            break
        price = min(
            [pot / all_shares, *(r / n for n, r in taking.values() if r is not None)],
        )
        for name, (count, room) in list(taking.items()):
            got[name] += count * price
            pot -= count * price
            room = None if room is None else room - count * price
            taking[name] = (count, room)
            if room == 0:
                del taking[name]
    return got
