"""The process that answers questions about exported models.

Its command is ``python -m engine.training.evaluation.inference_server``.

A question is one line of JSON on standard input: its ``kind``, the ``folder`` of the model, and
what the function of that kind takes. The answer is lines of JSON on standard output: ``text`` or
``share`` (done) as they come, ``result`` or ``error``, and at last ``done``. The last models stay
loaded. It ends when its input closes, so it never outlives the one that asked.
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
    # What libraries print must not get between the lines: it goes where errors go.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // 2))  # the rest is for runs and the app

    def say(message: Message) -> None:
        print(json.dumps(message), file=answers, flush=True)

    for line in sys.stdin:
        question = json.loads(line)
        kind, folder = question.pop("kind"), Path(question.pop("folder"))
        try:
            if kind == "evaluate":
                # A whole evaluation is one call: it tells its share while it works.
                say({"result": _evaluate(folder, say, **question)})
            else:
                for message in _KINDS[kind](folder, **question):
                    say(message)
        except InputError as error:
            say({"error": Failure.of_input(error).params})
        say({"done": True})


def _evaluate(
    folder: Path, say: Callable[[Message], None], run: str, asked: dict[str, Any]
) -> dict[str, object]:
    objective = build_objective(read_toml(Path(run) / "recipe.toml", Recipe))
    corpus = prepared_corpus(Path(run))
    evaluator = Evaluator(*_load_cached(folder), corpus, objective, QuestionSettings.parse(asked))
    return evaluator.evaluate(lambda share: say({"share": share}))


if __name__ == "__main__":
    serve()
