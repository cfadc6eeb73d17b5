"""The rule that a forecast has to beat."""

import pytest

from engine.documents import InputError
from engine.evidence.baseline import baseline_score, baseline_tokens_per_s
from engine.evidence.rows import run_of

# Llama 2 7B: 6.738e9 parameters (Touvron 2023); an H100 reaches 989.4 TFLOP/s dense in bf16.
ROW = {
    "id": "one",
    "source_id": "here",
    "framework": "Megatron-LM",
    "n_layers": "32",
    "d_model": "4096",
    "n_heads": "32",
    "n_kv_heads": "32",
    "d_ff": "11008",
    "gated_ffn": "1",
    "vocab": "32000",
    "seq_len": "4096",
    "params_active": "6738415616",
    "gpu": "H100-80GB",
    "n_gpus": "8",
    "precision": "bf16",
    "dp": "8",
    "micro_batch": "1",
    "global_batch": "64",
    "tokens_per_sec_per_gpu": "10000",
}
BY_HAND = 0.4 * 989.4e12 / (6 * 6738415616)  # 9,789 tokens/s


def test_the_rule_by_hand() -> None:
    assert baseline_tokens_per_s(ROW, run_of(ROW)) == pytest.approx(BY_HAND, rel=2e-3)


def test_parameters_that_are_not_stated_are_counted() -> None:
    row = ROW | {"params_active": ""}
    assert baseline_tokens_per_s(row, run_of(row)) == pytest.approx(BY_HAND, rel=2e-3)


def test_eight_bits_are_taken_at_their_own_peak() -> None:
    row = ROW | {"precision": "fp8"}
    assert baseline_tokens_per_s(row, run_of(row)) == pytest.approx(2 * BY_HAND, rel=2e-3)


def test_the_score_by_hand() -> None:
    predicted = baseline_tokens_per_s(ROW, run_of(ROW))
    rows = [
        ROW | {"tokens_per_sec_per_gpu": repr(predicted / ratio)} for ratio in (0.9, 1.2, 1.5, 3.0)
    ]
    rows.append(ROW | {"tokens_per_sec_per_gpu": ""})
    found = baseline_score(rows, [run_of(row) for row in rows])
    assert (found.n_rows, found.n_measured) == (5, 4)
    assert found.median_error == pytest.approx(0.35)  # of 0.1, 0.2, 0.5, 2.0
    assert found.p90_error == pytest.approx(2.0)
    assert found.bias == pytest.approx(0.35)


def test_nothing_measured_has_no_score() -> None:
    row = ROW | {"tokens_per_sec_per_gpu": ""}
    found = baseline_score([row], [run_of(row)])
    assert found.median_error is found.p90_error is found.bias is None


def test_a_measurement_that_is_none_is_refused() -> None:
    row = ROW | {"tokens_per_sec_per_gpu": "fast"}
    with pytest.raises(InputError, match="fast"):
        baseline_score([row], [run_of(row)])
