"""Corpus build: clean documents, drop duplicates, split, train a tokenizer, encode to token files.

A prepared corpus is a folder of ``home_dir()/corpora``, named by a hash of everything that decides
its content. Equal recipes therefore share one folder, and a changed text never gets old tokens.
The first pass cleans and fingerprints documents and stages them on disk; the second pass encodes
the kept documents. No pass holds the corpus in memory.
"""

from __future__ import annotations

import shutil
import tempfile
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib import metadata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.corpora.choice import CorpusChoice
from engine.corpora.packages import PACKAGES
from engine.corpora.sources import Part, digest_of, parts_of, source_files
from engine.documents import InputError
from engine.files import read_json, write_json
from engine.paths import corpora_dir
from engine.recipes.recipe import Recipe
from engine.results import CorpusReport
from engine.training.corpus.deduplication import Index
from engine.training.corpus.shards import SHARDS, lzma_bits_per_byte, token_dtype, write_shards
from engine.training.corpus.staging import Staging, clean_batch, held_out_mask
from engine.training.corpus.tokenizer import matches_tiktoken, train_tokenizer
from engine.training.corpus.worker_pool import WorkerPool

_FORMAT = 3  # increase it when the files of a prepared corpus change
_LIBRARIES = ("tokenizers", "tiktoken", "rensa")
_TASK_BYTES = 2**20
"""Text of one task of the worker pool, in bytes."""
TOKENIZER_SAMPLE_BYTES = 50_000_000
"""Largest text that the tokenizer is trained on; a larger corpus is sampled at random."""

STAGES = ("scan", "clean", "duplicates", "tokenizer", "tokens")
"""Names of the stages, in their order."""

OnProgress = Callable[[str, float], None]
"""Callback that gets the name of a stage and the share of it that is done, from 0 to 1."""


@dataclass(frozen=True, slots=True)
class PreparedCorpus:
    """Folder of a prepared corpus, with its report."""

    folder: Path
    report: CorpusReport

    @property
    def tokenizer_file(self) -> Path:
        return self.folder / "tokenizer.json"

    def train_tokens(self) -> np.memmap:
        """Return training token ids, shape (n_train_tokens,); each document has an end token."""
        return self._open("train")

    def held_out_tokens(self) -> np.memmap:
        """Return held-out token ids, shape (n_held_out_tokens,), in the same form."""
        return self._open("held_out")

    def _open(self, shard: str) -> np.memmap:
        dtype = np.uint16 if self.report.token_bytes == 2 else np.uint32
        return np.memmap(self.folder / f"{shard}.bin", dtype=dtype, mode="r")


def open_corpus(folder: Path) -> PreparedCorpus:
    """Open a prepared corpus."""
    report = CorpusReport.parse(read_json(folder / "report.json") or {}, where="report.json")
    return PreparedCorpus(folder, report)


def prepare_corpus(recipe: Recipe, on_progress: OnProgress | None = None) -> PreparedCorpus:
    """Prepare the recipe's corpus, or open it if it was prepared before.

    Raises
    ------
    InputError
        As :func:`prepare`; also if the text yields a smaller vocabulary than the recipe requires,
        or too few tokens to fill one batch.
    """
    corpus = prepare(recipe.corpus, recipe.text_vocab, on_progress)
    report = corpus.report
    if report.vocab < recipe.text_vocab:
        field = "tokenizer_vocab" if recipe.tokenizer_vocab else "shape.vocab"
        raise InputError(field, recipe.text_vocab, "less_than_equal", limit=report.vocab)
    for field, found, needed in (
        ("corpus.source", report.n_train_tokens, recipe.tokens_per_step),
        ("corpus.held_out_share", report.n_held_out_tokens, recipe.shape.seq_len_tokens),
    ):
        if found <= needed:
            raise InputError(field, f"{found} tokens", "more_tokens", needed=needed)
    return corpus


def prepare(
    choice: CorpusChoice, vocab: int, on_progress: OnProgress | None = None
) -> PreparedCorpus:
    """Prepare a corpus with at most ``vocab`` tokens, or open it if it was prepared before.

    Raises
    ------
    InputError
        As :func:`source_files`, :func:`parts_of` and :func:`read_part`; also if fewer than two
        documents are kept.
    """
    return _CorpusBuild(choice, vocab, on_progress or (lambda stage, share: None)).corpus()


class _CorpusBuild:
    """One build of a corpus, with the wall time of its stages."""

    def __init__(self, choice: CorpusChoice, vocab: int, on_progress: OnProgress) -> None:
        self.choice, self.vocab, self.on_progress = choice, vocab, on_progress
        self.stage_s: dict[str, float] = {}

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        """Report the start of a stage and record its wall time."""
        start = time.perf_counter()
        self.on_progress(name, 0.0)
        yield
        self.stage_s[name] = round(time.perf_counter() - start, 3)

    def corpus(self) -> PreparedCorpus:
        """Return the corpus; build it if its folder does not exist."""
        with self._stage("scan"):
            folder = corpora_dir() / self._content_key()
        if not (folder / "report.json").is_file():
            corpora_dir().mkdir(parents=True, exist_ok=True)
            # The build is renamed when it is complete: a killed build leaves no partial corpus.
            building = Path(tempfile.mkdtemp(prefix=".building-", dir=corpora_dir()))
            try:
                with WorkerPool() as workers:
                    report = self._build(building, workers)
                write_json(building / "report.json", report.model_dump())
                try:
                    building.rename(folder)
                except OSError:
                    if not (folder / "report.json").is_file():  # no other run built it first
                        raise
            finally:
                shutil.rmtree(building, ignore_errors=True)
        return open_corpus(folder)

    def _content_key(self) -> str:
        """Return a hash of the text, the choices and the versions of libraries."""
        choice = self.choice.model_copy(update={"source": ""}).content_hash
        versions = [f"{name} {metadata.version(name)}" for name in _LIBRARIES]
        inputs = [
            str(_FORMAT),
            str(self.vocab),
            choice,
            unicodedata.unidata_version,
            *versions,
            digest_of(self.choice.source),
        ]
        return sha256("\n".join(inputs).encode()).hexdigest()[:16]

    def _build(self, building: Path, workers: WorkerPool) -> CorpusReport:
        """Write the token files and the tokenizer to the folder ``building``."""
        choice = self.choice
        staging = Staging(building / "staging")
        with self._stage("clean"):
            staging.write(
                workers.in_order(clean_batch, ((parts, choice) for parts in self._parts()))
            )
        with self._stage("duplicates"):
            kept = staging.drop_duplicates(choice.near_duplicate_similarity)
        if len(kept) < 2:
            params = {"kept": len(kept), "read": staging.n_read}
            raise InputError("corpus.source", choice.source, "two_kept", **params)
        is_held_out = held_out_mask(len(kept), choice.held_out_share)
        lengths = staging.lengths()
        starts = np.concatenate(([0], np.cumsum(lengths, dtype=np.int64)))
        held_out = kept[is_held_out]
        bits = workers.submit(
            lzma_bits_per_byte, staging.folder, starts[held_out], lengths[held_out]
        )
        with self._stage("tokenizer"):
            sample = _sample(kept[~is_held_out], lengths)
            tokenizer = train_tokenizer(staging.read(sample), self.vocab)
            tokenizer.save(str(building / "tokenizer.json"))
            use_tiktoken = matches_tiktoken(tokenizer)
            lzma_bits = bits.result()
        with self._stage("tokens"):
            n_tokens = write_shards(
                staging,
                kept,
                is_held_out,
                building / "tokenizer.json",
                use_tiktoken,
                building,
                workers,
                self._progress_counter("tokens", int(lengths[kept].sum())),
            )
        shutil.rmtree(staging.folder)
        package = PACKAGES.get(choice.source)
        return CorpusReport(
            source=choice.source,
            source_version=package.version if package else "",
            n_documents=len(kept),
            n_held_out_documents=len(held_out),
            **{f"n_{name}_tokens": n_tokens[name] for name in SHARDS},
            n_train_bytes=int(lengths[kept[~is_held_out]].sum()),
            n_held_out_bytes=int(lengths[held_out].sum()),
            held_out_lzma_bits_per_byte=lzma_bits,
            vocab=tokenizer.get_vocab_size(),
            token_bytes=np.dtype(token_dtype(tokenizer.get_vocab_size())).itemsize,
            n_read_documents=staging.n_read,
            n_read_bytes=staging.n_read_bytes,
            dropped=staging.dropped.report(),
            changed=dict(staging.changed),
            tokenizer_sample_bytes=int(lengths[sample].sum()),
            stage_s=self.stage_s,
            n_workers=workers.n,
        )

    def _parts(self) -> Iterator[list[Part]]:
        """Yield lists of parts of files, each list about a megabyte of text."""
        total = sum(file.n_bytes for file in source_files(self.choice.source))
        count_bytes = self._progress_counter("clean", total)
        task: list[Part] = []
        n_bytes = 0
        for file in source_files(self.choice.source):
            for part in parts_of(file, self.choice.text_field):
                task.append(part)
                n_bytes += part.n_bytes
                if n_bytes >= _TASK_BYTES:
                    count_bytes(n_bytes)
                    yield task
                    task, n_bytes = [], 0
        if task:
            yield task

    def _progress_counter(self, stage: str, total: int) -> Callable[[int], None]:
        """Return a callback that counts bytes and reports the share of ``total`` that is done."""
        done = 0

        def on_bytes(n_bytes: int) -> None:
            nonlocal done
            done += n_bytes
            self.on_progress(stage, min(1.0, done / max(1, total)))

        return on_bytes


def _sample(documents: Index, lengths: NDArray[np.uint32]) -> Index:
    """Return the documents that train the tokenizer, in their order.

    They are all documents, or a random sample if those exceed TOKENIZER_SAMPLE_BYTES.
    """
    total = int(lengths[documents].sum())
    if total <= TOKENIZER_SAMPLE_BYTES:
        return documents
    drawn = np.random.default_rng(0).permutation(len(documents))
    ends = np.cumsum(lengths[documents[drawn]], dtype=np.int64)
    n = max(1, int(np.searchsorted(ends, TOKENIZER_SAMPLE_BYTES, "right")))
    return np.sort(documents[drawn[:n]])
