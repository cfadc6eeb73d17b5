"""Samples of runs that were never made: what the predictor says under efficiencies of ours."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from engine.evidence.sample import Sample
from engine.predictor.efficiency import EfficiencyParameter, efficiency_parameters
from tests.engine.evidence.rows import LLAMA3_8B_ROW

NOT_FITTED = ("time_factor", "spread", "device_spread", "whole_run")
PRIORS = {
    parameter.key: parameter.prior
    for parameter in efficiency_parameters()
    if parameter.parameter not in NOT_FITTED
}


def free_only(*keys: str) -> list[EfficiencyParameter]:
    """The table with all parameters fixed at their priors, but for ``keys``."""
    return [
        parameter if parameter.key in keys else parameter.model_copy(update={"prior_log_sd": 0.001})
        for parameter in efficiency_parameters()
        if parameter.parameter not in NOT_FITTED
    ]


def runs(source: str, framework: str = "Megatron-LM", n_rows: int = 12) -> list[dict[str, str]]:
    """Rows of one source that differ in sequence length, tensor parallelism and width."""
    rows = []
    for number in range(n_rows):
        seq_len = 2_048 * 4 ** (number % 3)
        tensor = (1, 8)[number // 3 % 2]
        d_ff = 14_336 * (1 + number // 6)
        rows.append(
            LLAMA3_8B_ROW
            | {
                "id": f"{source}-{number}",
                "source_id": source,
                "framework": framework,
                "n_gpus": "8",
                "seq_len": str(seq_len),
                "d_ff": str(d_ff),
                "tp": str(tensor),
                "pp": "1",
                "vp": "1",
                "cp": "1",
                "micro_batch": str(32_768 // seq_len),
                "grad_accum": "4",
                "global_batch": "",
                "model": f"{d_ff}",
            }
        )
    return rows


def measured_under(
    rows: Sequence[Mapping[str, str]], changes: Mapping[str, float], noise: float = 0.01
) -> Sample:
    """``rows`` as they would measure if efficiencies were the priors but for ``changes``."""
    sample = Sample.read(rows)
    draw = np.random.default_rng(20261123)
    truth = sample.predict(PRIORS | dict(changes))
    return replace(
        sample,
        measured_tokens_per_s=truth.tokens_per_s
        * np.exp(noise * draw.standard_normal(len(sample.runs))),
    )


def with_measured(sample: Sample, factors: np.ndarray) -> Sample:
    return replace(sample, measured_tokens_per_s=sample.measured_tokens_per_s * factors)
