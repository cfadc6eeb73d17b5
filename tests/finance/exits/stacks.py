"""Random stacks, and their payouts if every choice is fixed."""

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
    """Draw up to four holders with a choice, with debt and common stock.

    Numbers are small, so that ties are frequent.
    """
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
"""Whether each claim converts (preferred stock, SAFEs) or is exercised (options), by its id."""


def profiles(stack: Stack) -> Iterator[Profile]:
    """Yield every combination of choices."""
    names = [
        claim.id for claim in stack.claims if isinstance(claim, Preferred | Convertible | Option)
    ]
    for choices in product((False, True), repeat=len(names)):
        yield dict(zip(names, choices, strict=True))


def changed(profile: Profile, name: str) -> Profile:
    """Return the choices with one choice reversed."""
    return {**profile, name: not profile[name]}


def payouts_for_choices(stack: Stack, exit_usd: Fraction, profile: Profile) -> dict[str, Fraction]:
    """Return the payouts for fixed choices.

    Tiers are paid in order; the remainder is paid by shares, and claims at their cap drop out.
    """
    proceeds = exit_usd
    got = {claim.id: F(0) for claim in stack.claims}
    sharing: dict[
        str, tuple[Fraction, Fraction | None]
    ] = {}  # shares, and amount left up to the cap
    tiers: dict[tuple[int, int], list[Claim]] = {}
    for claim in stack.claims:
        acts = profile.get(claim.id, False)
        if isinstance(claim, Common) or (acts and isinstance(claim, Preferred | Convertible)):
            sharing[claim.id] = (claim.shares, None)
        elif isinstance(claim, Option):
            if acts:
                proceeds += claim.shares * claim.strike_usd
                got[claim.id] -= claim.shares * claim.strike_usd
                sharing[claim.id] = (claim.shares, None)
        else:
            tiers.setdefault(claim.tier, []).append(claim)
            if isinstance(claim, Preferred) and claim.participating:
                room = None if claim.cap_usd is None else claim.cap_usd - claim.first_usd
                sharing[claim.id] = (claim.shares, room)
    for key in sorted(tiers):
        owed = sum(claim.first_usd for claim in tiers[key])
        paid = min(proceeds, owed)
        for claim in tiers[key]:
            got[claim.id] += paid * claim.first_usd / owed if owed else 0
        proceeds -= paid
    while proceeds and sharing:
        all_shares = sum(shares for shares, _ in sharing.values())
        if all_shares == 0:
            break
        price = min(
            [proceeds / all_shares, *(r / n for n, r in sharing.values() if r is not None)],
        )
        for name, (count, room) in list(sharing.items()):
            got[name] += count * price
            proceeds -= count * price
            room = None if room is None else room - count * price
            sharing[name] = (count, room)
            if room == 0:
                del sharing[name]
    return got
