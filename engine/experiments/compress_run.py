"""Making a run's model smaller in each way, and measuring all of them beside each other."""

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
from engine.experiments.series import failed, run_of, spent
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
    tell: Callable[[CompressionProgress], None] = lambda _: None,
    ways: Sequence[Way] = WAYS,
) -> Compression:
    """Make what is still to be made, and measure all of it.

    An interrupt cancels the run under way and keeps those that have ended.

    Raises
    ------
    InputError
        As :func:`recipes`; if one of the runs fails, or the run is being compressed already.
    """
    wanted = recipes(run)
    with hold_lock(run.folder / "compression.lock") as alone:
        if not alone:
            raise InputError("run", run.id, "compressed_already")

        def at(stage: Stage, done: int, made_by: Run | None = None) -> None:
            progress = CompressionProgress(
                stage=stage, done=done, of=len(ways), run_id=made_by and made_by.id
            )
            write_json(run.folder / "compression-progress.json", progress.model_dump(mode="json"))
            tell(progress)

        made = [_Made("as_trained", run, run.model_dir, run.model_dir)]
        for done, way in enumerate(ways):
            at(way, done)
            if way == "int8":
                folder = _smaller_files(run, "int8")
                made.append(_Made(way, None, folder, folder))
                continue
            by = run_of(wanted[way])
            at(way, done, by)
            _wait(by)
            sizes = _smaller_files(by, "sparse") if way in PRUNED_SHARES else by.model_dir
            made.append(_Made(way, by, by.model_dir, sizes))
        at("measuring", len(ways))
        table = _table(run, made, _measure(run, made))
        write_json(run.folder / "compression.json", table.model_dump(mode="json"))
    return table


@dataclass(frozen=True, slots=True)
class _Made:
    way: Way
    by: Run | None
    folder: Path
    """From which it is loaded."""
    files: Path
    """Where the files lie whose size counts."""


def _wait(run: Run) -> None:
    try:
        phase = control.wait(run)
    except KeyboardInterrupt:
        control.cancel(run)
        raise
    if phase is not Phase.SUCCEEDED:
        raise failed(run)


def _smaller_files(run: Run, form: Literal["int8", "sparse"]) -> Path:
    """The folder of a run's weights in another form; made if it is not there."""
    target = run.folder / "compressed" / form
    if not target.is_dir():
        # Beside its place and renamed: a process that was killed leaves nothing half done.
        part = target.with_name(f".{form}")
        shutil.rmtree(part, ignore_errors=True)
        part.parent.mkdir(exist_ok=True)
        _run_module("quantize" if form == "int8" else "sparse", run.model_dir, part)
        part.rename(target)
    return target


def _measure(run: Run, made: Sequence[_Made]) -> dict[str, Any]:
    """Losses and speeds, by a process that holds all models."""
    seq_len = run.recipe.shape.seq_len_tokens
    request, out = (run.folder / f".compression-{name}.json" for name in ("request", "answer"))
    write_json(
        request,
        {
            "models": {one.way: str(one.folder) for one in made},
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
    asked = read_json(request) or {}
    for path in (request, out):
        path.unlink()
    return answer | {name: asked[name] for name in ("prompt_tokens", "new_tokens", "rounds")}


def _prompt_tokens(seq_len_tokens: int) -> int:
    return min(_PROMPT_TOKENS, seq_len_tokens // 2)


def _table(run: Run, made: Sequence[_Made], found: dict[str, Any]) -> Compression:
    result, cluster = run.result, run.plan.cluster
    assert result is not None
    on_cpu = cluster.accelerator == CPU_CORE
    price = cluster.price_usd_per_device_hour if on_cpu else CPU_CORE_PRICE_USD
    models = []
    for one in made:
        measured = found["models"][one.way]
        models.append(
            measured
            | {
                "way": one.way,
                "run_id": one.by and one.by.id,
                "size_bytes": sum(path.stat().st_size for path in one.files.glob("*.safetensors")),
                "bits_per_byte": result.corpus.bits_per_byte(measured["held_out_loss"]),
                "training_usd": spent(one.by, Progress(one.by).update()).usd if one.by else 0.0,
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
    """A process of its own: this one must not import torch. What it prints goes where ours does,
    but not among a table."""
    subprocess.run(
        [sys.executable, "-m", f"engine.training.evaluation.{name}", *map(str, arguments)],
        cwd=PROJECT_DIR,
        env=os.environ | {"DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        check=True,
    )
