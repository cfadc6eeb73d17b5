"""Each check has a plan that passes and one that does not, and a mend makes it pass."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest

from engine.calibration.calibration import Calibration
from finance.company.scenario import Scenario
from finance.metrics.projection import project_scenario, with_calibration
from finance.start.build import empty_scenario
from finance.verdict.checks import checks
from finance.verdict.findings import Check, CheckName, Status
from finance.verdict.rules import rules
from finance.verdict.verdict import Answer, verdict
from tests.finance.companies import EVERYTHING


def found(scenario: Scenario) -> dict[CheckName, Check]:
    return {check.name: check for check in checks(project_scenario(scenario))}


def mended(scenario: Scenario, check: Check) -> Scenario:
    assert check.mend is not None
    assert check.mend.changes is not None
    return scenario.with_values(check.mend.changes())


def calibration(**changes: Any) -> Calibration:
    ratio = {"value": 1.2, "low": 1.1, "high": 1.3}
    table: dict[str, Any] = {
        "run_ids": ["a", "b"],
        "measured_on": "2026-11-30",
        "accelerator": "H100-80GB",
        "device": "test",
        "parameters": 10**9,
        "tokens": 10**9,
        "step_time": ratio,
        "memory": ratio,
        "loss": ratio,
    }
    return Calibration.parse(table | changes)


def test_memory(startup: Scenario) -> None:
    assert found(startup)[CheckName.FITS].status is Status.OK
    large = startup.with_value("plan.layout.micro_batch_sequences", 64)
    check = found(large)[CheckName.FITS]
    assert check.status is Status.FAILS
    assert float(str(check.params["needed_bytes"])) > 80e9
    assert found(mended(large, check))[CheckName.FITS].status is Status.OK


def test_memory_close_to_the_limit_is_a_caution(startup: Scenario) -> None:
    tight = startup.with_values(
        {"plan.layout.micro_batch_sequences": 5, "plan.shape.seq_len_tokens": 4608}
    )
    check = found(tight)[CheckName.FITS]
    assert float(str(check.params["needed_bytes"])) < 80e9 < float(str(check.params["high_bytes"]))
    assert check.status is Status.CAUTION


def test_a_model_that_fits_no_layout_has_no_one_click_mend(startup: Scenario) -> None:
    huge = startup.with_values(
        {"plan.cluster.n_devices": 1, "plan.shape.n_layers": 400, "plan.serving.weights": "int4"}
    )
    check = found(huge)[CheckName.FITS]
    assert check.mend is not None
    assert check.mend.changes is not None
    assert check.mend.changes() == {}


def test_cash_when_the_round_closes(laptop: Scenario) -> None:
    # The cash of this company lasts 11.49 months, and its round closes at the start of month 9.
    check = found(laptop)[CheckName.CASH_BEFORE_ROUND]
    assert check.status is Status.CAUTION
    assert float(str(check.params["left_months"])) == pytest.approx(11.4939 - 8, abs=1e-4)
    passing = mended(laptop, check)
    assert passing.company.equity_round is not None
    assert passing.company.equity_round.month == 6  # 11.49 − (6 − 1) = 6.49 months are left
    assert found(passing)[CheckName.CASH_BEFORE_ROUND].status is Status.OK
    late = laptop.with_value("company.equity_round.month", 14)
    assert found(late)[CheckName.CASH_BEFORE_ROUND].status is Status.FAILS


def test_a_late_round_of_a_cap_table_is_moved_before_the_cash_is_short(startup: Scenario) -> None:
    late = startup.with_values(
        {
            "company.capital.events.6.date": "2028-09-15",
            "company.capital.events.7.date": "2028-10-01",
        }
    )
    check = found(late)[CheckName.CASH_BEFORE_ROUND]
    assert check.status is Status.CAUTION
    moved = mended(late, check)
    assert found(moved)[CheckName.CASH_BEFORE_ROUND].status is Status.OK
    assert len(moved.company.capital_steps) == len(late.company.capital_steps)


def test_no_round_while_cash_runs_out(startup: Scenario) -> None:
    assert startup.company.capital is not None
    events = startup.model_dump(mode="json")["company"]["capital"]["events"]
    without = startup.with_value("company.capital.events", events[:6])
    check = found(without)[CheckName.CASH_BEFORE_ROUND]
    assert (check.status, check.case) == (Status.FAILS, "no_round")
    rich = without.with_value("company.cash_usd", "90000000")
    assert found(rich)[CheckName.CASH_AFTER_ROUND].case == "never_out"
    assert CheckName.CASH_BEFORE_ROUND not in found(rich)


def test_cash_after_the_last_round(laptop: Scenario) -> None:
    assert found(laptop)[CheckName.CASH_AFTER_ROUND].case == "to_horizon"
    small = laptop.with_value("company.equity_round.amount_usd", "3000")
    check = found(small)[CheckName.CASH_AFTER_ROUND]
    assert check.status is Status.FAILS
    projection = project_scenario(small)
    assert projection.runway_months_with_round is not None
    assert check.params["lasts_months"] == projection.runway_months_with_round - 8
    assert check.params["missing_usd"] == -projection.lowest_cash.cash_usd
    assert found(mended(small, check))[CheckName.CASH_AFTER_ROUND].status is Status.OK


def test_the_last_round_of_a_cap_table_is_made_large_enough(startup: Scenario) -> None:
    small = startup.with_values(
        {
            "company.capital.events.8.new_money": "200000",
            "company.capital.events.8.pro_rata": [],
            "company.horizon_months": 48,
            "company.people.4.people": 80,
        }
    )
    check = found(small)[CheckName.CASH_AFTER_ROUND]
    assert check.status is Status.FAILS
    assert found(mended(small, check))[CheckName.CASH_AFTER_ROUND].status is Status.OK


def test_margin(laptop: Scenario) -> None:
    assert found(laptop)[CheckName.MARGIN].status is Status.OK
    cheap = laptop.with_value("company.revenue.price_usd_per_customer_month", "0.05")
    assert found(cheap)[CheckName.MARGIN].status is Status.CAUTION
    loss = laptop.with_value("company.revenue.price_usd_per_customer_month", "0.02")
    check = found(loss)[CheckName.MARGIN]
    assert check.status is Status.FAILS
    assert float(str(check.params["margin_share"])) < 0


def test_a_plan_without_revenue(startup: Scenario) -> None:
    without = startup.with_value("company.revenue_lines", [])
    assert found(without)[CheckName.MARGIN].case == "no_revenue"
    assert verdict(checks(project_scenario(without))).answer is Answer.NOT_YET
    assert found(without)[CheckName.BURN].case == "no_growth"


def test_burn_multiple(startup: Scenario, laptop: Scenario) -> None:
    check = found(startup)[CheckName.BURN]
    assert check.status is Status.OK
    assert check.params["multiple"] == project_scenario(startup).burn_multiple
    assert found(laptop)[CheckName.BURN].status is Status.FAILS
    dearer = startup.with_value("company.people.1.people", 8)
    assert found(dearer)[CheckName.BURN].status in (Status.CAUTION, Status.FAILS)


def test_a_company_that_burns_nothing(laptop: Scenario) -> None:
    earning = laptop.with_value("company.revenue.price_usd_per_customer_month", "5")
    assert found(earning)[CheckName.BURN].case == "no_burn"


def test_share_sold(laptop: Scenario) -> None:
    assert found(laptop)[CheckName.DILUTION].status is Status.OK  # 150,000 of 1,500,000
    check = found(laptop.with_value("company.equity_round.pre_money_usd", "300000"))[
        CheckName.DILUTION
    ]
    assert check.status is Status.CAUTION
    assert check.params["sold_share"] == Decimal(1) / 3


def test_forecast(startup: Scenario) -> None:
    assert found(startup)[CheckName.FORECAST].case == "untested"
    calm = found(with_calibration(startup, calibration()))[CheckName.FORECAST]
    assert (calm.status, calm.case, calm.params["runs"]) == (Status.OK, "calibrated", 2)
    noisy = found(with_calibration(startup, calibration(noisy_load_share=0.4)))[CheckName.FORECAST]
    assert (noisy.status, noisy.case) == (Status.CAUTION, "noisy")
    other = found(with_calibration(startup, calibration(accelerator="A100-80GB")))
    assert other[CheckName.FORECAST].case == "untested"


def test_data_coverage(startup: Scenario, laptop: Scenario) -> None:
    assert found(startup)[CheckName.COVERAGE].case == "once"
    alone = startup.with_value("company.data.2.tokens", 0)  # without the open web text
    check = found(alone)[CheckName.COVERAGE]
    assert (check.status, check.params["epochs"]) == (Status.CAUTION, 150)  # 3T of 20B tokens
    assert found(laptop)[CheckName.COVERAGE].case == "none"
    for tokens, case in ((10**12, "repeated"), (3 * 10**12, "once")):
        bought = alone.with_value("company.data.0.tokens", tokens)
        assert found(bought)[CheckName.COVERAGE].case == case


def test_labels_are_no_tokens_to_train_on(startup: Scenario) -> None:
    alone = startup.with_value("company.data.2.tokens", 0)
    labelled = alone.with_value("company.data.1.tokens", 10**13)
    assert found(labelled)[CheckName.COVERAGE].params["listed_tokens"] == 20_000_000_000


def test_serving_capacity(startup: Scenario) -> None:
    assert found(startup)[CheckName.CAPACITY].status is Status.OK
    small = startup.with_values({"plan.cluster.n_devices": 8, "company.training_events": []})
    check = found(small)[CheckName.CAPACITY]
    assert check.status is Status.CAUTION
    assert check.params["month"] == 60
    contract = {
        "kind": "reserved", "name": "All", "first_month": 1, "months": 60, "devices": 200,
        "price_usd_per_device_hour": "2",
    }  # fmt: skip
    covered = small.with_value("company.compute.contracts", [contract])
    assert found(covered)[CheckName.CAPACITY].status is Status.OK


def test_money_dated_before_the_plan(startup: Scenario) -> None:
    assert CheckName.EARLY_EVENTS not in found(startup)
    early = startup.with_value("company.capital.events.5.planned", True)
    check = found(early)[CheckName.EARLY_EVENTS]
    assert (check.status, check.params["n"]) == (Status.CAUTION, 1)
    inside = mended(early, check)
    assert CheckName.EARLY_EVENTS not in found(inside)
    received = (
        project_scenario(inside).months[0].cash_usd - project_scenario(early).months[0].cash_usd
    )
    assert received == 1_800_000


def test_runs_that_differ_from_the_plan(startup: Scenario) -> None:
    check = found(startup)[CheckName.RUN_DIFFERS]
    assert check.params["names"] == ["Harbor 3B"]
    assert "plan.tokens" in check.params["paths"]  # type: ignore[operator]
    assert CheckName.RUN_DIFFERS not in found(mended(startup, check))


def test_covenants(startup: Scenario) -> None:
    assert CheckName.COVENANTS not in found(startup)
    strict = startup.with_value("company.loans.0.covenants.minimum_cash_usd", "90000000")
    check = found(strict)[CheckName.COVENANTS]
    assert (check.status, check.params["covenant"]) == (Status.FAILS, "minimum_cash_usd")


def test_the_verdict_follows_from_the_checks(startup: Scenario, laptop: Scenario) -> None:
    of_startup = verdict(checks(project_scenario(startup)))
    assert of_startup.answer is Answer.FUNDABLE
    reasons, passed = (
        {check.name for check in found} for found in (of_startup.reasons, of_startup.passed)
    )
    assert reasons == passed
    assert of_startup.reasons[0].name is CheckName.CASH_AFTER_ROUND
    of_laptop = verdict(checks(project_scenario(laptop)))
    assert of_laptop.answer is Answer.NOT_YET
    assert [check.name for check in of_laptop.reasons] == [CheckName.BURN]
    loss = laptop.with_value("company.revenue.price_usd_per_customer_month", "0.02")
    assert verdict(checks(project_scenario(loss))).answer is Answer.NO


def test_checks_of_every_kind_of_company(laptop: Scenario) -> None:
    everything = Scenario.parse(laptop.model_dump(mode="json") | {"company": EVERYTHING})
    names = [check.name for check in checks(project_scenario(everything))]
    assert names == sorted(names, key=list(CheckName).index)
    assert {name for check in checks(project_scenario(everything)) for name in check.rules} <= set(
        rules()
    )


def test_an_empty_scenario_is_not_fundable() -> None:
    empty = empty_scenario("Empty", datetime.date(2027, 1, 1))
    judged = verdict(checks(project_scenario(empty)))
    assert judged.answer is Answer.NOT_YET
    assert [(check.name, check.case) for check in judged.failed] == [
        (CheckName.MARGIN, "no_revenue")
    ]
