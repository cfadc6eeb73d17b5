"""Check each compute contract in the books against values computed by hand, to the cent."""

import numpy as np
import pytest

from engine.documents import InputError
from engine.units import HOURS_PER_MONTH
from finance.company.company import Company
from finance.company.monthly_run import Books, run_company
from finance.metrics.covenants import check_covenants
from tests.finance.companies import SMALL, easy_rates
from tests.finance.revenue.test_lines import usd

FULL = round(HOURS_PER_MONTH / 0.125)
"""Number of customers that fully use one device.

Each customer generates a million output tokens a month, which take 0.125 device-hours and cost 0.25
USD on demand."""


def serving(customers: int, *contracts: dict[str, object], **changes: object) -> Books:
    """Run a company whose customers pay nothing, so that only compute costs remain."""
    return run(
        contracts,
        revenue={
            "launch_month": 1, "customers_at_launch": customers, "growth_share_per_month": "0",
            "churn_share_per_month": "0", "price_usd_per_customer_month": "0",
            "tokens_per_customer_month": 1_000_000,
        },
        **changes,
    )  # fmt: skip


def run(contracts: object, **changes: object) -> Books:
    document = SMALL | changes | {
        "compute": changes.get("compute", {}) | {"contracts": list(contracts)},
    }  # fmt: skip
    events = len(document.get("training_events", []))
    return run_company(Company.parse(document), easy_rates(events=events))


def contract(kind: str, **changes: object) -> dict[str, object]:
    return {"kind": kind, "name": kind, "first_month": 1} | changes


def test_without_contracts_everything_is_on_demand() -> None:
    books = serving(1000, compute={"payment_days": 30})
    assert usd(books, "income", "paid_inference", 1, 2) == [250, 250]
    assert usd(books, "balance_sheet", "payables", 1, 2) == [250, 250]


def test_prices_fall_and_devices_get_faster() -> None:
    terms = {"on_demand_change_share_per_year": "-0.2", "serving_speed_change_share_per_year": "1"}
    books = serving(1000, compute=terms, horizon_months=24)
    assert usd(books, "income", "paid_inference", 1, 13) == [250, 250 * 0.8 / 2]


def test_another_offer_serves_up_to_its_devices() -> None:
    """One and a half devices are needed; one is offered at 1 USD per hour instead of 2."""
    books = serving(FULL * 3 // 2, contract(
        "on_demand", devices=1, price_usd_per_device_hour="1", last_month=2))  # fmt: skip
    first, second, third = usd(books, "income", "paid_inference", 1, 2, 3)
    assert first == second == pytest.approx(730.50 + 730.50, abs=0.01)
    assert third == pytest.approx(3 * 730.50, abs=0.01)
    assert books.supply.on_demand_hours["paid_inference"][0, 0] == pytest.approx(730.5 / 2)


def test_spot_does_work_again_and_serves_training_only() -> None:
    event = {"name": "x", "month": 2, "runs": 20, "research_share": "0.5"}
    spot = contract("spot", devices=1, price_usd_per_device_hour="1", interruption_share="0.2")
    books = serving(100, spot, training_events=[event])
    assert usd(books, "income", "paid_inference", 2) == [25]  # on demand
    assert usd(books, "income", "training", 2) == [20 * 5 * 1.2]
    assert usd(books, "income", "research_compute", 2) == [10 * 5 * 1.2]


def test_reserved_devices_are_paid_whether_used_or_not() -> None:
    """One device costs 1 USD per hour for a year, half prepaid; a quarter of its hours is used."""
    term = contract("reserved", devices=1, months=12, price_usd_per_device_hour="1",
                    prepaid_share="0.5")  # fmt: skip
    books = serving(FULL // 4, term, horizon_months=14)
    assert usd(books, "balance_sheet", "prepaid_compute", 1, 12) == [6 * 730.5 * 11 / 12, 0]
    used, idle = (usd(books, "income", name, 1, 13) for name in ("paid_inference", "idle_compute"))
    assert used[0] == pytest.approx(730.5 / 4, abs=0.01)
    assert used[0] + idle[0] == 730.5
    assert used[1] == pytest.approx(730.5 / 2, abs=0.01)  # on demand again
    assert idle[1] == 0
    assert usd(books, "cash_flow", "operating_cash", 1, 2) == [-7 * 730.5 + 365.25, -365.25]


def test_a_lease_is_an_asset_and_a_debt() -> None:
    """Payments of 100 a month for two years at 12% have a present value of 2,124.34."""
    lease = contract("lease", devices=2, months=24, usd_per_device_month="50.00",
                     interest_share_per_year="0.12", deposit_usd="80.00",
                     running_usd_per_device_month="5.00")  # fmt: skip
    books = serving(0, lease, horizon_months=36)
    assert usd(books, "balance_sheet", "right_of_use", 1, 24) == [2035.83, 0]  # − 88.51
    assert usd(books, "income", "interest", 1) == [21.24]
    assert books.statements.income["interest"].sum() == 24 * 100_00 - 2124_34
    assert usd(books, "balance_sheet", "lease_liability", 1, 24, 25) == [
        2045.58,
        0,
        0,
    ]  # + 21.24 − 100
    assert usd(books, "income", "idle_compute", 1, 25) == [88.51 + 10, 0]
    assert usd(books, "balance_sheet", "deposits", 1, 24, 25) == [80, 80, 0]
    flow = books.statements.cash_flow
    paid = -(flow["operating_cash"] + flow["leases_repaid"])[0, :24]
    assert paid.tolist() == [110_00] * 24


def test_hardware_wears_off_and_is_sold() -> None:
    own = contract("purchase", devices=2, usd_per_device="1200.00", lifetime_months=20,
                   residual_share="0.25", running_usd_per_device_month="10.00",
                   electricity_usd_per_device_hour="0.1")  # fmt: skip
    books = serving(FULL, own, horizon_months=24, cash_usd="9000.00")
    assert usd(books, "cash_flow", "equipment_bought", 1, 2) == [-2400, 0]
    assert usd(books, "balance_sheet", "accumulated_depreciation", 1, 20, 21) == [-90, -1800, 0]
    assert usd(books, "balance_sheet", "equipment", 20, 21) == [2400, 0]
    assert usd(books, "cash_flow", "equipment_sold", 20, 21) == [0, 600]
    # Half of the hours of the two devices is used: half of 90 + 20, plus electricity.
    assert usd(books, "income", "paid_inference", 1) == [55 + 73.05]
    assert usd(books, "income", "idle_compute", 1) == [55]
    assert usd(books, "income", "paid_inference", 21) == [1461]  # on demand again
    assert usd(books, "balance_sheet", "cash", 1) == [9000 - 2400 - 20 - 73.05]


def test_gpu_backed_debt_is_hardware_with_a_loan() -> None:
    borrowed = contract("gpu_backed_debt", devices=1, usd_per_device="1000.00",
                        lifetime_months=10, loan_share="0.8", interest_share_per_year="0.12",
                        loan_months=4, covenants={"maximum_loan_to_value": "0.7",
                                                  "minimum_cash_usd": "1100.00"})  # fmt: skip
    books = serving(0, borrowed, cash_usd="1200.00")
    # 800 at 1% in four payments of 205.02.
    assert usd(books, "balance_sheet", "debt", 1, 2, 5) == [800, 800 + 8 - 205.02, 0]
    assert usd(books, "cash_flow", "debt_repaid", 2) == [-197.02]
    cash, value = check_covenants(books)
    assert (cash.covenant, value.covenant) == ("minimum_cash_usd", "maximum_loan_to_value")
    # Cash is 1,000, then 1,294.98 with the round, then 205.02 less each month. The debt is 800 on
    # equipment of 900, then 602.98 on 800 and 403.99 on 700.
    assert (np.flatnonzero(cash.broken[0]) + 1).tolist() == [1, 3, 4]
    assert (np.flatnonzero(value.broken[0]) + 1).tolist() == [1, 2]


def test_credits_pay_until_they_expire() -> None:
    """Compute costs 250 a month; credits of 700 are valid in months 2 and 3."""
    credits = contract("credits", first_month=2, amount_usd="700.00", last_month=3)
    books = serving(1000, credits)
    assert usd(books, "income", "paid_inference", 1, 2, 3, 4) == [250] * 4  # at the full price
    assert usd(books, "income", "credits_used", 1, 2, 3, 4) == [0, 250, 250, 0]
    assert usd(books, "balance_sheet", "compute_credits", 2, 3, 4) == [450, 200, 0]
    assert usd(books, "cash_flow", "operating_cash", 1, 2, 4) == [-250, 0, -250]


def test_compute_for_shares_is_used_up_and_what_is_left_is_lost() -> None:
    given = contract("compute_for_equity", amount_usd="700.00", pre_money_usd="6300.00",
                     last_month=2)  # fmt: skip
    books = serving(1000, given)
    assert usd(books, "balance_sheet", "paid_in", 1) == [1700]
    assert usd(books, "balance_sheet", "prepaid_compute", 1, 2, 3) == [450, 200, 0]
    assert usd(books, "income", "expired_compute", 2, 3) == [0, 200]
    assert usd(books, "cash_flow", "operating_cash", 1, 3) == [0, -250]
    assert usd(books, "cash_flow", "shares_sold", 1) == [0]  # no cash was paid in


def test_contracts_serve_in_their_order_and_what_they_are_for() -> None:
    event = {"name": "x", "month": 1, "runs": 1000, "research_share": "0"}  # 5,000 hours
    first = contract("reserved", devices=2, months=1, price_usd_per_device_hour="1",
                     serves=["training", "paid_inference"])  # fmt: skip
    second = contract("reserved", devices=1, months=1, price_usd_per_device_hour="1.5",
                      serves=["paid_inference"])  # fmt: skip
    books = serving(FULL // 2, first, second, training_events=[event])
    a, b = books.supply.served
    assert a.hours["training"][0, 0] == pytest.approx(1461)
    assert a.hours["paid_inference"][0, 0] == 0  # training uses all hours
    assert b.hours["paid_inference"][0, 0] == pytest.approx(365.25, abs=0.1)
    assert usd(books, "income", "idle_compute", 1)[0] == pytest.approx(1.5 * 365.25, abs=0.1)
    needed = 5000 * 1.0
    assert usd(books, "income", "training", 1)[0] == pytest.approx(1461 + 2 * (needed - 1461))


def test_runs_on_other_devices_are_served_by_no_contract() -> None:
    rates = easy_rates(events=1)
    (event_rate,) = rates.events
    elsewhere = type(event_rate)(event_rate.usd, event_rate.device_hours, 1, False)
    document = SMALL | {
        "training_events": [{"name": "x", "month": 1, "research_share": "0"}],
        "compute": {"contracts": [contract("reserved", devices=1, months=12,
                                           price_usd_per_device_hour="1")]},
    }  # fmt: skip
    books = run_company(
        Company.parse(document), type(rates)(rates.run, (elsewhere,), *_serving(rates))
    )
    assert usd(books, "income", "training", 1) == [10]
    assert not np.any(books.supply.served[0].used_hours)


def _serving(rates: object) -> tuple[object, object]:
    return rates.serving_usd, rates.serving_hours  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (contract("credits", first_month=5, amount_usd="1.00", last_month=4),
         r"last_month: 4 .* at least 5"),
        (contract("reserved", devices=0, months=1, price_usd_per_device_hour="1"),
         r"devices: 0 .* at least 1"),
        (contract("barter"), "gpu_backed_debt"),
        (contract("spot", devices=1, price_usd_per_device_hour="-1"),
         r"price_usd_per_device_hour: -1 .* at least 0"),
    ],
)  # fmt: skip
def test_contracts_that_cannot_be_are_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        run([wrong])
