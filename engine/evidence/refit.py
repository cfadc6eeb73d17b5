"""The refit of the predictor, which writes ``data/efficiency.csv``: ``python -m engine refit``."""

from __future__ import annotations

import csv
import datetime
import math
import statistics
from collections.abc import Callable
from pathlib import Path

from engine.costs.gpu_hours import run_kind, whole_run_ratio
from engine.evidence.crossvalidation import CrossValidation, cross_validate, device_spreads
from engine.evidence.fitting import NOT_PRIORS, STACK_LOG_SD, Fit, fit
from engine.evidence.sample import Sample
from engine.paths import DATA_DIR
from engine.predictor.efficiency import (
    ASSUMPTION,
    EfficiencyParameter,
    efficiency_parameters,
)
from engine.predictor.stacks import stacks

_DIGITS = 5
_LAST_COLUMNS = ("source", "as_of")


def refit(
    sample: Sample, path: Path, progress: Callable[[str], None] = lambda source: None
) -> tuple[Fit, CrossValidation]:
    """Fit all parameters to ``sample``, cross-validate, and write the table to ``path``.

    The priors do not change: they hold the knowledge from before any run was predicted.
    """
    priors = [
        parameter for parameter in efficiency_parameters() if parameter.parameter not in NOT_PRIORS
    ]
    found = fit(sample, priors)
    validated = cross_validate(sample, priors, progress)
    today = datetime.date.today().isoformat()
    source = f"python -m engine refit on {len(sample.runs)} measured runs"
    rows = [_fitted(prior, found, source, today) for prior in priors]
    rows += [_stack_factor(stack, found, source, today) for stack in sorted(found.stacks)]
    rows += [
        EfficiencyParameter(
            parameter=parameter,
            scope=scope,
            value=_rounded(value),
            low=_rounded(value),
            high=_rounded(value),
            prior=_rounded(value),
            prior_log_sd=0.0,
            prior_source="none: found by leaving out whole sources",
            unit="half-width in log" if scope != "moe" else "ratio",
            source=source,
            as_of=today,
        )
        for parameter, scope, value in (
            ("spread", "known", validated.spreads.known),
            ("spread", "unknown", validated.spreads.unknown),
            ("spread", "moe", validated.spreads.moe),
            ("spread", "memory", validated.spreads.memory),
            *(
                ("device_spread", name, width)
                for name, width in device_spreads(sample, validated.tokens_per_s).items()
            ),
        )
    ]
    rows += _whole_runs(today)
    with path.open("w", encoding="utf-8", newline="") as file:
        names = [name for name in EfficiencyParameter.model_fields if name not in _LAST_COLUMNS]
        writer = csv.DictWriter(file, [*names, *_LAST_COLUMNS], lineterminator="\n")
        writer.writeheader()
        writer.writerows(row.model_dump() for row in rows)
    return found, validated


def _fitted(prior: EfficiencyParameter, found: Fit, source: str, today: str) -> EfficiencyParameter:
    estimate = found.estimates[prior.key]
    return prior.model_copy(
        update={
            "value": _rounded(estimate.value),
            "low": _rounded(estimate.low),
            "high": _rounded(estimate.high),
            "source": source,
            "as_of": today,
        }
    )


def _stack_factor(stack: str, found: Fit, source: str, today: str) -> EfficiencyParameter:
    estimate = found.estimates[f"time_factor:{stack}"]
    return EfficiencyParameter(
        parameter="time_factor",
        scope=stacks()[stack].stack,
        value=_rounded(estimate.value),
        low=_rounded(estimate.low),
        high=_rounded(estimate.high),
        prior=1.0,
        prior_log_sd=STACK_LOG_SD,
        prior_source=f"{ASSUMPTION}other software is as likely faster as slower",
        unit="ratio",
        source=source,
        as_of=today,
    )


def _whole_runs(today: str) -> list[EfficiencyParameter]:
    """Return the ratios of whole runs' times to those of benchmarks of the same layout.

    They are the medians on one node and on several, and the half-width in logarithms that
    contains 80% of the runs.
    """
    with (DATA_DIR / "whole_runs.csv").open(encoding="utf-8", newline="") as file:
        runs = list(csv.DictReader(file))
    logs: dict[str, list[float]] = {}
    for run in runs:
        logs.setdefault(run_kind(run), []).append(math.log(whole_run_ratio(run)))
    medians = {kind: statistics.median(found) for kind, found in logs.items()}
    away = sorted(abs(log - medians[kind]) for kind, found in logs.items() for log in found)
    width = away[math.ceil(0.8 * len(away)) - 1]
    source = f"python -m engine refit on {len(runs)} rows of data/whole_runs.csv"

    def row(
        parameter: str, scope: str, value: float, half: float, unit: str
    ) -> EfficiencyParameter:
        return EfficiencyParameter(
            parameter=parameter,
            scope=scope,
            value=_rounded(value),
            low=_rounded(value * math.exp(-half)),
            high=_rounded(value * math.exp(half)),
            prior=1.0 if parameter == "whole_run" else _rounded(value),
            prior_log_sd=0.0,
            prior_source="none: a median of published runs",
            unit=unit,
            source=source,
            as_of=today,
        )

    return [
        *(
            row(
                "whole_run",
                kind,
                math.exp(medians[kind]),
                width / math.sqrt(len(logs[kind])),
                "ratio",
            )
            for kind in sorted(medians)
        ),
        row("spread", "whole_run", width, 0.0, "half-width in log"),
    ]


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
