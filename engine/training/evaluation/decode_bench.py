"""Comparison of several models' held-out loss, prefill rate and decode rate.

Its command is ``python -m engine.training.evaluation.decode_bench REQUEST.json``. One process holds
all models and times them in turns on one core, so that changes of the machine's speed affect all of
them. The result is written to the request's ``out``.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import distributed

from engine.documents import Document
from engine.files import read_json, write_json
from engine.training.bench.measuring import OtherProcessLoad
from engine.training.corpus.build import open_corpus
from engine.training.evaluation.generation import load_model
from engine.training.evaluation.held_out_loss import held_out_loss
from engine.training.evaluation.quantize import INT8_FILE, count_weights, load_int8

_BATCH_SEQUENCES = 16
"""Sequences per batch when the held-out loss is measured."""


class Request(Document):
    """Models to compare, and the workload to compare them on."""

    models: dict[str, str]
    """Folders of models by name; the others are compared with the first."""
    corpus: str
    """Folder of a prepared corpus."""
    seq_len_tokens: int
    batches: tuple[int, ...]
    """Batch sizes to time, in sequences."""
    prompt_tokens: int
    """Length of each prompt."""
    new_tokens: int
    """Number of tokens that are generated for each prompt."""
    rounds: int
    """Number of times that each model is timed."""
    out: str
    """Path of the result."""


@dataclass(frozen=True, slots=True)
class AnswerTime:
    """Time of one batch of answers, in seconds."""

    prefill_s: float
    """Time to read the prompts and generate the first token of each."""
    decode_s: float
    """Time to generate the other tokens."""


def main(path: Path) -> None:
    """Answer the request in ``path``."""
    request = Request.parse(read_json(path) or {}, where=path.name)
    torch.set_num_threads(1)  # a device of the accelerator table is one core
    # The held-out loss is summed over ranks, so this process joins a group of one rank.
    store = distributed.TCPStore("127.0.0.1", 0, 1, is_master=True)  # type: ignore[attr-defined]
    distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    held_out = open_corpus(Path(request.corpus)).held_out_tokens()
    models = {name: _load(Path(folder)) for name, folder in request.models.items()}
    losses = {
        name: held_out_loss(
            model,
            held_out,
            seq_len_tokens=request.seq_len_tokens,
            batch_sequences=_BATCH_SEQUENCES,
            device=torch.device("cpu"),
        )
        for name, model in models.items()
    }
    load_by_others = OtherProcessLoad()
    speeds = [_compare_speeds(models, held_out, request, batch) for batch in request.batches]
    write_json(
        Path(request.out),
        {
            "models": {
                name: {
                    "held_out_loss": losses[name],
                    "n_weights": count[0],
                    "n_nonzero": count[1],
                    "speeds": [speeds_by_model[name] for speeds_by_model in speeds],
                }
                for name, count in _counts(models, request).items()
            },
            "other_load_share": load_by_others.share(load_by_others.own_cpu_s()),
            "torch": torch.__version__,
        },
    )
    distributed.destroy_process_group()


def _load(folder: Path) -> Any:
    return (
        load_int8(folder) if (folder / INT8_FILE).is_file() else load_model(folder)[0].cpu().float()
    )


def _counts(models: dict[str, Any], request: Request) -> dict[str, tuple[int, int]]:
    """Return (number of weights, number of nonzero weights) of each model."""
    found = {}
    for name, model in models.items():
        folder = Path(request.models[name])
        if (folder / INT8_FILE).is_file():
            found[name] = count_weights(folder)
        else:
            weights = list(model.parameters())
            found[name] = (
                sum(weight.numel() for weight in weights),
                sum(int(weight.count_nonzero()) for weight in weights),
            )
    return found


def _compare_speeds(
    models: dict[str, Any], tokens: np.ndarray, request: Request, batch: int
) -> dict[str, dict[str, object]]:
    """Return each model's rates at ``batch`` prompts, and their ratios to the first model's.

    A ratio compares times of the same round. The order of the models alternates between rounds.
    """
    prompts = [
        tokens[i * request.prompt_tokens : (i + 1) * request.prompt_tokens] for i in range(batch)
    ]
    ids = torch.from_numpy(np.stack(prompts).astype(np.int64))  # Shape: (batch, prompt_tokens)
    times: dict[str, list[AnswerTime]] = {name: [] for name in models}
    for name in models:  # the first answer sets up kernels and allocators
        answer_time(models[name], ids, request.new_tokens)
    for round_number in range(request.rounds):
        names = list(models)
        for name in names if round_number % 2 == 0 else reversed(names):
            times[name].append(answer_time(models[name], ids, request.new_tokens))
    first = times[next(iter(models))]
    decoded_tokens = batch * (request.new_tokens - 1)
    found: dict[str, dict[str, object]] = {}
    for name, model_times in times.items():
        found[name] = {
            "batch": batch,
            "read_tokens_per_s": _median(
                [ids.numel() / answer.prefill_s for answer in model_times]
            ),
            "written_tokens_per_s": _median(
                [decoded_tokens / answer.decode_s for answer in model_times]
            ),
            "reading": _spread(
                [a.prefill_s / b.prefill_s for a, b in zip(first, model_times, strict=True)]
            ),
            "writing": _spread(
                [a.decode_s / b.decode_s for a, b in zip(first, model_times, strict=True)]
            ),
        }
    return found


@torch.no_grad()
def answer_time(model: Any, ids: torch.Tensor, new_tokens: int) -> AnswerTime:
    """Time a greedy answer with a key-value cache to prompts ``ids`` of shape (batch, tokens)."""
    started = time.perf_counter()
    output = model(input_ids=ids, use_cache=True)
    token = output.logits[:, -1:].argmax(-1)
    prefilled = time.perf_counter()
    for _ in range(new_tokens - 1):
        output = model(input_ids=token, past_key_values=output.past_key_values, use_cache=True)
        token = output.logits[:, -1:].argmax(-1)
    return AnswerTime(prefilled - started, time.perf_counter() - prefilled)


def _median(values: Sequence[float]) -> float:
    return float(np.median(values))


def _spread(ratios: Sequence[float]) -> dict[str, float]:
    """Return the median, the 10% quantile and the 90% quantile."""
    low, value, high = np.quantile(ratios, [0.1, 0.5, 0.9])
    return {"value": float(value), "low": float(low), "high": float(high)}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
