"""Measurement of this machine: rates of single operations, then short real runs, then the profile.

All computations run in another process (:mod:`engine.training.bench.short_runs`), whose standard
error goes to a log.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from engine.calibration.machine_profile import MachineProfile, Rates, ShortRun, keep
from engine.documents import Document, InputError, read_toml
from engine.experiments.profile_fit import MeasuredRun, profile_of, short_runs
from engine.files import read_json, write_json
from engine.layout import TRAINING_PRECISIONS, Layout, Precision
from engine.machine import Machine, device_name
from engine.paths import DATA_DIR, PROJECT_DIR, home_dir
from engine.plan import best_precision
from engine.recipes.recipe import Recipe
from engine.runs.locks import hold_lock, is_locked
from engine.shapes import ModelShape

_TEXT_VOCAB = 512


class ProfileRun(Document):
    """One short run of a Llama model with tied embeddings on all devices."""

    n_layers: int
    d_model: int
    n_heads: int
    n_kv_heads: int
    d_ff: int
    vocab: int
    seq_len_tokens: int
    micro_batch_sequences: int
    grad_accumulation_steps: int = 1
    zero_stage: int

    def recipe_on(self, precision: Precision, n_ranks: int) -> Recipe:
        shape = ModelShape(
            head_dim=self.d_model // self.n_heads,
            tied_embeddings=True,
            **{
                name: getattr(self, name)
                for name in ModelShape.model_fields
                if name in ProfileRun.model_fields
            },
        )
        return Recipe(
            name=f"L{self.n_layers} d{self.d_model} T{self.seq_len_tokens} V{self.vocab}",
            shape=shape,
            layout=Layout(
                micro_batch_sequences=self.micro_batch_sequences,
                grad_accumulation_steps=self.grad_accumulation_steps,
                zero_stage=self.zero_stage,
                precision=precision,
            ),
            tokenizer_vocab=_TEXT_VOCAB,
            n_ranks=n_ranks,
            steps=1_000_000,
        )


class ProfileRuns(Document):
    """The runs that measure a kind of machine, as in ``data/profiles``."""

    schema_version: Literal[1] = 1
    seconds: Annotated[float, Field(gt=0, le=600)]
    """Duration of each run in seconds, without its first steps."""
    short: Annotated[tuple[ProfileRun, ...], Field(min_length=2, max_length=100)]
    check: tuple[ProfileRun, ...]
    """Larger runs, on which a finished profile is tested."""


def profile_runs(machine: Machine) -> ProfileRuns:
    """Return the runs for this kind of machine; InputError if there are none."""
    return read_toml(_runs_file(machine), ProfileRuns)


def can_be_profiled(machine: Machine) -> bool:
    """Return whether there are runs for this kind of machine; there are none for GPUs yet."""
    return _runs_file(machine).is_file()


def _runs_file(machine: Machine) -> Path:
    return DATA_DIR / "profiles" / f"{machine.device.kind}.toml"


class ProfileProgress(Document):
    """Progress of a measurement, kept in a file while it runs."""

    stage: Literal["rates", "runs", "checks"]
    n_done: int
    n_all: int
    seconds_left: float | None = None
    """Seconds left at the rate so far; None before the first run is over."""


Send = Callable[[dict[str, Any]], dict[str, Any]]
OnProgress = Callable[[ProfileProgress], None]


def _ignore_progress(_: ProfileProgress) -> None:
    pass


def measure_profile(
    machine: Machine, planned: ProfileRuns, on_progress: OnProgress = _ignore_progress
) -> MachineProfile:
    """Measure this machine and keep its profile. The machine should be idle otherwise.

    Raises
    ------
    InputError
        If the measuring process ends early (its log has the reason), or if this machine is being
        measured already.
    """
    with _measuring(machine, on_progress) as (send, report):
        report(ProfileProgress(stage="rates", n_done=0, n_all=len(planned.short)))
        precision = best_precision(machine.device)
        others = [name for name in TRAINING_PRECISIONS if name not in (precision, "fp16")]
        single = {"n_ranks": machine.n_devices, "precisions": [precision, *others]}
        first = Rates.parse(send(single), "rates")
        runs = _runs(send, machine, planned.short, planned.seconds, "runs", report)
        rates = first.best_of(Rates.parse(send(single), "rates"))
    profile = profile_of(
        machine.device,
        device_name(machine),
        machine.n_devices,
        rates,
        runs,
        {name: metadata.version(name) for name in ("torch", "deepspeed")},
    )
    keep(profile)
    return profile


def check_profile(
    profile: MachineProfile,
    machine: Machine,
    planned: ProfileRuns,
    on_progress: OnProgress = _ignore_progress,
) -> tuple[ShortRun, ...]:
    """Train the larger shapes, and compare them with the profile's predictions."""
    with _measuring(machine, on_progress) as (send, report):
        runs = _runs(send, machine, planned.check, planned.seconds, "checks", report)
    return short_runs(profile, machine.device, runs)


def _runs(
    send: Send,
    machine: Machine,
    planned: Sequence[ProfileRun],
    seconds: float,
    stage: Literal["runs", "checks"],
    on_progress: OnProgress,
) -> list[MeasuredRun]:
    started = time.monotonic()
    found: list[MeasuredRun] = []
    for planned_run in planned:
        left = None
        if found:
            left = (time.monotonic() - started) / len(found) * (len(planned) - len(found))
        on_progress(
            ProfileProgress(stage=stage, n_done=len(found), n_all=len(planned), seconds_left=left)
        )
        recipe = planned_run.recipe_on(best_precision(machine.device), machine.n_devices)
        request = {"recipe": recipe.model_dump(mode="json"), "seconds": seconds}
        found.append(MeasuredRun(recipe=recipe, **send(request)))
    on_progress(
        ProfileProgress(stage=stage, n_done=len(found), n_all=len(planned), seconds_left=0.0)
    )
    return found


@contextmanager
def _measuring(machine: Machine, on_progress: OnProgress) -> Iterator[tuple[Send, OnProgress]]:
    """Start the measuring process; yield a function that sends it requests and one that reports.

    Raises
    ------
    InputError
        If this machine is being measured already: two measurements would disturb each other.
    """
    environment = dict(os.environ)
    if not machine.has_gpu:
        environment |= {"DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": "1"}
    home_dir().mkdir(parents=True, exist_ok=True)
    with hold_lock(lock_path()) as is_free:
        if not is_free:
            raise InputError("machine", device_name(machine), "one_measuring")
        # Opened after the check, since it empties the log of an earlier measurement.
        with log_path().open("w", encoding="utf-8") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "engine.training.bench.short_runs"],
                cwd=PROJECT_DIR,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
            )
        assert process.stdin is not None
        assert process.stdout is not None
        requests, answers = process.stdin, process.stdout

        def send(request: dict[str, Any]) -> dict[str, Any]:
            try:
                requests.write(json.dumps(request) + "\n")
                requests.flush()
                line = answers.readline()
            except BrokenPipeError:
                line = ""
            if not line:
                raise InputError("machine", str(log_path()), "measuring_failed")
            found: dict[str, Any] = json.loads(line)
            return found

        def report(progress: ProfileProgress) -> None:
            write_json(progress_path(), progress.model_dump(mode="json"))
            on_progress(progress)

        try:
            yield send, report
        finally:
            # Its ranks end with it, because they share its standard input and hold no lock.
            process.terminate()
            process.wait()
            progress_path().unlink(missing_ok=True)


def measuring_now() -> ProfileProgress | None:
    """Return the progress of a running measurement of this machine; None if there is none."""
    if not is_locked(lock_path()):
        return None
    data = read_json(progress_path())
    return None if data is None else ProfileProgress.parse(data, str(progress_path()))


def log_path() -> Path:
    """Return the path of the measuring processes' log."""
    return home_dir() / "profile.log"


def lock_path() -> Path:
    """Return the path of the lock that a measurement holds while it runs."""
    return home_dir() / "profile.lock"


def progress_path() -> Path:
    """Return the path of the file with the progress of a running measurement."""
    return home_dir() / "profile-progress.json"
