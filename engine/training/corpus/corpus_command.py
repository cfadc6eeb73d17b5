"""Prepare a corpus for a command line that must not load ``tokenizers`` itself.

``python -m engine.training.corpus.corpus_command``: the choice and the vocabulary as one JSON
object on standard input, lines of JSON on standard output. A line holds a stage and its share done,
or at last the report or the failure.
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
