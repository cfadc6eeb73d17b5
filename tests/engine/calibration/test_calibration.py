"""Plans that a calibration corrects."""

import pytest

from engine.calibration.calibration import RatioSpread
from engine.documents import InputError
from finance.company.scenario import Scenario
from tests.engine.test_forecast import calibration_for


def test_speed_counts_on_the_same_accelerator_only(laptop: Scenario) -> None:
    calibration = calibration_for(laptop.plan)
    assert calibration.corrects_speed_on("CPU-core")
    assert not calibration.corrects_speed_on("H100-80GB")


@pytest.mark.parametrize(("factor", "counts"), [(1, True), (3.9, True), (4.1, False), (0.2, False)])
def test_loss_counts_at_about_the_same_scale(laptop: Scenario, factor: float, counts: bool) -> None:
    calibration = calibration_for(laptop.plan)
    assert (
        calibration.corrects_loss_at(calibration.parameters * factor, calibration.tokens) is counts
    )
    assert (
        calibration.corrects_loss_at(calibration.parameters, calibration.tokens * factor) is counts
    )


def test_memory_counts_at_about_the_same_size(laptop: Scenario) -> None:
    calibration = calibration_for(laptop.plan)
    assert calibration.corrects_memory_of(2 * calibration.parameters, "CPU-core")
    assert not calibration.corrects_memory_of(1000 * calibration.parameters, "CPU-core")
    assert not calibration.corrects_memory_of(calibration.parameters, "H100-80GB")


def test_a_spread_must_hold_its_value() -> None:
    with pytest.raises(InputError, match="between"):
        RatioSpread.parse({"value": 1.0, "low": 1.1, "high": 1.2})
