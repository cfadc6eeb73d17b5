"""Payouts checked against a second computation in which every choice is fixed."""

from fractions import Fraction

import pytest
from hypothesis import given, settings

from engine.documents import InputError
from finance.exits.claims import Choice, Common, Convertible, Debt, Option, Preferred, Rank, Stack
from finance.exits.waterfall import payouts
from tests.finance.exits.stacks import changed, exit_values, payouts_for_choices, profiles, stacks

F = Fraction
M = 1_000_000


def series(name: str, shares: float, invested: float, seniority: int = 0, **more) -> Preferred:
    return Preferred(
        id=name, shares=F(shares), invested_usd=F(invested), seniority=seniority, **more
    )


FOUNDERS = Common(id="founders", shares=F(8 * M))


def test_a_game_of_two_by_hand() -> None:
    """A (2M shares, 5M USD, participating up to 2x) and B (1.5M shares, 9M USD, 1x).

    B comes first, then A. A is full when a share gets 2.50: 9 + 5 + 2.5 × 10 = 39 M. A converts
    above 5.00 a share: 9 + 5 × 10 = 59 M. B converts above 6.00: 6 × 11.5 = 69 M.
    """
    stack = Stack(
        (
            series("a", 2 * M, 5 * M, 2, participating=True, cap_multiple=F(2)),
            series("b", 1.5 * M, 9 * M, 1),
            FOUNDERS,
        )
    )
    by_value = {
        value: payouts(stack, F(value * M)) for value in (9, 12, 24, 39, 50, 59, 64, 69, 115)
    }
    assert {value: paid.price_usd for value, paid in by_value.items()} == {
        9: 0, 12: 0, 24: 1, 39: F(5, 2), 50: F(31, 8), 59: 5, 64: F(11, 2), 69: 6, 115: 10,
    }  # fmt: skip
    choices = {
        value: (paid.choices["a"].value, paid.choices["b"].value)
        for value, paid in by_value.items()
    }
    assert choices == {
        9: ("preference", "preference"),
        12: ("preference", "preference"),
        24: ("participates", "preference"),
        39: ("participates", "preference"),  # at its cap
        50: ("capped", "preference"),
        59: ("capped", "preference"),  # indifferent
        64: ("converts", "preference"),
        69: ("converts", "preference"),
        115: ("converts", "converts"),
    }
    assert by_value[12].usd == {"a": 3 * M, "b": 9 * M, "founders": 0}
    assert by_value[115].usd == {"a": 20 * M, "b": 15 * M, "founders": 80 * M}


def test_options_pay_their_strike_into_the_pot() -> None:
    """With 10 founders' shares and 10 options at 2 USD, 60 + 20 over 20 shares is 4 a share."""
    stack = Stack((Common(id="f", shares=F(10)), Option(id="o", shares=F(10), strike_usd=F(2))))
    assert payouts(stack, F(60)).usd == {"f": 40, "o": 20}
    at_strike = payouts(stack, F(20))
    assert at_strike.usd == {"f": 20, "o": 0}
    assert at_strike.choices["o"] is Choice.HOLDS


def test_a_discount_without_cap() -> None:
    """80 USD at a discount of 20% buy shares worth 100, paid before common stock."""
    safe = Convertible(
        id="safe", cash_usd=F(80), shares=F(0), discounted_usd=F(100), rank=Rank.PREFERRED
    )
    stack = Stack((safe, Common(id="f", shares=F(1))))
    paid = {value: payouts(stack, F(value)) for value in (50, 80, 90, 150)}
    assert [outcome.usd["safe"] for outcome in paid.values()] == [50, 80, 90, 100]
    assert [outcome.choices["safe"].value for outcome in paid.values()] == [
        "preference", "preference", "converts", "converts",
    ]  # fmt: skip


def test_a_safe_stands_beside_preferred_stock_and_below_debt() -> None:
    safe = Convertible(
        id="safe", cash_usd=F(30), shares=F(2), discounted_usd=F(30), rank=Rank.PREFERRED
    )
    note = Convertible(id="note", cash_usd=F(20), shares=F(4), discounted_usd=F(20), rank=Rank.DEBT)
    stack = Stack((safe, note, series("a", 1, 60), Common(id="f", shares=F(13))))
    assert payouts(stack, F(50)).usd == {"note": 20, "safe": 10, "a": 20, "f": 0}
    # At 10 a share the note converts (from 5), the safe is indifferent below 15.
    assert payouts(stack, F(30 + 60 + 40 + 130)).usd == {"note": 40, "safe": 30, "a": 60, "f": 130}


@given(stacks(with_discounts=True), exit_values)
def test_payouts_sum_to_the_exit_value(stack, exit_usd) -> None:
    paid = payouts(stack, exit_usd)
    assert sum(paid.usd.values()) == exit_usd
    assert min(paid.usd.values()) >= 0


@given(stacks(with_discounts=True), exit_values)
def test_whole_cents_sum_to_the_exit_value_too(stack, exit_usd) -> None:
    paid = payouts(stack, exit_usd)
    cents = paid.in_cents()
    assert sum(cents.values()) == exit_usd
    for name, usd in cents.items():
        assert usd * 100 == int(usd * 100)
        assert abs(usd - paid.usd[name]) < F(1, 100)


@given(stacks(with_discounts=True), exit_values, exit_values)
def test_nobody_gets_less_from_a_higher_exit(stack, first, second) -> None:
    low, high = (payouts(stack, value).usd for value in sorted((first, second)))
    assert all(low[name] <= high[name] for name in low)


@settings(max_examples=60)
@given(stacks(), exit_values)
def test_choices_are_an_equilibrium_and_every_equilibrium_pays_the_same(stack, exit_usd) -> None:
    paid = payouts(stack, exit_usd)
    chosen = {
        name: paid.choices[name] in (Choice.CONVERTS, Choice.EXERCISES)
        for name in next(profiles(stack))
    }
    outcomes = {
        tuple(profile.values()): payouts_for_choices(stack, exit_usd, profile)
        for profile in profiles(stack)
    }
    stable = [
        profile
        for profile in profiles(stack)
        if all(
            outcomes[tuple(changed(profile, name).values())][name]
            <= outcomes[tuple(profile.values())][name]
            for name in profile
        )
    ]
    assert chosen in stable
    for profile in stable:
        assert outcomes[tuple(profile.values())] == paid.usd


@settings(max_examples=60)
@given(stacks(), exit_values)
def test_nobody_who_converts_would_get_more_by_keeping_its_preference(stack, exit_usd) -> None:
    paid = payouts(stack, exit_usd)
    choices = {
        name: paid.choices[name] in (Choice.CONVERTS, Choice.EXERCISES)
        for name in next(profiles(stack))
    }
    for name in choices:
        kept = payouts_for_choices(stack, exit_usd, changed(choices, name))
        assert kept[name] <= paid.usd[name]


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (
            lambda: Common(id="founders", shares=F(-1)),
            "founders.shares: -1 is not allowed: must lie between 0 and 1000000000000000",
        ),
        (
            lambda: Debt(id="loan", claim_usd=F(10**18)),
            f"loan.claim_usd: {10**18} is not allowed: must lie between 0 and {10**13}",
        ),
        (
            lambda: series("a", 1, 1, multiple=F(2), cap_multiple=F(1), participating=True),
            "a.cap_multiple: 1 is not allowed: must lie between 2 and 100",
        ),
        (
            lambda: Stack((FOUNDERS, FOUNDERS)),
            "claims: founders is not allowed: must not occur twice",
        ),
        (
            lambda: Stack((Debt(id="loan", claim_usd=F(1)),)),
            "claims: loan is not allowed: "
            "at least one holder must have shares that take part in what is left",
        ),
        (
            lambda: payouts(Stack((FOUNDERS,)), F(-1)),
            f"exit_usd: -1 is not allowed: must lie between 0 and {10**13}",
        ),
    ],
)
def test_what_is_refused(make, line) -> None:
    with pytest.raises(InputError) as refused:
        make()
    assert str(refused.value) == line
