"""Interest, conversion prices, anti-dilution, pro rata and vesting against hand calculations."""

import datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.documents import InputError
from finance.capital.antidilution import (
    Protection,
    adjusted_price,
    conversion_ratio,
    full_ratchet_price,
    weighted_average_price,
)
from finance.capital.conversion import Deciding, break_even_pre_money, conversion_price
from finance.capital.instruments import Note, exit_claim
from finance.capital.interest import Accrual, DayCount, accrued, year_fraction
from finance.capital.prorata import pro_rata_budget, pro_rata_on_top, sold_by_all
from finance.capital.vesting import Acceleration, Vesting, months_between, vested_shares

F = Fraction
day = datetime.date.fromisoformat


@pytest.mark.parametrize(
    ("basis", "start", "end", "years"),
    [
        (DayCount.ACT_365F, "2027-01-01", "2029-01-01", F(731, 365)),
        (DayCount.ACT_360, "2025-01-01", "2027-01-01", F(730, 360)),
        (DayCount.ACT_365_25, "2027-01-01", "2029-01-01", F(731) / F("365.25")),
        (DayCount.ACT_ACT, "2027-01-01", "2029-01-01", F(2)),
        # 184 days of 2027 and 60 of 2028, a leap year.
        (DayCount.ACT_ACT, "2027-07-01", "2028-03-01", F(184, 365) + F(60, 366)),
        (DayCount.THIRTY_360, "2025-01-31", "2025-03-31", F(60, 360)),
        (DayCount.THIRTY_E_360, "2025-01-15", "2025-03-31", F(75, 360)),
        (DayCount.THIRTY_360, "2025-01-15", "2025-03-31", F(76, 360)),
    ],
)
def test_day_counts(basis: DayCount, start: str, end: str, years: F) -> None:
    assert year_fraction(day(start), day(end), basis) == years


@given(
    start=st.dates(datetime.date(2000, 1, 1), datetime.date(2040, 1, 1)),
    first=st.integers(0, 2000), second=st.integers(0, 2000),
)  # fmt: skip
def test_actual_days_add_up(start: datetime.date, first: int, second: int) -> None:
    middle = start + datetime.timedelta(first)
    end = middle + datetime.timedelta(second)
    for basis in (DayCount.ACT_365F, DayCount.ACT_360, DayCount.ACT_ACT):
        parts = year_fraction(start, middle, basis) + year_fraction(middle, end, basis)
        assert parts == year_fraction(start, end, basis)


def test_interest() -> None:
    million, rate, years = F(1_000_000), F("0.08"), F(2)
    assert accrued(million, rate, years) == 1_160_000
    assert accrued(million, rate, years, Accrual.COMPOUND) == 1_166_400
    assert accrued(million, rate, years, Accrual.COMPOUND, 4) == F("1171659.3810022656")
    assert accrued(million, rate, years, Accrual.PIK, 2) == F("1169858.56")
    # Half a period gives a root for compound interest, and simple interest on the capitalised
    # principal for PIK.
    root = float(accrued(million, rate, F(1, 2), Accrual.COMPOUND))
    assert root == pytest.approx(1_000_000 * 1.08**0.5, rel=1e-14)
    assert accrued(million, rate, F(3, 2), Accrual.PIK) == F(1_080_000) * F("1.04")


NOTE = {
    "name": "N", "holder": "H", "date": "2026-01-01", "amount": "500000", "rate": "0.06",
    "maturity": "2028-01-01", "repayment_multiple": 2,
    "counted": {"pool": True, "pool_increase": False, "converting": False},
}  # fmt: skip


def test_a_note_s_claims() -> None:
    note = Note.parse(NOTE)
    assert note.claim(day("2027-01-01")) == 530_000
    assert note.claim(day("2028-01-01")) == 560_000
    assert note.exit_claim(day("2027-01-01")) == 1_030_000
    assert exit_claim(F(100), F(108), F(1)) == 108
    with pytest.raises(InputError, match="date: 2025-12-31 is not allowed"):
        note.claim(day("2025-12-31"))


def test_the_lowest_price_decides() -> None:
    """An 8M cap on 8M shares and a 20% discount, at prices of 1.50, 1.10 and 1.25."""
    cap, discount = F(1), F("0.2")
    assert conversion_price(F("1.5"), discount, cap).deciding is Deciding.CAP
    assert conversion_price(F("1.1"), discount, cap).price == F("0.88")
    assert conversion_price(F("1.1"), discount, cap).deciding is Deciding.DISCOUNT
    assert conversion_price(F("1.25"), discount, cap).deciding is Deciding.CAP
    assert conversion_price(F("1.1")).deciding is Deciding.ROUND_PRICE
    assert conversion_price(None, cap_price=cap).price == 1
    with pytest.raises(InputError, match="a cap"):
        conversion_price(None, discount)


def test_cap_and_discount_break_even() -> None:
    assert break_even_pre_money(F(5_000_000), F("0.2")) == 6_250_000


DOWN = {"issued": F(4_000_000), "consideration": F(5_000_000)}


@pytest.mark.parametrize(
    ("outstanding", "price", "ratio"),
    [(12, F("2.1875"), F(8, 7)), (10, F(15, 7), F(7, 6)), (13, F(75, 34), F(17, 15))],
)
def test_weighted_averages(outstanding: int, price: F, ratio: F) -> None:
    """CP1 = 2.50, 4M new shares for 5M, with A by each protection (NVCA 4.4.4)."""
    found = weighted_average_price(F("2.5"), F(outstanding * 1_000_000), **DOWN)
    assert (found, conversion_ratio(F("2.5"), found)) == (price, ratio)


def test_a_ratchet_goes_all_the_way_and_needs_a_price() -> None:
    assert full_ratchet_price(F("2.5"), **DOWN) == F("1.25")
    with pytest.raises(InputError, match="full ratchet"):
        full_ratchet_price(F("2.5"), F(100), F(0))
    assert weighted_average_price(F("2.5"), F(12_000_000), F(4_000_000), F(0)) == F("1.875")


@given(
    price=st.fractions(F(1, 100), 100), outstanding=st.integers(1, 10**9),
    issued=st.integers(1, 10**9), paid=st.integers(1, 10**9),
)  # fmt: skip
def test_protection_orders(price: F, outstanding: int, issued: int, paid: int) -> None:
    """The new price is at most the old one; a narrower base lowers it, a ratchet the most."""
    issue = F(issued), F(paid)
    none, broad, narrow, ratchet = (
        adjusted_price(kind, price, F(count), *issue)
        for kind, count in (
            (Protection.NONE, outstanding),
            (Protection.BROAD_BASED, 2 * outstanding),
            (Protection.NARROW_BASED, outstanding),
            (Protection.FULL_RATCHET, outstanding),
        )
    )
    assert none == price >= broad >= narrow >= ratchet == min(price, F(paid, issued))


def test_pro_rata_as_the_guide_prints_it() -> None:
    found = pro_rata_on_top(F("0.25"), F("0.15"), F("0.15"), F("0.1"))
    assert [round(float(part), 4) for part in (found.allocation, found.dilution)] == [
        0.0441,
        0.3941,
    ]
    assert round(float(found.safes_after), 4) == 0.0909
    assert pro_rata_budget(F("0.25"), F("0.28")) == F(3, 28)


def test_nobody_sells_the_whole_company() -> None:
    assert sold_by_all([F(1), F(2)], [F(10), F(10)]) == F(3, 10)
    with pytest.raises(InputError, match=r"100\.0%"):
        sold_by_all([F(5), F(5)], [F(10), F(10)])


@pytest.mark.parametrize(
    ("months", "vested"),
    [(-1, 0), (11, 0), (12, 1_200_000), (13, 1_300_000), (47, 4_700_000), (60, 4_800_000)],
)
def test_cliff_and_months(months: int, vested: int) -> None:
    assert vested_shares(F(4_800_000), 48, 12, months) == vested


@given(
    shares=st.fractions(1, 10**7, max_denominator=100), total=st.integers(1, 20),
    cliff=st.integers(0, 20), every=st.sampled_from([1, 3, 12]),
)  # fmt: skip
def test_vesting_rises_from_nothing_to_all(shares: F, total: int, cliff: int, every: int) -> None:
    total, cliff = total * every, min(cliff, total) * every
    by_month = [vested_shares(shares, total, cliff, month, every) for month in range(total + 2)]
    assert by_month == sorted(by_month)
    assert by_month[-2:] == [shares, shares]
    assert by_month[:cliff] == [0] * cliff


@pytest.mark.parametrize(
    ("start", "end", "months"),
    [
        ("2025-01-31", "2025-02-27", 0), ("2025-01-31", "2025-02-28", 1),
        ("2025-01-31", "2025-03-30", 1), ("2025-01-31", "2025-03-31", 2),
        ("2025-06-15", "2026-06-14", 11), ("2025-06-15", "2025-06-01", -1),
    ],
)  # fmt: skip
def test_months_of_the_calendar(start: str, end: str, months: int) -> None:
    assert months_between(day(start), day(end)) == months


def test_acceleration() -> None:
    """After 24 of 48 months 600 of 1,200 are vested; the trigger vests half of the rest."""
    sold = day("2027-01-01")
    plan = {"start": "2025-01-01", "accelerated_share": "0.5"}
    single = Vesting.parse(plan | {"acceleration": Acceleration.SINGLE_TRIGGER})
    double = Vesting.parse(plan | {"acceleration": Acceleration.DOUBLE_TRIGGER})
    assert single.vested(F(1200), sold) == 600
    assert single.vested_at_exit(F(1200), sold) == 900
    assert double.vested_at_exit(F(1200), sold) == 600
    assert double.vested_at_exit(F(1200), sold, dismissed=True) == 900
    assert Vesting.parse(plan).vested_at_exit(F(1200), sold, dismissed=True) == 600


@pytest.mark.parametrize(
    ("change", "field"),
    [({"cliff_months": 60}, "cliff_months"), ({"every_months": 5}, "months"),
     ({"cliff_months": 7, "every_months": 3}, "cliff_months")],
)  # fmt: skip
def test_schedules_that_cannot_be(change: dict[str, int], field: str) -> None:
    with pytest.raises(InputError) as error:
        Vesting.parse({"start": "2025-01-01"} | change)
    assert error.value.field == field
