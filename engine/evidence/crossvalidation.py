"""Cross-validation: errors of predictions for sources that the fit has not seen.

Rows of one source share a cluster, a container and a team. Leaving out random rows would measure
how well the fit remembers a source. Whole sources are therefore left out in turn, and the widths
of the intervals come from the other sources only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.documents import InputError
from engine.evidence.fitting import Fit, fit
from engine.evidence.sample import Sample
from engine.predictor.columns import Array
from engine.predictor.efficiency import EfficiencyParameter, Spreads

Mask = npt.NDArray[np.bool_]

COVERED_SHARE = 0.8
"""Share of measurements that an interval is meant to contain."""
_LEAST_SOURCES = 2
"""Fewest sources that the width of one accelerator is estimated from. With one source, its error
is that of a fit without any run of this accelerator."""
_LEAST_ROWS = 8
"""Fewest errors that a width is estimated from; with fewer, a wider kind's width is used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossValidation:
    """Predictions of every row by a fit that has not seen its source."""

    tokens_per_s: Array
    memory_gb: Array
    half_width: Array
    """Half-width of each row's interval in logarithms, from the errors of the other sources."""
    spreads: Spreads
    """Half-widths from the errors of all sources, for predictions of new runs."""


def cross_validate(
    sample: Sample,
    parameters: Sequence[EfficiencyParameter],
    progress: Callable[[str], None] = lambda source: None,
) -> CrossValidation:
    """Predict each source by a fit to all other sources.

    ``progress`` is called with the name of each source before its fit.
    """
    n_rows = len(sample.runs)
    sources = np.array(sample.sources)
    tokens_per_s, memory_gb = np.full(n_rows, np.nan), np.full(n_rows, np.nan)
    known = np.zeros(n_rows, dtype=bool)
    within: dict[str, Array] = {}
    for source in sorted(set(sample.sources)):
        progress(source)
        out = sources == source
        others = fit(sample.take(~out), parameters)
        within[source] = _speed_errors(sample.take(~out), others)
        left_out = sample.take(out)
        predicted = left_out.predict(others.values)
        tokens_per_s[out], memory_gb[out] = predicted.tokens_per_s, predicted.memory_gb
        known[out] = [run.stack.stack in others.stacks for run in left_out.runs]
    errors = _Errors(
        speed=np.abs(np.log(sample.measured_tokens_per_s / tokens_per_s)),
        memory=np.abs(np.log(sample.measured_memory_gb / memory_gb)),
        known=known,
        moe=sample.is_moe,
        sources=sources,
    )
    half_width = np.empty(n_rows)
    for source in set(sample.sources):
        mine = sources == source
        spreads = errors.take(~mine).spreads(within[source])
        half_width[mine] = [
            spreads.of(known=bool(is_known), moe=bool(moe))
            for is_known, moe in zip(known[mine], errors.moe[mine], strict=True)
        ]
    return CrossValidation(
        tokens_per_s=tokens_per_s,
        memory_gb=memory_gb,
        half_width=half_width,
        spreads=errors.spreads(_speed_errors(sample, fit(sample, parameters))),
    )


def _speed_errors(sample: Sample, fitted: Fit) -> Array:
    """Return the absolute log errors of a fit on the rows that it was fitted to."""
    predicted = sample.predict(fitted.values).tokens_per_s
    errors: Array = np.abs(np.log(sample.measured_tokens_per_s / predicted))
    return errors


@dataclass(frozen=True, slots=True, kw_only=True)
class _Errors:
    """Absolute log errors; NaN where nothing was measured."""

    speed: Array
    memory: Array
    known: Mask
    moe: Mask
    sources: npt.NDArray[np.str_]

    def take(self, mask: Mask) -> _Errors:
        return _Errors(
            speed=self.speed[mask],
            memory=self.memory[mask],
            known=self.known[mask],
            moe=self.moe[mask],
            sources=self.sources[mask],
        )

    def spreads(self, within: Array) -> Spreads:
        """Return widths from these errors and from the errors ``within`` the fitted rows.

        A new run of known software may come from a fitted source or from another team and
        cluster. Its width is the geometric mean of the widths of both.
        """
        unknown = self._width(self.speed, ~self.known & ~self.moe)
        known = self._width(self.speed, self.known & ~self.moe)
        moe = self._width(self.speed, self.moe)
        dense = self._width(self.speed, ~self.moe)
        inside = self._width(within, ~self.moe)
        if unknown is None or dense is None or inside is None:
            raise InputError("source_id", len(self.speed), "too_few_runs", least=_LEAST_ROWS)
        memory = self._width(self.memory, np.ones_like(self.moe))
        # An unknown stack cannot be easier to predict than a known stack.
        between = unknown if known is None else math.sqrt(inside * min(unknown, known))
        return Spreads(
            known=min(unknown, between),
            unknown=unknown,
            moe=max(1.0, moe / dense) if moe is not None else 2.0,
            memory=memory if memory is not None else unknown,
        )

    def _width(self, errors: Array, mask: Mask) -> float | None:
        """Return the error that 80% are below; None with too few errors.

        A source of n rows has the weight √n in total.
        """
        there = mask & np.isfinite(errors)
        if there.sum() < _LEAST_ROWS:
            return None
        names, counts = np.unique(self.sources[there], return_counts=True)
        weight_of = dict(zip(names.tolist(), (counts**-0.5).tolist(), strict=True))
        order = np.argsort(errors[there])
        weights = np.array([weight_of[name] for name in self.sources[there][order].tolist()])
        reached = np.cumsum(weights) / weights.sum()
        return float(errors[there][order][np.searchsorted(reached, COVERED_SHARE)])


def device_spreads(sample: Sample, tokens_per_s: Array) -> dict[str, float]:
    """Return the half-width of tokens/s in logarithms by accelerator.

    ``tokens_per_s`` are the predictions of each run by a fit without its source. Accelerators with
    runs of a single source are left out. Each run counts alike, as in the errors that the page
    Evidence shows by accelerator.
    """
    errors = np.abs(np.log(sample.measured_tokens_per_s / tokens_per_s))
    sources = np.array(sample.sources)
    devices = np.array([run.device.accelerator for run in sample.runs])
    found = {}
    for name in sorted(set(devices.tolist())):
        mine = (devices == name) & np.isfinite(errors)
        enough_sources = len(set(sources[mine].tolist())) >= _LEAST_SOURCES
        if enough_sources and mine.sum() >= _LEAST_ROWS:
            reached = math.ceil(COVERED_SHARE * int(mine.sum())) - 1
            found[name] = float(np.sort(errors[mine])[reached])
    return found
