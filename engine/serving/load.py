"""Batch size and replica for a workload, devices for a load, and comparisons of deployments."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from engine.documents import InputError
from engine.serving.inference import ServingPoint, TokenPrices, sweep, token_prices
from engine.serving.replica import Deployment, Request, replicas
from engine.units import SECONDS_PER_DAY

MOST_BATCH = 1_024
"""Most sequences that a scheduler runs at a time, unless a workload states a batch."""

Reason = Literal[
    "weights_do_not_fit",
    "cache_does_not_fit",
    "time_to_first_token",
    "inter_token_latency",
    "both_latencies",
]
"""Reason for the absence of an answer. A latency means that no batch is within its limit;
``both_latencies`` means that some are within either limit but none is within both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyLimits:
    """Largest mean latencies that users accept, in seconds; None for no limit."""

    time_to_first_token_s: float | None = None
    inter_token_latency_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """The requests to serve and the latencies that they allow."""

    request: Request
    limits: LatencyLimits = field(default_factory=LatencyLimits)
    batch: int | None = None
    """Sequences at a time; None for the number that serves cheapest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The cheapest batch within the limits, for each possible size of a replica."""

    points: tuple[ServingPoint, ...]
    """One operating point for each size of a replica, the cheapest first."""
    reason: Reason | None
    """Reason for having no operating point; None where there are some."""
    best_time_to_first_token_s: float | None
    """Shortest time to first token of any batch and size; None where nothing fits."""
    best_inter_token_latency_s: float | None
    """Shortest time between tokens of any batch and size; None where nothing fits."""

    @property
    def feasible(self) -> bool:
        """Whether any size of a replica serves within the limits."""
        return bool(self.points)

    @property
    def point(self) -> ServingPoint | None:
        """The cheapest operating point; None where there is none."""
        return self.points[0] if self.points else None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadAnswer:
    """The fewest devices that serve a load."""

    feasible: bool
    reason: Reason | None
    """Reason why the load cannot be served; None where it can."""
    point: ServingPoint | None
    """Operating point of each busy replica."""
    replicas: int
    devices: int
    """Devices of all replicas together."""
    choice: Choice
    """All possible sizes of a replica, and the best latencies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonRow:
    """One deployment beside the first; ratios are None where either cannot be served."""

    deployment: Deployment
    answer: LoadAnswer
    prices: TokenPrices | None
    """Cost of tokens at the answer's operating point; None where there is none."""
    cost_ratio: float | None
    """Cost of a request over that of the first deployment."""
    time_to_first_token_ratio: float | None
    inter_token_latency_ratio: float | None


def choose(deployment: Deployment, workload: Workload) -> Choice:
    """Choose the batch and the size of a replica that serve a workload cheapest.

    A batch that the workload states, and a size that the deployment states, are kept. With more
    sequences at a time each costs less and waits longer, so that the batch grows until memory or
    a limit ends it, or until the replica is bound by computing. Replicas extend beyond a node
    only where none inside a node holds the model.

    Raises
    ------
    InputError
        If the deployment's ``tensor_parallel`` does not divide the heads.
    """
    request, batch = workload.request, workload.batch
    first_limit_s = _or_infinite(workload.limits.time_to_first_token_s)
    between_limit_s = _or_infinite(workload.limits.inter_token_latency_s)
    possible = replicas(deployment)
    points: list[ServingPoint] = []
    first_s: list[float] = []
    between_s: list[float] = []
    for replica in possible:
        most = min(replica.most_sequences(request), batch or MOST_BATCH)
        if most < (batch or 1):
            continue
        if first_s and replica.tensor_parallel > deployment.device.domain_size:
            break
        swept = sweep(replica, request, np.arange(batch or 1, most + 1))
        first_s.append(float(swept.time_to_first_token_s.min()))
        between_s.append(float(swept.inter_token_latency_s.min()))
        allowed = swept.time_to_first_token_s <= first_limit_s
        allowed &= swept.inter_token_latency_s <= between_limit_s
        if allowed.any():
            cost_s = np.where(allowed, swept.request_s, np.inf)
            # Where computing bounds the replica, a larger batch is as cheap and waits longer.
            points.append(swept.point(int((cost_s <= cost_s.min() * (1 + 1e-9)).argmax())))
    best_first_s, best_between_s = min(first_s, default=None), min(between_s, default=None)
    reason: Reason | None = None
    if not points:
        if best_first_s is None or best_between_s is None:
            holds = any(replica.cache_room_bytes > 0 for replica in possible)
            reason = "cache_does_not_fit" if holds else "weights_do_not_fit"
        elif best_first_s > first_limit_s:
            reason = "time_to_first_token"
        elif best_between_s > between_limit_s:
            reason = "inter_token_latency"
        else:
            reason = "both_latencies"
    return Choice(
        points=tuple(
            sorted(points, key=lambda point: point.tensor_parallel / point.requests_per_s)
        ),
        reason=reason,
        best_time_to_first_token_s=best_first_s,
        best_inter_token_latency_s=best_between_s,
    )


def _or_infinite(limit_s: float | None) -> float:
    return math.inf if limit_s is None else limit_s


def requests_per_s(tokens_per_day: float, request: Request) -> float:
    """Return the requests per second that make ``tokens_per_day`` input and output tokens."""
    tokens = request.input_tokens + request.output_tokens
    return tokens_per_day / tokens / SECONDS_PER_DAY


def devices_for_load(
    deployment: Deployment,
    workload: Workload,
    load_requests_per_s: float,
    utilisation_share: float = 1.0,
) -> LoadAnswer:
    """Return the fewest devices that serve a load within the limits.

    Parameters
    ----------
    load_requests_per_s
        Mean rate of arriving requests; :func:`requests_per_s` converts tokens a day.
    utilisation_share
        Share of the devices' capacity that the load may take; the rest is for its peaks.

    Raises
    ------
    InputError
        If the load or the share is out of range, and as :func:`choose`.
    """
    if not 0 < utilisation_share <= 1:
        raise InputError("utilisation_share", utilisation_share, "between", low=0, high=1)
    if not 0 <= load_requests_per_s < math.inf:
        raise InputError("load_requests_per_s", load_requests_per_s, "greater_than_equal", limit=0)
    choice = choose(deployment, workload)

    def n_replicas(point: ServingPoint) -> int:
        return max(1, math.ceil(load_requests_per_s / (point.requests_per_s * utilisation_share)))

    def n_devices(point: ServingPoint) -> int:
        return n_replicas(point) * point.tensor_parallel

    point = min(choice.points, key=n_devices, default=None)
    return LoadAnswer(
        feasible=point is not None,
        reason=choice.reason,
        point=point,
        replicas=n_replicas(point) if point else 0,
        devices=n_devices(point) if point else 0,
        choice=choice,
    )


def compare(
    deployments: Sequence[Deployment],
    workload: Workload,
    load_requests_per_s: float,
    *,
    usd_per_device_hour: float,
    utilisation_share: float = 1.0,
) -> tuple[ComparisonRow, ...]:
    """Compare deployments, such as those of shorter weights, with the first of them.

    Each deployment serves the load with the fewest devices within the limits, so that shorter
    weights also gain by the larger batch that they leave memory for; a workload that states a
    batch compares all at that batch. Losses of quality and the cost of distilling are not
    included.

    Raises
    ------
    InputError
        As :func:`devices_for_load`.
    """
    rows: list[ComparisonRow] = []
    for deployment in deployments:
        answer = devices_for_load(deployment, workload, load_requests_per_s, utilisation_share)
        point = answer.point
        prices = None
        if point:
            prices = token_prices(point, workload.request, usd_per_device_hour, utilisation_share)
        first = rows[0] if rows else None
        base, base_prices = (first.answer.point, first.prices) if first else (point, prices)
        ratios: tuple[float | None, float | None, float | None] = (None, None, None)
        if point and prices and base and base_prices:
            ratios = (
                prices.usd_per_request / base_prices.usd_per_request,
                point.time_to_first_token_s / base.time_to_first_token_s,
                point.inter_token_latency_s / base.inter_token_latency_s,
            )
        rows.append(
            ComparisonRow(
                deployment=deployment,
                answer=answer,
                prices=prices,
                cost_ratio=ratios[0],
                time_to_first_token_ratio=ratios[1],
                inter_token_latency_ratio=ratios[2],
            )
        )
    return tuple(rows)
