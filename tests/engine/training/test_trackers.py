"""Trackers receive the metrics; a tracker that fails is logged and stops nothing."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from engine.documents import read_toml
from engine.paths import DATA_DIR
from engine.recipes.recipe import Recipe
from engine.results import StepMetrics
from engine.training import trackers
from engine.training.trackers import Trackers


def recipe(*names: str) -> Recipe:
    smoke = read_toml(DATA_DIR / "recipes" / "smoke.toml", Recipe)
    return smoke.with_value("trackers", list(names))


def metrics(step: int) -> StepMetrics:
    return StepMetrics(
        step=step, tokens=step * 512, loss=5.0 - step, step_time_s=0.1, learning_rate=1e-3, time=1e9
    )


class FakeWandb(ModuleType):
    """Fake of the used part of ``wandb``; the call named ``fails_at`` fails."""

    def __init__(self, fails_at: str) -> None:
        super().__init__("wandb")
        self.fails_at, self.calls = fails_at, []

    def init(self, **settings: object) -> SimpleNamespace:
        self.do("init", settings)
        return SimpleNamespace(
            log=lambda values, step: self.do("log", (step, values)),
            finish=lambda: self.do("finish", None),
        )

    def do(self, call: str, arguments: object) -> None:
        self.calls.append((call, arguments))
        if call == self.fails_at:
            raise SystemExit("no network\nat all")


@pytest.mark.parametrize(("fails_at", "lines"), [("init", 1), ("log", 1), ("finish", 1), ("", 0)])
def test_a_tracker_that_fails_stops_nothing(
    fails_at: str,
    lines: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fake = FakeWandb(fails_at)
    monkeypatch.setitem(sys.modules, "wandb", fake)
    opened = Trackers(recipe("wandb"), tmp_path)
    for step in (1, 2):
        opened.log(metrics(step))
    opened.close()
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == lines
    assert all("wandb" in line and "no network at all" in line for line in printed)
    calls = [call for call, _ in fake.calls]
    assert (
        calls
        == {
            "init": ["init"],
            "log": ["init", "log"],
            "finish": ["init", "log", "log", "finish"],
            "": ["init", "log", "log", "finish"],
        }[fails_at]
    )
    if not fails_at:
        assert fake.calls[0][1]["mode"] == "offline"
        assert fake.calls[0][1]["dir"] == str(tmp_path)
        assert fake.calls[0][1]["id"] == tmp_path.name
        step, values = fake.calls[2][1]
        assert (step, values["loss"], values["learning_rate"]) == (2, 3.0, 1e-3)


def test_one_that_is_not_installed_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("wandb", "mlflow"):
        monkeypatch.setitem(sys.modules, name, None)
    Trackers(recipe("wandb", "mlflow", "wandb"), tmp_path).log(metrics(1))
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_mlflow_keeps_to_the_runs_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, tuple, dict]] = []
    fake = ModuleType("mlflow")
    known = SimpleNamespace(info=SimpleNamespace(run_id="its id"))

    def does(name: str) -> Callable[..., SimpleNamespace]:
        return lambda *a, **k: calls.append((name, a, k)) or known

    for name in ("set_tracking_uri", "set_experiment", "start_run", "log_params", "log_metrics",
                 "end_run"):  # fmt: skip
        setattr(fake, name, does(name))
    monkeypatch.setitem(sys.modules, "mlflow", fake)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for step in (1, 2):  # the second start resumes the run
        opened = Trackers(recipe("mlflow"), tmp_path)
        opened.log(metrics(step))
        opened.close()
    assert calls[0] == ("set_tracking_uri", ((tmp_path / "mlruns").as_uri(),), {})
    logged = next(call for call in calls if call[0] == "log_metrics")
    assert logged[1][0]["loss"] == 4.0
    assert logged[2] == {"step": 1}
    assert calls[-1][0] == "end_run"
    started = [options["run_id"] for name, _, options in calls if name == "start_run"]
    assert started == [None, "its id"]


def test_tensorboard_reads_what_was_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deepspeed.comm.get_rank", lambda: 0)
    opened = trackers.Trackers(recipe("tensorboard"), tmp_path)
    for step in (1, 2):
        opened.log(metrics(step))
    opened.close()
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [(e.step, e.value) for e in events.Scalars("loss")] == [(1, 4.0), (2, 3.0)]
    assert set(events.Tags()["scalars"]) == {"tokens", "loss", "step_time_s", "learning_rate"}
