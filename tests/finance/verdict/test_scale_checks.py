"""The batch and the number of devices of a plan are compared with what has been measured."""

import csv
from decimal import Decimal

import pytest

from engine.paths import DATA_DIR
from engine.plan import Plan
from finance.company.scenario import Scenario
from finance.metrics.projection import project_scenario
from finance.verdict.checks import checks
from finance.verdict.findings import Check, CheckName, Status
from finance.verdict.rules import rule
from finance.verdict.scale_checks import batch_below


def check(scenario: Scenario, name: CheckName) -> list[Check]:
    return [found for found in checks(project_scenario(scenario)) if found.name is name]


def on_devices(scenario: Scenario, n_devices: int, **changes: object) -> Scenario:
    return scenario.with_values({"plan.cluster.n_devices": n_devices} | changes)


def test_the_samples_have_a_batch_that_is_small_enough(laptop: Scenario, startup: Scenario) -> None:
    for scenario in (laptop, startup):
        (found,) = check(scenario, CheckName.BATCH)
        assert found.status is Status.OK


def test_a_hundred_thousand_devices_waste_most_tokens(startup: Scenario) -> None:
    large = on_devices(startup, 100_000)
    (found,) = check(large, CheckName.BATCH)
    assert found.status is Status.CAUTION
    # By hand: 16 sequences of 4,096 tokens on each device, and 2.1e8 ÷ L^(1 ÷ 0.21).
    batch = 100_000 * 16 * 4_096
    loss = project_scenario(large).forecast.loss_nats_per_token.value
    critical = 2.1e8 / loss ** (1 / 0.21)
    assert found.params["batch_tokens"] == batch == 6_553_600_000
    assert found.params["critical_tokens"] == pytest.approx(critical)
    assert found.params["times"] == pytest.approx(batch / critical)
    worth = large.plan.tokens / (1 + batch / critical)
    assert found.params["worth_tokens"] == pytest.approx(worth, rel=1e-6)
    assert float(str(found.params["reached_nats"])) > 1.1 * loss


def test_the_mend_makes_the_batch_pass(startup: Scenario) -> None:
    large = on_devices(startup, 100_000)
    (found,) = check(large, CheckName.BATCH)
    assert found.mend is not None
    assert found.mend.changes is not None
    mended = large.with_values(found.mend.changes())
    (after,) = check(mended, CheckName.BATCH)
    assert after.status is Status.OK
    assert mended.plan.tokens_per_step <= float(str(found.params["critical_tokens"]))


def test_fewer_accumulated_micro_batches_come_first(startup: Scenario) -> None:
    plan: Plan = startup.plan
    changes = batch_below(plan, plan.tokens_per_step / 2)
    assert changes == {
        "plan.layout.grad_accumulation_steps": plan.layout.grad_accumulation_steps // 2
    }
    assert batch_below(plan, plan.shape.seq_len_tokens - 1) == {}


def test_a_stated_goodput_is_compared_with_failures(startup: Scenario) -> None:
    large = on_devices(startup, 100_000)
    (found,) = check(large, CheckName.SIZE)
    assert (found.status, found.case) == (Status.CAUTION, "goodput")
    # Llama 3: 419 interruptions in 54 days of 16,384 devices.
    assert found.params["failure_hours"] == pytest.approx(16_384 * 54 * 24 / 419 / 100_000)
    assert found.mend is not None
    assert found.mend.changes is not None
    (after,) = check(large.with_values(found.mend.changes()), CheckName.SIZE)
    assert (after.status, after.case) == (Status.CAUTION, "beyond")


def test_a_run_that_always_fails_says_so(startup: Scenario) -> None:
    changes = {"plan.reliability.failures_per_device_year": 10_000}
    (found,) = check(on_devices(startup, 100_000, **changes), CheckName.SIZE)
    assert (found.status, found.case) == (Status.FAILS, "never_ends")


def test_a_usual_cluster_has_no_finding(startup: Scenario) -> None:
    assert check(startup, CheckName.SIZE) == []


def test_the_largest_measured_run_is_that_of_the_table() -> None:
    with (DATA_DIR / "measured_throughput.csv").open(encoding="utf-8") as file:
        largest = max(int(row["n_gpus"]) for row in csv.DictReader(file) if row["n_gpus"])
    assert rule("measured_devices").value == Decimal(largest)
