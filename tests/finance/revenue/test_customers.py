"""Check adoption and retention against closed forms and values computed by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finance.books.trials import Numbers, Trials
from finance.demand.bass import Bass
from finance.demand.logistic import Logistic
from finance.demand.retention import Retention
from finance.revenue.adoption import (
    AdoptionNumbers,
    BassAdoption,
    GrowthAdoption,
    LogisticAdoption,
    adoption_numbers,
)
from finance.revenue.customers import customers, sum_over_cohorts, yearly_contracts
from finance.revenue.lines import ApiTokens
from finance.revenue.retention import (
    ConstantRetention,
    RetentionNumbers,
    TenureRetention,
    retention_numbers,
)


def row(*values: float) -> np.ndarray:
    return np.array([values], dtype=float)


def numbers(adoption: object = None, retention: object = None) -> Numbers:
    """Return the numbers of a line that has only an adoption and a retention."""
    line = ApiTokens.model_construct(adoption=adoption, retention=retention)
    return Trials().numbers_of(line, "line")


def test_growth_and_churn_act_on_the_month_before() -> None:
    adoption = AdoptionNumbers(first=row(100), growth=row(0.2))
    found = customers(adoption, RetentionNumbers(churn=row(0.1)), 2, 4)
    assert found.active[0].tolist() == [0, 100, 110, 121]
    assert found.new[0].tolist() == [0, 100, 20, 22]
    assert found.lost[0].tolist() == pytest.approx([0, 0, 10, 11])


def test_growth_stops_at_the_market() -> None:
    adoption = AdoptionNumbers(first=row(80), growth=row(0.5), market=row(100))
    found = customers(adoption, RetentionNumbers(churn=row(0.1)), 1, 3)
    assert found.active[0].tolist() == [80, 100, 100]
    assert found.new[0].tolist() == [80, 28, 10]  # as many as leave


def test_growth_with_tenure_by_hand() -> None:
    """10 customers start; 2 of them leave after a month and 1 after two months.

    New customers are half of the customers of the month before.
    """
    left = row(1.0, 0.8, 0.7)
    found = customers(
        AdoptionNumbers(first=row(10), growth=row(0.5)), RetentionNumbers(remaining=left), 1, 3
    )
    assert found.new[0].tolist() == [10, 5, 6.5]
    assert found.active[0].tolist() == pytest.approx([10, 8 + 5, 7 + 4 + 6.5])
    assert found.lost[0].tolist() == pytest.approx([0, 2, 2])


def test_bass_adoption_equals_the_closed_form() -> None:
    adoption = BassAdoption(
        kind="bass", market=5000, innovation_per_year="0.03", imitation_per_year="0.4"
    )
    new = adoption_numbers(numbers(adoption), adoption, 3, 24).new
    shares = Bass(p=0.03, q=0.4, m=5000).adopted_share(np.arange(23) / 12)
    assert new[0, :2].tolist() == [0, 0]
    assert np.cumsum(new[0, 2:]) == pytest.approx(5000 * shares[1:])


def test_logistic_adoption_equals_the_closed_form() -> None:
    adoption = LogisticAdoption(
        kind="logistic", market=1000, share_at_launch="0.1", growth_per_year="1.2"
    )
    new = adoption_numbers(numbers(adoption), adoption, 1, 36).new
    curve = Logistic(rate=0.1, middle=np.log(9) / 0.1, m=1000)
    assert np.cumsum(new[0]) == pytest.approx(curve.adopted(np.arange(36)))


def test_retention_by_tenure_equals_the_beta_geometric() -> None:
    retention = TenureRetention(kind="sbg", alpha="0.668", beta="3.806")
    stay = retention_numbers(numbers(retention=retention), retention, 8)
    # Fader and Hardie 2007, table 1: the "high end" model's survival after 1 and 2 renewals.
    assert stay.survival(8)[0, :3].tolist() == pytest.approx([1, 0.8507, 0.7468], abs=1e-4)
    assert stay.survival(8)[0] == pytest.approx(
        Retention(alpha=0.668, beta=3.806).survival(np.arange(8))
    )


def test_constant_churn_keeps_powers() -> None:
    retention = ConstantRetention(churn_share_per_month="0.1")
    stay = retention_numbers(numbers(retention=retention), retention, 4)
    assert stay.survival(4)[0].tolist() == pytest.approx([1, 0.9, 0.81, 0.729])


def test_contracts_are_invoiced_and_left_once_a_year() -> None:
    """4 contracts are signed in month 2; at each renewal, 25% leave and the price rises by 10%."""
    new = np.zeros((1, 30))
    new[0, 1] = 4
    renewed = row(1, 0.75, 0.5625)
    base, invoices = yearly_contracts(new, renewed, row(0.1), 12)
    assert base.active[0, [0, 1, 12, 13, 24, 25]].tolist() == [0, 4, 4, 3, 3, 2.25]
    assert {month: sent for month, sent in enumerate(invoices[0], 1) if sent} == pytest.approx(
        {2: 4, 14: 3 * 1.1, 26: 2.25 * 1.21}
    )
    _, quarterly = yearly_contracts(new, renewed, row(0.1), 3)
    assert quarterly[0, 1:13].tolist() == [1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0]
    assert quarterly[0, 13] == pytest.approx(3 * 1.1 / 4)


def test_who_was_there_a_year_ago() -> None:
    constant = customers(AdoptionNumbers(first=row(100)), RetentionNumbers(churn=row(0.1)), 1, 14)
    assert constant.retained_for_a_year()[0, :12].tolist() == [0] * 12
    assert constant.retained_for_a_year()[0, 12] == pytest.approx(100 * 0.9**12)
    left = np.linspace(1, 0.5, 14)[np.newaxis]
    tenure = customers(
        AdoptionNumbers(first=row(10), growth=row(0.1)), RetentionNumbers(remaining=left), 1, 14
    )
    assert tenure.retained_for_a_year()[0, 12] == pytest.approx(10 * left[0, 12])


@given(
    st.lists(st.floats(0, 1e6), min_size=6, max_size=6),
    st.lists(st.floats(0, 1), min_size=5, max_size=5),
)
def test_lags_are_a_convolution(new: list[float], weights: list[float]) -> None:
    with_gap = [1.0, *weights]
    found = sum_over_cohorts(row(*new), row(*with_gap))
    assert found[0] == pytest.approx(np.convolve(new, with_gap)[:6], rel=1e-12, abs=1e-9)


def test_growth_needs_no_market() -> None:
    adoption = GrowthAdoption(kind="growth", customers_at_launch=1, growth_share_per_month="1")
    growth = adoption_numbers(numbers(adoption), adoption, 1, 12)
    assert customers(growth, RetentionNumbers(churn=row(0)), 1, 12).active[0, -1] == 2**11
