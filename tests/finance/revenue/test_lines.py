"""Check each kind of revenue line in the books against values computed by hand, to the cent."""

import numpy as np
import pytest

from engine.documents import InputError
from finance.company.company import Company
from finance.company.monthly_run import Books, run_company
from tests.finance.companies import SMALL, easy_rates, usage

GROWTH = {"kind": "growth", "customers_at_launch": "10", "growth_share_per_month": "0"}
NO_CHURN = {"kind": "constant", "churn_share_per_month": "0"}
SERVED = usage(2_000_000, 1_000_000)
"""Usage of a million tokens of each kind; at the easy rates they cost 0.10 + 0.01 + 0.25 USD."""


def run(line: dict[str, object], **changes: object) -> Books:
    document = SMALL | {"revenue_lines": [line]} | changes
    return run_company(Company.parse(document), easy_rates())


def usd(books: Books, statement: str, line: str, *months: int) -> list[float]:
    """Return a line of a statement in the given months, in USD."""
    cents = getattr(books.statements, statement)[line][0]
    return [float(cents[month - 1] / 100) for month in months]


def api(**changes: object) -> dict[str, object]:
    return {
        "kind": "api_tokens", "name": "API", "launch_month": 2, "adoption": GROWTH,
        "retention": NO_CHURN, "usage": SERVED, "price_per_million_input_tokens": "1",
        "price_per_million_cached_tokens": "0.2", "price_per_million_output_tokens": "4",
    } | changes  # fmt: skip


def test_tokens_are_priced_apart_and_paid_later() -> None:
    books = run(api(payment_days=45))
    assert usd(books, "income", "recurring_revenue", 1, 2, 3) == [0, 52, 52]  # 10 × (1+0.2+4)
    assert usd(books, "income", "paid_inference", 2) == [3.6]
    assert usd(books, "balance_sheet", "receivables", 2, 3, 4, 5) == [52, 78, 78, 78]
    assert usd(books, "operating_cash", "recurring_revenue", 3, 4) == [26, 52]
    assert books.serving_hours[0, 1] == pytest.approx(10 * (0.05 + 0.005 + 0.125))
    assert books.served_million_tokens[0, 1] == pytest.approx(30)


def test_prices_fall_by_a_curve_to_a_floor() -> None:
    prices = {"kind": "steady", "change_share_per_year": "-0.5", "floor_share": "0.6"}
    books = run(api(prices=prices), horizon_months=26)
    # The factor is √½ half a year after the launch, and the floor after a year.
    assert usd(books, "income", "revenue", 2, 8, 14) == [52, round(52 * 0.5**0.5, 2), 31.2]
    steps = {"kind": "steps", "steps": [{"month": 9, "factor": "0.25"},
                                        {"month": 5, "factor": "0.5"}]}  # fmt: skip
    assert usd(run(api(prices=steps)), "income", "revenue", 4, 5, 8, 9) == [52, 26, 26, 13]


def test_use_grows() -> None:
    books = run(api(usage=SERVED | {"change_share_per_year": "1"}), horizon_months=14)
    assert usd(books, "income", "revenue", 2, 14) == [52, 104]


def test_other_currencies_are_converted_at_their_rate() -> None:
    books = run(api(currency="EUR"), exchange_rates={"EUR": "1.10"})
    assert usd(books, "income", "revenue", 2) == [57.2]
    assert usd(books, "income", "paid_inference", 2) == [3.6]  # compute is priced in USD


SUBSCRIPTION = {
    "kind": "subscription", "name": "Chat", "launch_month": 1,
    "adoption": GROWTH | {"customers_at_launch": "1000"},
    "free_usage": usage(0, 100_000), "conversion_share_per_month": "0.1",
    "retention": NO_CHURN,
    "plans": [
        {"name": "Month", "share": "0.6", "price_per_month": "10"},
        {"name": "Year", "share": "0.4", "price_per_month": "20", "yearly_share": "1",
         "yearly_discount_share": "0.25", "usage": usage(0, 1_000_000)},
    ],
}  # fmt: skip


def test_free_users_convert_and_some_pay_a_year_in_advance() -> None:
    """100 of 1,000 free users convert in month 2: 60 pay 10 a month, and 40 pay 180 for a year."""
    books = run(SUBSCRIPTION)
    (sold,) = books.sales.values()
    assert sold.free_users is not None
    assert sold.free_users[0, :3].tolist() == pytest.approx([1000, 900, 810])
    assert usd(books, "income", "revenue", 1, 2) == [0, 600 + 40 * 15]
    assert usd(books, "operating_cash", "recurring_revenue", 2) == [600 + 40 * 180]
    assert usd(books, "balance_sheet", "deferred_revenue", 2) == [40 * 180 * 11 / 12]
    # In month 3, 90 more users convert.
    assert usd(books, "income", "revenue", 3) == [114 * 10 + 76 * 15]
    assert usd(books, "income", "free_inference", 1) == [1000 * 0.1 * 0.25]
    assert usd(books, "income", "paid_inference", 2) == [40 * 0.25]
    assert books.paying_customers[0, 1] == pytest.approx(100)


def test_yearly_subscribers_leave_at_the_end_of_a_year_only() -> None:
    line = SUBSCRIPTION | {
        "conversion_share_per_month": "1",
        "retention": {"kind": "constant", "churn_share_per_month": "0.1"},
        "plans": [SUBSCRIPTION["plans"][1] | {"share": "1"}],
    }
    books = run(line, horizon_months=26)  # all convert in month 2
    assert books.paying_customers[0, [1, 12, 13]] == pytest.approx([1000, 1000, 1000 * 0.9**12])
    assert usd(books, "operating_cash", "recurring_revenue", 2, 3, 13) == [180_000, 0, 0]
    assert usd(books, "operating_cash", "recurring_revenue", 14) == [round(180_000 * 0.9**12, 2)]


def test_plans_must_be_shared_out_whole() -> None:
    half = SUBSCRIPTION | {"plans": SUBSCRIPTION["plans"][:1]}
    with pytest.raises(InputError, match=r"plans: shares of 0\.6 in all is not allowed"):
        run(half)
    with pytest.raises(InputError, match=r"conversion_share_per_month: 0\.5 .* at most 0\.4"):
        run(SUBSCRIPTION | {"free_churn_share_per_month": "0.6",
                            "conversion_share_per_month": "0.5"})  # fmt: skip


def test_enterprise_contracts_by_hand() -> None:
    """10 contracts of 1,200 start in month 1, invoiced quarterly and paid after 30 days."""
    line = {
        "kind": "enterprise", "name": "Firms", "launch_month": 1, "adoption": GROWTH,
        "price_per_year": "1200", "renewal_share": "0.8", "uplift_share_at_renewal": "0.5",
        "months_invoiced": 3, "usage": SERVED,
    }  # fmt: skip
    books = run(line, horizon_months=14)
    assert usd(books, "income", "revenue", 1, 12, 13) == [1000, 1000, 8 * 100 * 1.5]
    assert usd(books, "balance_sheet", "deferred_revenue", 1, 2, 3) == [2000, 1000, 0]
    assert usd(books, "balance_sheet", "receivables", 1, 2, 4) == [3000, 0, 3000]
    assert usd(books, "income", "paid_inference", 12, 13) == [3.6, 2.88]


def test_a_licence_is_earned_at_once_and_support_over_its_year() -> None:
    line = {
        "kind": "on_premise", "name": "On site", "launch_month": 1, "adoption": GROWTH,
        "licence_price": "6000", "support_share_per_year": "0.2", "renewal_share": "1",
        "delivery_cost": "500", "payment_days": 0,
    }  # fmt: skip
    books = run(line)
    assert usd(books, "income", "other_revenue", 1, 2) == [60_000, 0]
    assert usd(books, "income", "recurring_revenue", 1, 12) == [1000, 1000]
    assert usd(books, "income", "delivery", 1, 2) == [5000, 0]
    assert usd(books, "operating_cash", "recurring_revenue", 1) == [12_000]


def test_hosted_models_cost_their_stated_price() -> None:
    line = api(kind="hosted_open_weights", cost_per_million_tokens="0.5")
    books = run(line, compute={"serving_speed_change_share_per_year": "1"}, horizon_months=14)
    assert usd(books, "income", "revenue", 2) == [52]
    # 30 million tokens are served; the speed doubles a year after month 1.
    assert usd(books, "income", "paid_inference", 2, 13) == [round(15 / 2 ** (1 / 12), 2), 7.5]
    assert not books.serving_hours.any()


def test_services_deals_and_grants_by_hand() -> None:
    services = {
        "kind": "services",
        "name": "Tuning",
        "launch_month": 3,
        "days_per_month": "4",
        "price_per_day": "1000",
        "delivery_cost_share": "0.25",
        "payment_days": 60,
    }
    books = run(services)
    assert usd(books, "income", "other_revenue", 2, 3) == [0, 4000]
    assert usd(books, "income", "delivery", 3) == [1000]
    assert usd(books, "operating_cash", "other_revenue", 4, 5) == [0, 4000]

    deals = {
        "kind": "data_deals",
        "name": "Corpus",
        "delivery_cost_share": "0.1",
        "deals": [{"month": 2, "months": 3, "amount": "100"}],
    }
    books = run(deals)
    assert usd(books, "income", "other_revenue", 2, 3, 4, 5) == [33.33, 33.33, 33.34, 0]
    assert usd(books, "balance_sheet", "deferred_revenue", 2, 3, 4) == [66.67, 33.34, 0]
    assert usd(books, "income", "delivery", 2) == [3.33]

    grant = {
        "kind": "grants",
        "name": "State",
        "deals": [{"month": 2, "months": 3, "amount": "90"}],
    }
    for paid, cash, owed in (
        ("at_start", [0, 90, 0, 0], [0, 60, 30, 0]),
        ("monthly", [0, 30, 30, 30], [0, 0, 0, 0]),
        ("at_end", [0, 0, 0, 90], [0, -30, -60, 0]),
    ):
        books = run(grant | {"paid": paid})
        assert usd(books, "income", "grant_income", 1, 2, 3, 4) == [0, 30, 30, 30]
        assert usd(books, "income", "revenue", 2) == [0]
        assert usd(books, "operating_cash", "grant_income", 1, 2, 3, 4) == cash
        sheet = books.statements.balance_sheet
        due = sheet["deferred_grants"] - sheet["grants_receivable"]
        assert (due[0, :4] / 100).tolist() == owed  # fmt: skip


def test_a_line_that_starts_beyond_the_horizon_sells_nothing() -> None:
    books = run(api(launch_month=40))
    assert not np.any(books.statements.income["revenue"])
