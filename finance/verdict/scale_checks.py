"""Checks of a training run's size: its batch, and the number of its devices."""

from __future__ import annotations

from collections.abc import Iterator

from engine.documents import InputError
from engine.facts import loss_coefficients
from engine.forecast import Forecast, modelled_goodput
from engine.plan import Plan
from engine.scaling.expected import expected_loss
from engine.scaling.kaplan import critical_batch_tokens, tokens_ratio_of_batch
from engine.units import HOURS_PER_YEAR
from finance.verdict.findings import Check, CheckName, Status
from finance.verdict.mends import Changes, Mend
from finance.verdict.rules import rule

MOST_GOODPUT_SURPLUS = 0.02
"""Share by which a stated goodput may exceed the highest modelled one."""


def batch_check(plan: Plan, predicted: Forecast) -> Check:
    """Compare the global batch with the critical batch size at the expected loss."""
    loss = predicted.loss_nats_per_token.value
    batch, critical = plan.tokens_per_step, float(critical_batch_tokens(loss))
    ratio = float(tokens_ratio_of_batch(batch, critical))
    params: dict[str, object] = {"batch_tokens": batch, "critical_tokens": critical}
    names = ("critical_batch_times",)
    if batch <= float(rule("critical_batch_times").value) * critical:
        return Check(CheckName.BATCH, Status.OK, "ok", params, names)
    worth = max(1, round(plan.tokens / ratio))
    row = loss_coefficients()[plan.law]
    parameters = plan.shape.count_parameters().total
    reached = expected_loss(row, parameters, worth, plan.shape.vocab).value
    params |= {
        "times": batch / critical,
        "worth_tokens": worth,
        "expected_nats": loss,
        "reached_nats": max(reached, loss),
    }
    mend = Mend("cluster", "critical_batch", lambda: batch_below(plan, critical))
    return Check(CheckName.BATCH, Status.CAUTION, "caution", params, names, mend)


def batch_below(plan: Plan, most_tokens: float) -> Changes:
    """Return the changes that bring the global batch to ``most_tokens`` or less.

    Fewer micro batches are accumulated first; then fewer devices train. Empty if even the smallest
    data-parallel group has a larger batch.
    """
    layout, n_devices = plan.layout, plan.cluster.n_devices
    per_replica = layout.micro_batch_sequences * plan.shape.seq_len_tokens
    replicas = layout.data_parallel(n_devices)
    devices_each = n_devices // replicas
    most_replicas = int(most_tokens // per_replica)
    if most_replicas < 1:
        return {}
    if replicas <= most_replicas:
        steps = max(1, most_replicas // replicas)
        return {"plan.layout.grad_accumulation_steps": steps}
    kept = 1 << (most_replicas.bit_length() - 1)
    changes: Changes = {
        "plan.layout.grad_accumulation_steps": 1,
        "plan.cluster.n_devices": kept * devices_each,
    }
    if layout.shard_group > kept * devices_each:
        changes["plan.layout.shard_group"] = 0
    return changes


def size_checks(plan: Plan, predicted: Forecast) -> Iterator[Check]:
    """Compare the number of devices with measured runs, and the stated goodput with failures."""
    n_devices, measured = plan.cluster.n_devices, int(rule("measured_devices").value)
    failures_per_hour = n_devices * plan.reliability.failures_per_device_year / HOURS_PER_YEAR
    params: dict[str, object] = {"devices": n_devices, "measured_devices": measured}
    names = ("measured_devices",)
    if failures_per_hour:
        params["failure_hours"] = 1 / failures_per_hour
    try:
        modelled = modelled_goodput(plan, predicted.step_time_s.value)
    except InputError:
        yield Check(CheckName.SIZE, Status.FAILS, "never_ends", params, mend=Mend("cluster"))
        return
    stated = plan.cluster.availability_share
    params |= {"modelled_share": modelled.value, "stated_share": stated or modelled.value}
    if stated is not None and stated > modelled.high + MOST_GOODPUT_SURPLUS:
        mend = Mend(
            "cluster", "modelled_goodput", lambda: {"plan.cluster.availability_share": None}
        )
        yield Check(CheckName.SIZE, Status.CAUTION, "goodput", params, mend=mend)
    elif n_devices > measured:
        yield Check(CheckName.SIZE, Status.CAUTION, "beyond", params, names)
