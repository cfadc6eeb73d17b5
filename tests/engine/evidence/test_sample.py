"""Measured runs as columns."""

import numpy as np
import pytest

from engine.documents import InputError
from engine.evidence.sample import Sample, measured
from engine.predictor.efficiency import fitted_values
from tests.engine.evidence.rows import LLAMA3_8B_ROW, MIXTRAL_ROW

ROWS = [
    LLAMA3_8B_ROW | {"tokens_per_sec_per_gpu": "9000", "mem_gb": "60.5"},
    MIXTRAL_ROW,
    LLAMA3_8B_ROW | {"precision": "fp8", "framework": "NeMo", "source_id": "else"},
    LLAMA3_8B_ROW | {"seq_len": "4096", "notes": "500 W"},
]


def test_what_was_measured_and_what_was_not() -> None:
    sample = Sample.read(ROWS)
    assert sample.sources == ("somebody", "somebody", "else", "somebody")
    assert sample.measured_tokens_per_s[0] == 9000
    assert sample.measured_memory_gb[0] == 60.5
    assert np.isnan(sample.measured_tokens_per_s[1:]).all()
    assert sample.is_moe.tolist() == [False, True, False, False]


def test_the_same_configuration_measured_later_is_the_same() -> None:
    later = LLAMA3_8B_ROW | {"id": "later", "release": "26.02", "tokens_per_sec_per_gpu": "9500"}
    sample = Sample.read([*ROWS, later])
    assert sample.configurations[4] == sample.configurations[0]
    assert len(set(sample.configurations)) == 4


@pytest.mark.parametrize("mask", [[True, False, True, True], [False, True, False, False]])
def test_some_rows_are_as_if_read_alone(mask: list[bool]) -> None:
    picked = Sample.read(ROWS).take(np.array(mask))
    alone = Sample.read([row for row, keep in zip(ROWS, mask, strict=True) if keep])
    assert picked.sources == alone.sources
    assert picked.runs == alone.runs
    assert picked.predict().tokens_per_s == pytest.approx(alone.predict().tokens_per_s, rel=1e-12)
    assert picked.predict().memory_gb == pytest.approx(alone.predict().memory_gb, rel=1e-12)


def test_each_row_gets_the_efficiencies_of_its_machine() -> None:
    """Resolved once for each device, precision and software that there is."""
    known = Sample.read(ROWS).efficiency()
    assert known.cast.tolist() == [0, 0, fitted_values()["cast:all"], 0]
    assert known.matmul_share[3] / known.matmul_share[0] == pytest.approx((500 / 700) ** 0.4)
    assert known.time_factor[2] == fitted_values()["time_factor:NeMo"]
    given = Sample.read(ROWS).efficiency(dict(fitted_values()) | {"time_factor:NeMo": 2.0})
    assert given.time_factor[2] == 2.0
    assert given.time_factor[0] == known.time_factor[0]


def test_tokens_per_second_are_those_of_one_device() -> None:
    sample = Sample.read(ROWS)
    predicted = sample.predict()
    step_s = predicted.step.total[0]
    assert predicted.tokens_per_s[0] == pytest.approx(64 * 8192 / 64 / step_s)


@pytest.mark.parametrize("cell", ["0", "-3", "nan", "inf", "many"])
def test_a_measurement_is_above_zero(cell: str) -> None:
    with pytest.raises(InputError, match=r"mem_gb: .* above 0"):
        measured({"mem_gb": cell}, "mem_gb")
