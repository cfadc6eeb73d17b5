"""Measuring this machine: rates of single operations, then short real runs, then the profile.

Everything that computes is another process (:mod:`engine.training.bench.short_runs`); what it
prints besides its answers goes to a log.
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
    """One short run, in few words: Llama's block with tied embeddings, all devices."""

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
    """What a machine of some kind is measured with: ``data/profiles``."""

    schema_version: Literal[1] = 1
    seconds: Annotated[float, Field(gt=0, le=600)]
    """Of each run, its first steps apart."""
    short: Annotated[tuple[ProfileRun, ...], Field(min_length=2, max_length=100)]
    check: tuple[ProfileRun, ...]
    """Larger ones, which a finished profile is tried on."""


def profile_runs(machine: Machine) -> ProfileRuns:
    """The runs that ship for this kind of machine; InputError where none do."""
    return read_toml(_runs_file(machine), ProfileRuns)


def can_be_profiled(machine: Machine) -> bool:
    """Whether runs ship for this kind of machine: for GPUs none were tried yet."""
    return _runs_file(machine).is_file()


def _runs_file(machine: Machine) -> Path:
    return DATA_DIR / "profiles" / f"{machine.device.kind}.toml"


class ProfileProgress(Document):
    """How far a measuring is; kept in a file while it lasts, for whoever looks."""

    stage: Literal["rates", "runs", "checks"]
    n_done: int
    n_all: int
    seconds_left: float | None = None
    """By the pace so far; None before the first run is over."""


Ask = Callable[[dict[str, Any]], dict[str, Any]]
Tell = Callable[[ProfileProgress], None]


def _silent(_: ProfileProgress) -> None:
    pass


def measure_profile(machine: Machine, asked: ProfileRuns, tell: Tell = _silent) -> MachineProfile:
    """Measure this machine and keep its profile: the machine should do nothing else meanwhile.

    Raises
    ------
    InputError
        If the process that measures ends early; its log says why.
    """
    with _measuring(machine, tell) as (ask, say):
        say(ProfileProgress(stage="rates", n_done=0, n_all=len(asked.short)))
        precision = best_precision(machine.device)
        others = [one for one in TRAINING_PRECISIONS if one not in (precision, "fp16")]
        single = {"n_ranks": machine.n_devices, "precisions": [precision, *others]}
        first = Rates.parse(ask(single), "rates")
        runs = _runs(ask, machine, asked.short, asked.seconds, "runs", say)
        rates = first.best_of(Rates.parse(ask(single), "rates"))
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
    profile: MachineProfile, machine: Machine, asked: ProfileRuns, tell: Tell = _silent
) -> tuple[ShortRun, ...]:
    """Train the larger shapes and hold the profile's predictions for them against it."""
    with _measuring(machine, tell) as (ask, say):
        runs = _runs(ask, machine, asked.check, asked.seconds, "checks", say)
    return short_runs(profile, machine.device, runs)


def _runs(
    ask: Ask,
    machine: Machine,
    asked: Sequence[ProfileRun],
    seconds: float,
    stage: Literal["runs", "checks"],
    tell: Tell,
) -> list[MeasuredRun]:
    started = time.monotonic()
    found: list[MeasuredRun] = []
    for one in asked:
        left = None
        if found:
            left = (time.monotonic() - started) / len(found) * (len(asked) - len(found))
        tell(ProfileProgress(stage=stage, n_done=len(found), n_all=len(asked), seconds_left=left))
        recipe = one.recipe_on(best_precision(machine.device), machine.n_devices)
        request = {"recipe": recipe.model_dump(mode="json"), "seconds": seconds}
        found.append(MeasuredRun(recipe=recipe, **ask(request)))
    tell(ProfileProgress(stage=stage, n_done=len(found), n_all=len(asked), seconds_left=0.0))
    return found


@contextmanager
def _measuring(machine: Machine, tell: Tell) -> Iterator[tuple[Ask, Tell]]:
    """The function that asks a process which measures, and one that says how far it is.

    Raises
    ------
    InputError
        If this machine is being measured already: two at once would measure each other.
    """
    environment = dict(os.environ)
    if not machine.has_gpu:
        environment |= {"DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": "1"}
    home_dir().mkdir(parents=True, exist_ok=True)
    with hold_lock(lock_path()) as free, log_path().open("w", encoding="utf-8") as log:
        if not free:
            raise InputError("machine", device_name(machine), "one_measuring")
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

        def ask(request: dict[str, Any]) -> dict[str, Any]:
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

        def say(progress: ProfileProgress) -> None:
            write_json(progress_path(), progress.model_dump(mode="json"))
            tell(progress)

        try:
            yield ask, say
        finally:
            # Its ranks end with it: their input is its, and they hold no lock.
            process.terminate()
            process.wait()
            progress_path().unlink(missing_ok=True)


def measuring_now() -> ProfileProgress | None:
    """How far a measuring of this machine is, if one is under way."""
    if not is_locked(lock_path()):
        return None
    data = read_json(progress_path())
    return None if data is None else ProfileProgress.parse(data, str(progress_path()))


def log_path() -> Path:
    """What the processes that measure print."""
    return home_dir() / "profile.log"


def lock_path() -> Path:
    """Held by the process that measures, for as long as it lives."""
    return home_dir() / "profile.lock"


def progress_path() -> Path:
    """How far the measuring is, while it lasts."""
    return home_dir() / "profile-progress.json"
