"""The command ``calibrate``, on runs whose folders are written by hand."""

from pathlib import Path

import pytest

from engine.cli import train
from engine.paths import DATA_DIR
from engine.text import terminal_catalog
from tests.engine.runs.faked import faked_run

LAPTOP: Path = DATA_DIR / "scenarios" / "laptop.toml"


@pytest.mark.parametrize(("load", "warns"), [(0.02, False), (0.4, True)])
@pytest.mark.parametrize("as_json", [False, True])
def test_a_noisy_machine_is_warned_about(
    load: float,
    warns: bool,
    as_json: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = faked_run([6.0, 5.5, 5.0], other_load_share=load)
    monkeypatch.setattr(train.Run, "create", lambda *_: run)
    monkeypatch.setattr(train.control, "start", lambda _: None)
    monkeypatch.setattr(train, "follow", lambda _: None)
    train.calibrate_command(LAPTOP, profile=False, as_json=as_json)
    printed = capsys.readouterr()
    warning = terminal_catalog()("calibrate.noisy", load="40%")
    assert (warning in printed.err) is warns
    assert ('"noisy_load_share": 0.4' in printed.out) is (warns and as_json)
