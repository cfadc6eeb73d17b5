"""Compress a run's model in each way, and measure all models side by side."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from engine.documents import InputError
from engine.experiments.compression import (
    PRUNED_SHARES,
    WAYS,
    Compression,
    CompressionProgress,
    Stage,
    Way,
    recipes,
)
from engine.experiments.series import failure_error, run_cost, run_of
from engine.files import read_json, write_json
from engine.machine import CPU_CORE, CPU_CORE_PRICE_USD, cpu_name
from engine.paths import PROJECT_DIR
from engine.runs.folder import Phase, Run, now
from engine.runs.launching import control
from engine.runs.locks import hold_lock
from engine.runs.observing.progress import Progress

_BATCHES = (1, 16)
_PROMPT_TOKENS, _NEW_TOKENS, _ROUNDS = 32, 64, 10


def compress(
    run: Run,
    on_progress: Callable[[CompressionProgress], None] = lambda _: None,
    ways: Sequence[Way] = WAYS,
) -> Compression:
    """Make the models that do not exist yet, and measure all models.

    An interrupt cancels the live run and keeps the runs that have ended.

    Raises
    ------
    InputError
        If the run cannot be compressed (:func:`recipes`), if one of the runs fails, or if the run
        is being compressed already.
    """
    wanted = recipes(run)
    with hold_lock(run.folder / "compression.lock") as is_free:
        if not is_free:
            raise InputError("run", run.id, "compressed_already")

        def report(stage: Stage, done: int, made_by: Run | None = None) -> None:
            progress = CompressionProgress(
                stage=stage, done=done, of=len(ways), run_id=made_by and made_by.id
            )
            write_json(run.folder / "compression-progress.json", progress.model_dump(mode="json"))
            on_progress(progress)

        made = [_Made("as_trained", run, run.model_dir, run.model_dir)]
        for done, way in enumerate(ways):
            report(way, done)
            if way == "int8":
                folder = _smaller_files(run, "int8")
                made.append(_Made(way, None, folder, folder))
                continue
            by = run_of(wanted[way])
            report(way, done, by)
            _wait(by)
            sizes = _smaller_files(by, "sparse") if way in PRUNED_SHARES else by.model_dir
            made.append(_Made(way, by, by.model_dir, sizes))
        report("measuring", len(ways))
        table = _table(run, made, _measure(run, made))
        write_json(run.folder / "compression.json", table.model_dump(mode="json"))
    return table


@dataclass(frozen=True, slots=True)
class _Made:
    """A model that exists and is to be measured."""

    way: Way
    by: Run | None
    """Run that trained the model, if one did."""
    folder: Path
    """Folder from which the model is loaded."""
    files: Path
    """Folder with the files whose size is measured."""


def _wait(run: Run) -> None:
    try:
        phase = control.wait(run)
    except KeyboardInterrupt:
        control.cancel(run)
        raise
    if phase is not Phase.SUCCEEDED:
        raise failure_error(run)


def _smaller_files(run: Run, form: Literal["int8", "sparse"]) -> Path:
    """Return the folder of a run's weights in another form; it is written if it is missing."""
    target = run.folder / "compressed" / form
    if not target.is_dir():
        # Written under a hidden name and renamed, so that the folder is never incomplete.
        unfinished = target.with_name(f".{form}")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.parent.mkdir(exist_ok=True)
        _run_module("quantize" if form == "int8" else "sparse", run.model_dir, unfinished)
        unfinished.rename(target)
    return target


def _measure(run: Run, made: Sequence[_Made]) -> dict[str, Any]:
    """Measure losses and speeds in a process that holds all models."""
    seq_len = run.recipe.shape.seq_len_tokens
    request, out = (run.folder / f".compression-{name}.json" for name in ("request", "answer"))
    write_json(
        request,
        {
            "models": {model.way: str(model.folder) for model in made},
            "corpus": (read_json(run.folder / "corpus.json") or {})["folder"],
            "seq_len_tokens": seq_len,
            "batches": _BATCHES,
            "prompt_tokens": _prompt_tokens(seq_len),
            "new_tokens": min(_NEW_TOKENS, seq_len - _prompt_tokens(seq_len)),
            "rounds": _ROUNDS,
            "out": str(out),
        },
    )
    _run_module("decode_bench", request)
    answer = read_json(out) or {}
    requested = read_json(request) or {}
    for path in (request, out):
        path.unlink()
    return answer | {name: requested[name] for name in ("prompt_tokens", "new_tokens", "rounds")}


def _prompt_tokens(seq_len_tokens: int) -> int:
    return min(_PROMPT_TOKENS, seq_len_tokens // 2)


def _table(run: Run, made: Sequence[_Made], found: dict[str, Any]) -> Compression:
    result, cluster = run.result, run.plan.cluster
    assert result is not None
    on_cpu = cluster.accelerator == CPU_CORE
    price = cluster.price_usd_per_device_hour if on_cpu else CPU_CORE_PRICE_USD
    models = []
    for model in made:
        measured = found["models"][model.way]
        weights = model.files.glob("*.safetensors")
        by = model.by
        models.append(
            measured
            | {
                "way": model.way,
                "run_id": by and by.id,
                "size_bytes": sum(path.stat().st_size for path in weights),
                "bits_per_byte": result.corpus.bits_per_byte(measured["held_out_loss"]),
                "training_usd": run_cost(by, Progress(by).update()).usd if by else 0.0,
            }
        )
    return Compression.parse(
        {
            "run_id": run.id,
            "measured_on": now().date(),
            "accelerator": CPU_CORE,
            "device": cpu_name(),
            "usd_per_device_hour": float(price),
            "models": models,
        }
        | {name: value for name, value in found.items() if name != "models"},
        where="compression",
    )


def _run_module(name: str, *arguments: Path) -> None:
    """Run an evaluation module in a separate process, because the caller must not import torch.

    Its output goes to standard error, since a command may print a table to standard output.
    """
    subprocess.run(
        [sys.executable, "-m", f"engine.training.evaluation.{name}", *map(str, arguments)],
        cwd=PROJECT_DIR,
        env=os.environ | {"DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        check=True,
    )
