"""Rates of return, checked against equations with known solutions."""

import datetime
from functools import reduce
from itertools import pairwise

import numpy as np
import pytest
import pyxirr
from hypothesis import given
from hypothesis import strategies as st

from engine.documents import InputError
from finance.exits.returns import investor_return, irr, mirr, multiples, npv, xirr, xnfv, xnpv

D = datetime.date


def flows_with(rates: list[float]) -> list[float]:
    """Return flows with a present value of Π ((1 + rate) ÷ (1 + r) − 1), 0 at each of ``rates``."""
    factors = [np.array([-1.0, 1.0 + rate]) for rate in rates]
    return [float(usd) for usd in reduce(np.polymul, factors)]


@given(st.lists(st.integers(-19, 60), min_size=1, max_size=5, unique=True))
def test_every_rate_is_found(twentieths) -> None:
    rates = sorted(n_twentieths / 20 for n_twentieths in twentieths)
    assert irr(flows_with(rates)).all == pytest.approx(rates, abs=1e-6)


@given(
    st.lists(
        st.tuples(st.dates(D(2020, 1, 1), D(2040, 1, 1)), st.integers(-1000, 1000)),
        min_size=2,
        max_size=12,
    )
)
def test_dated_flows_are_worth_nothing_at_every_rate(flows) -> None:
    rates = xirr(flows)
    for rate in rates.all:
        start = min(date for date, _ in flows)
        terms = [usd * (1 + rate) ** (-(date - start).days / 365) for date, usd in flows]
        assert abs(sum(terms)) <= 1e-6 * max(map(abs, terms))
    assert (rates.usual is None) == (not rates.all)
    assert rates.ambiguous == (len(rates.all) > 1)


@given(st.lists(st.integers(-100, 100), min_size=2, max_size=8))
def test_no_sign_change_is_missed(flows) -> None:
    """A rate is found between two rates at which the present value has different signs."""
    rates = irr(flows).all
    values = [(rate, npv(rate, flows)) for rate in np.linspace(-0.95, 5, 120)]
    for (low, before), (high, after) in pairwise(values):
        if before * after < 0:
            assert any(low - 1e-9 <= rate <= high + 1e-9 for rate in rates)


def test_a_rate_at_which_the_value_only_touches_zero() -> None:
    assert irr([-100, 220, -121]).all == pytest.approx([0.1], abs=1e-5)


def test_no_rate_and_several() -> None:
    assert irr([100, 20, 3]).all == ()
    assert irr([-10, 15, -10]).usual is None
    assert irr([]).all == irr([0, 0]).all == xirr([]).all == ()
    assert irr([-100, 230, -132]).ambiguous


def test_the_usual_rate_is_the_one_of_a_solver() -> None:
    for flows in ([-100, 230, -132], [-1600, 10000, -10000], [-5, 10.5, 1, -8, 1]):
        assert irr(flows).usual == pytest.approx(pyxirr.irr(flows))


def test_values_by_hand() -> None:
    assert npv(0.1, [100, 110]) == pytest.approx(200)
    assert npv(0.1, [110, 121], first_period=1) == pytest.approx(200)
    year = [(D(2025, 1, 1), -100.0), (D(2026, 1, 1), 121.0)]
    assert xnpv(0.1, year) == pytest.approx(10)
    assert xnfv(0.1, year) == pytest.approx(11)
    assert xnpv(0.1, []) == xnfv(0.1, []) == 0
    # 100 out; 60 reinvested for a year at 10% and 60: 126, and √1.26 − 1 a year.
    assert mirr([-100, 60, 60], finance_rate=0.05, reinvest_rate=0.1) == pytest.approx(
        1.26**0.5 - 1
    )
    assert mirr([60, 60], finance_rate=0.05, reinvest_rate=0.1) is None


def test_an_investor() -> None:
    """The flows are 1M, a year later 1M, and 3.31M two years after that."""
    paid = [(D(2026, 1, 1), -1_000_000.0), (D(2027, 1, 1), -1_000_000.0)]
    made = investor_return([*paid, (D(2029, 1, 1), 3_310_000.0)])
    assert made.moic == pytest.approx(1.655)
    (rate,) = made.rates.all
    assert xnpv(rate, [*paid, (D(2029, 1, 1), 3_310_000.0)]) == pytest.approx(0, abs=1e-3)
    lost = investor_return(paid)
    assert (lost.moic, lost.rates.all) == (0, ())
    assert investor_return([(D(2029, 1, 1), 1.0)]).moic is None
    assert multiples(0.0, 0.0, 0.0).tvpi is None


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (
            lambda: irr([float("nan")]),
            f"flows: nan is not allowed: must lie between -{10**13} and {10**13}",
        ),
        (
            lambda: xirr([(D(2027, 1, 1), 1e18)]),
            f"flows: 1e+18 is not allowed: must lie between -{10**13} and {10**13}",
        ),
        (lambda: irr([-1, 2] * 1001), "flows: 2002 is not allowed: must have at most 2000 entries"),
        (lambda: npv(-1, [1, 2]), "rate: -1 is not allowed: must be above -1"),
    ],
)
def test_what_is_refused(make, line) -> None:
    with pytest.raises(InputError) as refused:
        make()
    assert str(refused.value) == line
