"""Preparation of a corpus in a separate process, because the caller must not import tokenizers."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from engine.corpora.choice import CorpusChoice
from engine.documents import InputError
from engine.paths import PROJECT_DIR
from engine.results import CorpusReport


def prepare(
    choice: CorpusChoice, vocab: int, on_progress: Callable[[str, float], None]
) -> tuple[Path, CorpusReport]:
    """Prepare a corpus and return its folder and its report.

    ``on_progress`` is called with a stage and the share of it that is done, from 0 to 1.

    Raises
    ------
    InputError
        As :func:`engine.training.corpus.build.prepare`.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "engine.training.corpus.corpus_command"],
        cwd=PROJECT_DIR,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        json.dump({"choice": choice.model_dump(mode="json"), "vocab": vocab}, process.stdin)
        process.stdin.close()
        for line in process.stdout:
            message = json.loads(line)
            if "stage" in message:
                on_progress(message["stage"], message["share"])
            elif "failure" in message:
                raise InputError(**message["failure"]["params"])
            else:
                report = CorpusReport.parse(message["report"], where="report")
                return Path(message["folder"]), report
    raise RuntimeError(f"corpus_command ended with exit code {process.returncode}")
