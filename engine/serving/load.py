"""How many devices a load takes, and what another form of the model changes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.documents import InputError
from engine.facts import Accelerator
from engine.serving.inference import ServingPoint, TokenPrices, sweep, token_prices
from engine.serving.replica import Request, ServedModel, ServingEfficiency, replicas
from engine.units import SECONDS_PER_DAY

MOST_BATCH = 1_024
"""Sequences that a scheduler runs at a time at most, unless told otherwise."""

Reason = Literal[
    "weights_do_not_fit",
    "cache_does_not_fit",
    "time_to_first_token",
    "inter_token_latency",
    "both_latencies",
]
"""Why there is no answer. A latency: no batch reaches the limit; both: some reach either, none
reaches both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyLimits:
    """What users accept, on average; None accepts anything."""

    time_to_first_token_s: float | None = None
    inter_token_latency_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """For each possible size of a replica the batch that serves cheapest within the limits."""

    points: tuple[ServingPoint, ...]
    """The cheapest first; empty where there is none."""
    reason: Reason | None
    """Why there is none."""
    best_time_to_first_token_s: float | None
    """The shortest that any batch reaches on any size; None where nothing fits."""
    best_inter_token_latency_s: float | None

    @property
    def feasible(self) -> bool:
        return bool(self.points)

    @property
    def point(self) -> ServingPoint | None:
        """The cheapest."""
        return self.points[0] if self.points else None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadAnswer:
    """Devices for a load."""

    feasible: bool
    reason: Reason | None
    """Why it cannot be served."""
    point: ServingPoint | None
    """What each replica does when it is busy."""
    replicas: int
    devices: int
    choice: Choice
    """All sizes of a replica that would do, and the best latencies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonRow:
    """One form of the model, beside the first; ratios are None where either cannot be served."""

    model: ServedModel
    weight_bytes: float
    point: ServingPoint | None
    reason: Reason | None
    prices: TokenPrices | None
    cost_ratio: float | None
    """Of a request."""
    time_to_first_token_ratio: float | None
    inter_token_latency_ratio: float | None


def choose(
    model: ServedModel,
    device: Accelerator,
    efficiency: ServingEfficiency,
    request: Request,
    limits: LatencyLimits | None = None,
    *,
    tensor_parallel: int | None = None,
    batch: int | None = None,
) -> Choice:
    """Choose batch and size of a replica; either is only that one where it is given.

    More sequences at a time cost less each and wait longer each, so that the batch grows until
    memory or a limit ends it, or computing is all that counts. Replicas reach beyond a node only
    where none inside it holds the model.
    """
    limits = limits or LatencyLimits()
    first_limit_s = _or_any(limits.time_to_first_token_s)
    between_limit_s = _or_any(limits.inter_token_latency_s)
    ways = replicas(model, device, efficiency, tensor_parallel)
    points: list[ServingPoint] = []
    first_s: list[float] = []
    between_s: list[float] = []
    for replica in ways:
        most = min(replica.most_sequences(request), batch or MOST_BATCH)
        if most < (batch or 1):
            continue
        if first_s and replica.tensor_parallel > device.domain_size:
            break
        swept = sweep(replica, request, np.arange(batch or 1, most + 1))
        first_s.append(float(swept.time_to_first_token_s.min()))
        between_s.append(float(swept.inter_token_latency_s.min()))
        allowed = swept.time_to_first_token_s <= first_limit_s
        allowed &= swept.inter_token_latency_s <= between_limit_s
        if allowed.any():
            cost_s = np.where(allowed, swept.request_s, np.inf)
            # Where computing is all that counts, larger batches only wait longer.
            points.append(swept.point(int((cost_s <= cost_s.min() * (1 + 1e-9)).argmax())))
    best_first_s, best_between_s = min(first_s, default=None), min(between_s, default=None)
    reason: Reason | None = None
    if not points:
        if best_first_s is None or best_between_s is None:
            holds = any(replica.cache_room_bytes > 0 for replica in ways)
            reason = "cache_does_not_fit" if holds else "weights_do_not_fit"
        elif best_first_s > first_limit_s:
            reason = "time_to_first_token"
        elif best_between_s > between_limit_s:
            reason = "inter_token_latency"
        else:
            reason = "both_latencies"
    return Choice(
        points=tuple(sorted(points, key=lambda one: one.tensor_parallel / one.requests_per_s)),
        reason=reason,
        best_time_to_first_token_s=best_first_s,
        best_inter_token_latency_s=best_between_s,
    )


def _or_any(limit_s: float | None) -> float:
    return math.inf if limit_s is None else limit_s


def requests_per_s(tokens_per_day: float, request: Request) -> float:
    """Requests that make so many tokens a day, input and output counted together."""
    tokens = request.input_tokens + request.output_tokens
    return tokens_per_day / tokens / SECONDS_PER_DAY


def devices_for_load(
    model: ServedModel,
    device: Accelerator,
    efficiency: ServingEfficiency,
    request: Request,
    load_requests_per_s: float,
    limits: LatencyLimits | None = None,
    *,
    utilisation_share: float = 1.0,
    tensor_parallel: int | None = None,
) -> LoadAnswer:
    """The fewest devices that serve a load within the limits.

    Parameters
    ----------
    load_requests_per_s
        Arriving, on average; see :func:`requests_per_s` for tokens a day.
    utilisation_share
        Of what the devices can do, what the load may take; the rest is for its peaks.
    """
    if not 0 < utilisation_share <= 1:
        raise InputError("utilisation_share", utilisation_share, "between", low=0, high=1)
    if not 0 <= load_requests_per_s < math.inf:
        raise InputError("load_requests_per_s", load_requests_per_s, "greater_than_equal", limit=0)
    choice = choose(model, device, efficiency, request, limits, tensor_parallel=tensor_parallel)

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
    options: Sequence[ServedModel],
    device: Accelerator,
    efficiency: ServingEfficiency,
    request: Request,
    *,
    usd_per_device_hour: float,
    limits: LatencyLimits | None = None,
    utilisation_share: float = 1.0,
    tensor_parallel: int | None = None,
    batch: int | None = None,
) -> tuple[ComparisonRow, ...]:
    """What other weights, or a smaller model, change in cost and latency against the first.

    Each is served where it is cheapest within the limits, so that shorter weights also gain by
    the larger batch that they leave room for; give ``batch`` to compare at the same one. What
    the answers lose in quality, and what distilling costs, is not in here.
    """
    rows: list[ComparisonRow] = []
    for model in options:
        choice = choose(
            model,
            device,
            efficiency,
            request,
            limits,
            tensor_parallel=tensor_parallel,
            batch=batch,
        )
        point = choice.point
        prices = None
        if point:
            prices = token_prices(point, request, usd_per_device_hour, utilisation_share)
        first = rows[0] if rows else None
        base, base_prices = (first.point, first.prices) if first else (point, prices)
        ratios: tuple[float | None, float | None, float | None] = (None, None, None)
        if point and prices and base and base_prices:
            ratios = (
                prices.usd_per_request / base_prices.usd_per_request,
                point.time_to_first_token_s / base.time_to_first_token_s,
                point.inter_token_latency_s / base.inter_token_latency_s,
            )
        rows.append(
            ComparisonRow(
                model=model,
                weight_bytes=model.weight_bytes,
                point=point,
                reason=choice.reason,
                prices=prices,
                cost_ratio=ratios[0],
                time_to_first_token_ratio=ratios[1],
                inter_token_latency_ratio=ratios[2],
            )
        )
    return tuple(rows)
