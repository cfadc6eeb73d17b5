"""What models lose, and how fast they read and write, beside each other:
``python -m engine.training.evaluation.decode_bench REQUEST.json``.

One process holds all of them and asks each in turn, round after round, on one core: whatever
the machine does meanwhile happens to all of them. The answer is written to the request's
``out``.
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


class Request(Document):
    """Which models, and how they are asked."""

    models: dict[str, str]
    """Folders by name; the first is what the others are compared with."""
    corpus: str
    """The folder of a prepared corpus."""
    seq_len_tokens: int
    batches: tuple[int, ...]
    """Sequences at a time."""
    prompt_tokens: int
    new_tokens: int
    rounds: int
    out: str


@dataclass(frozen=True, slots=True)
class AnswerTime:
    """Of one answer."""

    reading: float
    """The prompts, at once."""
    writing: float
    """The tokens after the first."""


def main(path: Path) -> None:
    request = Request.parse(read_json(path) or {}, where=path.name)
    torch.set_num_threads(1)  # a device of the accelerator table is one core
    # Held-out loss is summed up over ranks: here there is one.
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
                    "speeds": [of_batch[name] for of_batch in speeds],
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
    found = {}
    for name, model in models.items():
        folder = Path(request.models[name])
        if (folder / INT8_FILE).is_file():
            found[name] = count_weights(folder)
        else:
            weights = list(model.parameters())
            found[name] = (
                sum(one.numel() for one in weights),
                sum(int(one.count_nonzero()) for one in weights),
            )
    return found


def _compare_speeds(
    models: dict[str, Any], tokens: np.ndarray, request: Request, batch: int
) -> dict[str, dict[str, object]]:
    """Of each model, at ``batch`` prompts: rates, and ratios to the first model's, each round's
    answers compared with each other only. Rounds go through the models forth and back."""
    prompts = [
        tokens[i * request.prompt_tokens : (i + 1) * request.prompt_tokens] for i in range(batch)
    ]
    ids = torch.from_numpy(np.stack(prompts).astype(np.int64))
    taken: dict[str, list[AnswerTime]] = {name: [] for name in models}
    for name in models:  # the first answer sets up kernels and allocators
        answer_time(models[name], ids, request.new_tokens)
    for turn in range(request.rounds):
        names = list(models)
        for name in names if turn % 2 == 0 else reversed(names):
            taken[name].append(answer_time(models[name], ids, request.new_tokens))
    first = taken[next(iter(models))]
    written = batch * (request.new_tokens - 1)
    found: dict[str, dict[str, object]] = {}
    for name, of_model in taken.items():
        found[name] = {
            "batch": batch,
            "read_tokens_per_s": _median([ids.numel() / one.reading for one in of_model]),
            "written_tokens_per_s": _median([written / one.writing for one in of_model]),
            "reading": _spread(
                [a.reading / b.reading for a, b in zip(first, of_model, strict=True)]
            ),
            "writing": _spread(
                [a.writing / b.writing for a, b in zip(first, of_model, strict=True)]
            ),
        }
    return found


@torch.no_grad()
def answer_time(model: Any, ids: torch.Tensor, new_tokens: int) -> AnswerTime:
    """Read prompts of shape (B, T), then write the likeliest token for each, with a cache."""
    started = time.perf_counter()
    output = model(input_ids=ids, use_cache=True)
    token = output.logits[:, -1:].argmax(-1)
    read = time.perf_counter()
    for _ in range(new_tokens - 1):
        output = model(input_ids=token, past_key_values=output.past_key_values, use_cache=True)
        token = output.logits[:, -1:].argmax(-1)
    return AnswerTime(read - started, time.perf_counter() - read)


def _median(values: Sequence[float]) -> float:
    return float(np.median(values))


def _spread(ratios: Sequence[float]) -> dict[str, float]:
    low, value, high = np.quantile(ratios, [0.1, 0.5, 0.9])
    return {"value": float(value), "low": float(low), "high": float(high)}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
