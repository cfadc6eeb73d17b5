"""Cost of training and serving a model of any size, from the engine's own predictions."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.documents import InputError
from engine.facts import accelerator
from engine.forecast import Figure
from engine.plan import ServingPlan
from engine.planning.curves import SizeCurve, serving_curve, training_curve
from engine.scaling.laws import FLOPS_PER_PARAMETER_AND_TOKEN, Array, Counting
from engine.scaling.lifetime import SERVING_FLOPS_PER_PARAMETER_AND_TOKEN
from engine.units import TOKENS_PER_MILLION


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Device-hours per FLOP for models of any size, and the price of a device-hour."""

    accelerator: str
    devices: int | None
    """Number of training devices; None for as many as finish in about a month."""
    parameters_counted: Counting
    usd_per_device_hour: float
    hours_per_training_flop: SizeCurve
    """Device-hours of training for each of the 6·N·D FLOPs."""
    serving_usd_per_device_hour: float
    hours_per_serving_flop: SizeCurve
    """Device-hours of serving for each of the 2·N FLOPs of an input or output token."""

    def device_hours(self, parameters: npt.ArrayLike, tokens: npt.ArrayLike) -> Array:
        """Return the device-hours of whole training runs, elementwise over broadcast arrays.

        They are infinite if the model does not fit on the devices.
        """
        n, d = np.asarray(parameters, float), np.asarray(tokens, float)
        hours: Array = FLOPS_PER_PARAMETER_AND_TOKEN * n * d * self.hours_per_training_flop.at(n)
        return hours

    def training_usd(self, parameters: npt.ArrayLike, tokens: npt.ArrayLike) -> Array:
        """Return the cost of whole training runs in USD; see :meth:`device_hours`."""
        return self.usd_per_device_hour * self.device_hours(parameters, tokens)

    def serving_usd_per_million_tokens(self, parameters: npt.ArrayLike) -> Array:
        """Return the mean cost of a million input and output tokens of requests, in USD.

        It is infinite if the model cannot be served.
        """
        n = np.asarray(parameters, float)
        flops_per_million = SERVING_FLOPS_PER_PARAMETER_AND_TOKEN * n * TOKENS_PER_MILLION
        hours: Array = flops_per_million * self.hours_per_serving_flop.at(n)
        return self.serving_usd_per_device_hour * hours

    def serving_usd(self, parameters: npt.ArrayLike, served_tokens: float) -> Array:
        """Return the cost of serving a number of tokens over the lifetime, in USD.

        It is 0 if no tokens are served, else infinite if the model cannot be served.
        """
        if not served_tokens:
            return np.zeros(np.shape(parameters))
        return self.serving_usd_per_million_tokens(parameters) * (
            served_tokens / TOKENS_PER_MILLION
        )

    def device_hours_figure(self, parameters: float, tokens: float) -> Figure:
        """Return the device-hours of one run with their bounds.

        Raises
        ------
        InputError
            If the model does not fit on the devices.
        """
        hours = float(self.device_hours(parameters, tokens))
        if math.isinf(hours):
            raise self.too_large()
        return _figure(hours, self.hours_per_training_flop.log_width)

    def serving_figure(self, parameters: float, served_tokens: float) -> Figure | None:
        """Return the cost of serving in USD with its bounds; None if the model cannot be served."""
        usd = float(self.serving_usd(parameters, served_tokens))
        if math.isinf(usd):
            return None
        return _figure(usd, self.hours_per_serving_flop.log_width)

    def too_large(self) -> InputError:
        """Return the error to raise if the devices hold no model of the size."""
        return InputError("devices", self.devices or "—", "more_devices", device=self.accelerator)


def _figure(value: float, log_width: float) -> Figure:
    width = math.exp(log_width)
    return Figure(value=value, low=value / width, high=value * width)


def prices(
    accelerator_name: str,
    usd_per_device_hour: float,
    *,
    devices: int | None = None,
    parameters_counted: Counting = "total",
    serving: ServingPlan | None = None,
    serving_accelerator: str | None = None,
    serving_usd_per_device_hour: float | None = None,
) -> Prices:
    """Return prices for training on one accelerator and serving on the same or another accelerator.

    Parameters
    ----------
    devices
        Number of devices of a run. Models that do not fit on them take more, as in
        :func:`engine.costs.gpu_hours.benchmark_hours`. None for as many as train a model in a
        month.
    parameters_counted
        Count of parameters that the scaling law uses.
    serving
        Properties of requests and of serving; None for the defaults of a plan.

    Raises
    ------
    InputError
        If a price is not above 0, ``devices`` is below 1, or an accelerator is unknown or holds
        not even the smallest models.
    """
    serving_usd = serving_usd_per_device_hour
    if serving_usd is None:
        serving_usd = usd_per_device_hour
    for field, usd in (
        ("usd_per_device_hour", usd_per_device_hour),
        ("serving_usd_per_device_hour", serving_usd),
    ):
        if not 0 < usd < math.inf:
            raise InputError(field, usd, "greater_than", limit=0)
    if devices is not None and devices < 1:
        raise InputError("devices", devices, "greater_than_equal", limit=1)
    accelerator(accelerator_name)
    served_on = serving_accelerator or accelerator_name
    accelerator(served_on, "serving_accelerator")
    return Prices(
        accelerator=accelerator_name,
        devices=devices,
        parameters_counted=parameters_counted,
        usd_per_device_hour=usd_per_device_hour,
        hours_per_training_flop=training_curve(accelerator_name, devices, parameters_counted),
        serving_usd_per_device_hour=serving_usd,
        hours_per_serving_flop=serving_curve(
            served_on, serving or ServingPlan(), parameters_counted
        ),
    )
