"""Command that prepares a corpus for a process that must not import ``tokenizers``.

``python -m engine.training.corpus.corpus_command`` reads the choice and the vocabulary as one JSON
object from standard input and writes lines of JSON. A line holds a stage and its share done; the
last line holds the report or the failure.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from engine.corpora.choice import CorpusChoice
from engine.documents import InputError
from engine.results import Failure
from engine.training.corpus.build import prepare


def main() -> int:
    """Prepare the requested corpus; return 0, or 2 if the input is not allowed."""
    request = json.load(sys.stdin)
    try:
        choice = CorpusChoice.parse(request["choice"], where="corpus")
        corpus = prepare(choice, request["vocab"], _print_progress)
    except InputError as error:
        _print_json({"failure": Failure.of_input(error).model_dump(mode="json")})
        return 2
    report = corpus.report.model_dump(mode="json")
    _print_json({"folder": str(corpus.folder), "report": report})
    return 0


def _print_progress(stage: str, share: float) -> None:
    _print_json({"stage": stage, "share": share})


def _print_json(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)


if __name__ == "__main__":
    sys.exit(main())
