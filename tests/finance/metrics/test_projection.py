"""Test the projection of scenarios and the next action that follows from it."""

import json
import subprocess
import sys

import pytest

from engine.documents import InputError
from engine.paths import PROJECT_DIR
from engine.text import catalog
from finance.company.scenario import SAMPLES_DIR, Scenario
from finance.metrics.cash_report import effect_rows
from finance.metrics.projection import (
    calibration_effect,
    project_scenario,
    with_calibration,
)
from tests.engine.test_forecast import calibration_for


@pytest.fixture
def calibrated(laptop: Scenario) -> Scenario:
    return with_calibration(laptop, calibration_for(laptop.plan))


def test_dearer_compute_shortens_the_runway(laptop: Scenario) -> None:
    projection = project_scenario(laptop)
    assert projection.runway_months is not None
    assert projection.runway_months_at_high_cost < projection.runway_months
    assert projection.runway_months < projection.runway_months_at_low_cost


def test_a_calibration_moves_the_runway(laptop: Scenario) -> None:
    effect = calibration_effect(laptop, calibration_for(laptop.plan, step=1.25))
    assert effect.speed_counts
    before, after = effect.before, effect.after
    assert after.runway_months < before.runway_months
    # Training costs 25% more, for 120,000 runs a month and 10% for experiments.
    added = after.months[0].training_usd - before.months[0].training_usd
    expected = 0.25 * before.forecast.cost_usd.value * 120_000 * 1.1
    assert float(added) == pytest.approx(expected, abs=0.01)
    rows = {row[0]: row for row in effect_rows(catalog("en"), effect)[1]}
    assert rows["Cost of one run"][3] == "+25.0%"
    assert rows["Runway"][3].startswith("-")


def test_a_calibration_of_another_device_moves_no_money(startup: Scenario) -> None:
    foreign = calibration_for(startup.plan, accelerator="CPU-core")
    effect = calibration_effect(startup, foreign)
    assert not effect.speed_counts
    assert effect.after.months == effect.before.months


@pytest.mark.slow
def test_the_command_line_prints_the_chain(tmp_path) -> None:
    def finance(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "finance", "run", *arguments], cwd=PROJECT_DIR,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    sample = str(SAMPLES_DIR / "startup-1b.toml")
    out = tmp_path / "months.csv"
    printed = finance(sample, "--csv", str(out))
    assert printed.returncode == 0, printed.stderr
    assert "Runway" in printed.stdout
    assert len(out.read_text("utf-8").splitlines()) == 61
    report = json.loads(finance(sample, "--json").stdout)
    assert len(report["months"]) == 60
    assert float(report["runway_months"]) > 12
    for arguments in ((sample, "--calibrated-by", "last"), ("/nowhere.toml",)):
        wrong = finance(*arguments)
        assert wrong.returncode == 2
        assert len(wrong.stderr.strip().splitlines()) == 1


def test_the_burn_multiple_states_its_months(laptop: Scenario) -> None:
    assert project_scenario(laptop).burn_multiple_months == 12
    late = laptop.with_value("company.revenue.launch_month", 30)
    assert project_scenario(late).burn_multiple_months == 6
    earning = laptop.with_value("company.revenue.price_usd_per_customer_month", "50")
    assert project_scenario(earning).burn_multiple is None


def test_what_no_company_comes_to_is_refused_in_one_line(laptop: Scenario) -> None:
    extreme = laptop.with_values(
        {
            "company.revenue.customers_at_launch": 10**9,
            "company.revenue.growth_share_per_month": "1",
            "company.revenue.churn_share_per_month": "0",
            "company.revenue.price_usd_per_customer_month": str(10**13),
            "company.revenue.tokens_per_customer_month": 10**15,
        }
    )
    with pytest.raises(InputError) as refused:
        project_scenario(extreme)
    assert refused.value.field == "company.revenue"
    assert str(refused.value).endswith("at most 10000000000000 USD in a month")
