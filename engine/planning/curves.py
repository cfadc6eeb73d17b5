"""Device-hours by model size, from curves through the engine's own predictions.

Each kind of work is predicted once for sizes between ten million and two trillion parameters.
Parameters are counted in the way of the scaling law that uses the curves, and FLOPs are the law's
6·N·D.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.polynomial import Polynomial
from scipy.interpolate import PchipInterpolator

from engine.costs.gpu_hours import gpu_hours_of
from engine.documents import InputError
from engine.facts import accelerator
from engine.layout import Layout
from engine.plan import OWN_ASSUMPTION, Cluster, Plan, ServingPlan, best_precision
from engine.predictor.defaults import usual_shape
from engine.predictor.efficiency import spreads
from engine.scaling.laws import FLOPS_PER_PARAMETER_AND_TOKEN, Array, Counting
from engine.scaling.lifetime import SERVING_FLOPS_PER_PARAMETER_AND_TOKEN
from engine.serving_forecast import planned_serving
from engine.shapes import ModelShape

TRAINED_SIZES = tuple(np.geomspace(1e7, 2e12, 25).tolist())
"""Total parameters of the models whose training is predicted."""
TOKENS_PER_PARAMETER = 20.0
"""Ratio at which training is predicted. The work of a device-hour does not depend on it, except
that runs without a stated number of devices take more devices for more tokens."""
_DEGREE = 5
"""Degree of the polynomial that smooths the training curve."""
_80_PERCENT = 1.2816
"""Number of standard deviations on each side that hold 80% of a normal distribution."""

SERVED_HEADS = (1, 2, 4, 8, 16, 24, 32, 40, 48, 64, 80, 96, 112, 128, 176, 216)
"""Numbers of attention heads of the models whose serving is predicted."""
_HEAD_DIM = 128
_KEY_HEADS = 8
_VOCAB = 64_000
_MOST_TIED_HEADS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeCurve:
    """A positive quantity as a function of parameters.

    It follows monotone cubics through points on two logarithmic axes (PCHIP). Outside the points
    it keeps the value of the nearest point.
    """

    interpolator: Any
    """Function from log N to the logarithm of the quantity."""
    least: float
    """Parameters of the smallest point."""
    most: float
    """Parameters of the largest point."""
    ends: bool
    """Whether larger models are impossible, so that the quantity is infinite there."""
    log_width: float
    """Half-width of the 80% interval, in natural logarithms."""

    @classmethod
    def through(
        cls,
        parameters: Sequence[float] | Array,
        values: Sequence[float] | Array,
        *,
        ends: bool = False,
        log_width: float = 0.0,
    ) -> SizeCurve:
        """Return the curve through points in any order."""
        order = np.argsort(parameters)
        x, y = np.log(parameters)[order], np.log(values)[order]
        return cls(
            interpolator=PchipInterpolator(x, y),
            least=float(np.min(parameters)),
            most=float(np.max(parameters)),
            ends=ends,
            log_width=log_width,
        )

    def at(self, parameters: npt.ArrayLike) -> Array:
        """Return the quantity for each of ``parameters``."""
        n = np.asarray(parameters, dtype=np.float64)
        inside: Array = np.exp(self.interpolator(np.log(np.clip(n, self.least, self.most))))
        return np.where(n > self.most, np.inf, inside) if self.ends else inside


@lru_cache(maxsize=64)
def training_curve(accelerator_name: str, devices: int | None, counted: Counting) -> SizeCurve:
    """Return device-hours per training FLOP of whole runs, by size.

    The values and their interval are those of :func:`engine.costs.gpu_hours.gpu_hours_of`. The
    usual shape of a size is often that of a published model, which is up to a tenth better or worse
    than its neighbours. The curve therefore follows the trend, a polynomial of the logarithms by
    least squares, and the interval is widened by the scatter around it.
    """
    parameters: list[float] = []
    hours_per_flop: list[float] = []
    log_widths: list[float] = []
    ends = False
    for total in TRAINED_SIZES:
        tokens = TOKENS_PER_PARAMETER * total
        row = {"params_total": repr(total), "tokens": repr(tokens), "gpu": accelerator_name}
        if devices is not None:
            row["n_gpus"] = str(devices)
        try:
            run = gpu_hours_of(row)
        except InputError:
            if len(parameters) <= _DEGREE:
                raise
            ends = True
            break
        n = total * _counted_share(usual_shape(total), counted)
        parameters.append(n)
        hours_per_flop.append(run.gpu_hours / (FLOPS_PER_PARAMETER_AND_TOKEN * n * tokens))
        log_widths.append(math.log(run.gpu_hours_high / run.gpu_hours))
    x, y = np.log(parameters), np.log(hours_per_flop)
    trend = Polynomial.fit(x, y, _DEGREE)
    grid = np.linspace(x.min(), x.max(), len(TRAINED_SIZES))
    scatter = _80_PERCENT * float(np.std(y - trend(x)))
    return SizeCurve.through(
        np.exp(grid),
        np.exp(trend(grid)),
        ends=ends,
        log_width=math.hypot(max(log_widths), scatter),
    )


@lru_cache(maxsize=64)
def serving_curve(accelerator_name: str, serving: ServingPlan, counted: Counting) -> SizeCurve:
    """Return device-hours of serving per FLOP, by size, with 2·N FLOPs per token.

    The value is the mean over a request's input and output tokens. Paid hours in which devices wait
    are included.
    """
    device = accelerator(accelerator_name)
    layout = Layout(micro_batch_sequences=1, precision=best_precision(device))
    cluster = Cluster(
        accelerator=accelerator_name,
        n_devices=1,
        price_usd_per_device_hour=Decimal(1),
        price_source=OWN_ASSUMPTION,
    )
    parameters: list[float] = []
    hours_per_flop: list[float] = []
    ends = False
    for heads in SERVED_HEADS:
        shape = served_shape(heads)
        plan = Plan(shape=shape, tokens=1, layout=layout, cluster=cluster, serving=serving)
        try:
            token_prices = planned_serving(plan).prices
        except InputError:
            if len(parameters) < 2:  # no curve goes through one point
                raise
            ends = True
            break
        n = shape.count_parameters().total * _counted_share(shape, counted)
        request_tokens = serving.context_tokens + serving.output_tokens
        hours_per_token = token_prices.usd_per_request / request_tokens
        parameters.append(n)
        hours_per_flop.append(hours_per_token / (SERVING_FLOPS_PER_PARAMETER_AND_TOKEN * n))
    return SizeCurve.through(parameters, hours_per_flop, ends=ends, log_width=spreads().unknown)


def served_shape(heads: int) -> ModelShape:
    """Return a shape in the proportions of Llama 3 with any number of heads.

    It has as many layers as heads, eight key heads, and feed-forward networks three and a half
    times as wide as the model. Llama 3's 8B, 70B and 405B have 32, 64 and 128 heads and 32, 80 and
    126 layers. The usual shape of a size is not used here: its heads need not divide among a node's
    devices, and if it is a published model's, its cache can be many times that of its neighbours.
    """
    width = _HEAD_DIM * heads
    return ModelShape(
        n_layers=heads,
        d_model=width,
        n_heads=heads,
        n_kv_heads=min(_KEY_HEADS, heads),
        head_dim=_HEAD_DIM,
        d_ff=width * 7 // 2,
        vocab=_VOCAB,
        seq_len_tokens=4_096,
        tied_embeddings=heads <= _MOST_TIED_HEADS,
    )


def _counted_share(shape: ModelShape, counted: Counting) -> float:
    """Return the share of all parameters that the law counts."""
    count = shape.count_parameters()
    return 1.0 if counted == "total" else count.non_embedding / count.total
