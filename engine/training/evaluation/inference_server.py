"""Inference server: a process that generates from, inspects and evaluates exported models.

Its command is ``python -m engine.training.evaluation.inference_server``. A request is one line of
JSON on standard input: its ``kind``, the ``folder`` of the model and the arguments of that kind's
function. The response is lines of JSON on standard output: ``text`` or ``share`` (done) while it
works, then ``result`` or ``error``, and finally ``done``. The last two models stay loaded. The
server ends when its input closes, so it never outlives its client.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from engine.documents import InputError, read_toml
from engine.recipes.recipe import Recipe
from engine.results import Failure
from engine.sampling import Sampling
from engine.scores import QuestionSettings
from engine.training.corpus.prepare import prepared_corpus
from engine.training.evaluation import inspection
from engine.training.evaluation.evaluate import Evaluator
from engine.training.evaluation.generation import generate, load_model
from engine.training.objectives import build_objective

Message = dict[str, object]
_load_cached = lru_cache(maxsize=2)(load_model)


def _generate(folder: Path, prompt: str, sampling: dict[str, Any]) -> Iterator[Message]:
    for piece in generate(*_load_cached(folder), prompt, Sampling.parse(sampling)):
        yield {"text": piece}


def _inspect(folder: Path, prompt: str) -> Iterator[Message]:
    yield {"result": inspection.inspect(*_load_cached(folder), prompt)}


def _attention(folder: Path, prompt: str, layer: int) -> Iterator[Message]:
    yield {"result": inspection.attention(*_load_cached(folder), prompt, layer)}


_KINDS: dict[str, Callable[..., Iterator[Message]]] = {
    "generate": _generate,
    "inspect": _inspect,
    "attention": _attention,
}


def serve() -> None:
    """Answer requests until standard input ends."""
    # Libraries also print to standard output; that text goes to standard error instead.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    # The other cores are for runs and the app.
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // 2))

    def send(message: Message) -> None:
        print(json.dumps(message), file=answers, flush=True)

    for line in sys.stdin:
        request = json.loads(line)
        kind, folder = request.pop("kind"), Path(request.pop("folder"))
        try:
            if kind == "evaluate":
                # An evaluation is one call, which sends its progress through a callback.
                send({"result": _evaluate(folder, send, **request)})
            else:
                for message in _KINDS[kind](folder, **request):
                    send(message)
        except InputError as error:
            send({"error": Failure.of_input(error).params})
        send({"done": True})


def _evaluate(
    folder: Path, send: Callable[[Message], None], run: str, asked: dict[str, Any]
) -> dict[str, object]:
    objective = build_objective(read_toml(Path(run) / "recipe.toml", Recipe))
    corpus = prepared_corpus(Path(run))
    evaluator = Evaluator(*_load_cached(folder), corpus, objective, QuestionSettings.parse(asked))
    return evaluator.evaluate(lambda share: send({"share": share}))


if __name__ == "__main__":
    serve()
